"""Token policies. Sole writer of TokenPolicy (D5, D15)."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_noop

from credentials.models import Credential
from proxies import history
from proxies.models import ApiProxy, ProxyGroup
from proxies.sentences import Sentence
from tokens.errors import InvalidPolicy, PolicyExists
from tokens.models import RefreshMode, TokenFormat, TokenPolicy

Owner = ApiProxy | ProxyGroup | Credential
LONGEST_LIFETIME = 10 * 366 * 86_400
LONGEST_RETRY_WINDOW = 3_600
# What a policy says about its tokens, in the order in which screens and the API tell it.
TERMS = (
    "token_format",
    "never_expires",
    "access_token_lifetime_secs",
    "refresh_allowed",
    "refresh_token_lifetime_secs",
    "refresh_count",
    "refresh_mode",
    "retry_window_secs",
    "family_lifetime_secs",
)


def _owned_by(owner: Owner) -> dict[str, Any]:
    if isinstance(owner, ApiProxy):
        return {"proxy": owner}
    return {"group": owner} if isinstance(owner, ProxyGroup) else {"credential": owner}


def defaults() -> dict[str, Any]:
    """The terms of a policy that says nothing itself."""
    return {
        "token_format": TokenFormat.OPAQUE,
        "never_expires": False,
        "access_token_lifetime_secs": settings.ACCESS_TOKEN_LIFETIME_SECONDS,
        "refresh_allowed": True,
        "refresh_token_lifetime_secs": settings.REFRESH_TOKEN_LIFETIME_SECONDS,
        "refresh_count": None,
        "refresh_mode": RefreshMode.ROTATING,
        "retry_window_secs": settings.REFRESH_RETRY_WINDOW_SECONDS,
        "family_lifetime_secs": None,
    }


def terms_of(policy: TokenPolicy) -> dict[str, Any]:
    """The terms a policy has."""
    return {name: getattr(policy, name) for name in TERMS}


def check(terms: dict[str, Any]) -> dict[str, Any]:
    """Complete terms that can be kept, or InvalidPolicy. R <= L is no error (D8)."""
    if unknown := set(terms).difference(TERMS):
        raise InvalidPolicy(Sentence(gettext_noop("Unknown terms: {values}."), values=", ".join(sorted(unknown))))
    whole = defaults() | terms
    if not all(isinstance(whole[name], bool) for name in ("never_expires", "refresh_allowed")):
        raise InvalidPolicy(gettext_noop("never_expires and refresh_allowed are true or false."))
    if whole["token_format"] not in TokenFormat.values or whole["refresh_mode"] not in RefreshMode.values:
        raise InvalidPolicy(gettext_noop("The token type is opaque or jwt; the refresh mode is rotating or static."))
    if whole["never_expires"]:
        if whole["token_format"] == TokenFormat.JWT and not settings.ALLOW_NEVER_EXPIRING_JWT:
            raise InvalidPolicy(gettext_noop("This installation does not allow JWTs that never expire."))
        whole |= {"access_token_lifetime_secs": None, "refresh_allowed": False}
    else:
        _check_number(whole, "access_token_lifetime_secs", 1, LONGEST_LIFETIME)
    if whole["refresh_allowed"] or whole["refresh_token_lifetime_secs"] is not None:
        _check_number(whole, "refresh_token_lifetime_secs", 1, LONGEST_LIFETIME)
    for name, most in (("refresh_count", 1_000_000), ("family_lifetime_secs", LONGEST_LIFETIME)):
        if whole[name] is not None:
            _check_number(whole, name, 1, most)
    _check_number(whole, "retry_window_secs", 0, LONGEST_RETRY_WINDOW)
    return whole


def _check_number(terms: dict[str, Any], name: str, least: int, most: int) -> None:
    value = terms[name]
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise InvalidPolicy(
            Sentence(
                gettext_noop("{name} must be a whole number from {least} to {most}."), name=name, least=least, most=most
            )
        )


def set_policy(
    owner: Owner, *, by: str, only_new: bool = False, at: datetime | None = None, **terms: Any
) -> TokenPolicy:
    """Make or replace the policy of a proxy, group or credential; families handed out before keep their terms (D5).

    With `only_new` none is replaced: raises PolicyExists.
    """
    now = at or timezone.now()
    if isinstance(owner, Credential) and owner.is_bound:
        raise InvalidPolicy(gettext_noop("The key of a proxy or group has that holder's policy."))
    whole = check(terms)
    owned = _owned_by(owner)
    with transaction.atomic():
        found = TokenPolicy.objects.select_for_update().filter(**owned).first()
        before = None if found is None else terms_of(found)
        made, created = TokenPolicy.objects.get_or_create(**owned, defaults=whole)
        if only_new and not created:
            raise PolicyExists
        if not created:
            made, _ = TokenPolicy.objects.update_or_create(**owned, defaults=whole)
        history.record("set policy", made, by=by, at=now, before=before, after=whole)
    return made


def suspend(policy: TokenPolicy, *, by: str, at: datetime | None = None) -> None:
    """Refuse new tokens and every refresh under this policy while it is so (D5)."""
    now = at or timezone.now()
    with transaction.atomic():
        if TokenPolicy.objects.filter(pk=policy.pk, suspended_at=None).update(suspended_at=now):
            history.record("suspend", policy, by=by, at=now, **history.switched("suspended", True))
    policy.refresh_from_db()


def resume(policy: TokenPolicy, *, by: str, at: datetime | None = None) -> None:
    """Let a suspended policy count again."""
    now = at or timezone.now()
    with transaction.atomic():
        if TokenPolicy.objects.filter(pk=policy.pk).exclude(suspended_at=None).update(suspended_at=None):
            history.record("resume", policy, by=by, at=now, **history.switched("suspended", False))
    policy.refresh_from_db()
