"""What becomes of a signing key, in words for screens and commands. Reads only."""

from datetime import datetime
from typing import NamedTuple

from django.db.models import Max
from django.utils import timezone
from django.utils.timesince import timesince
from django.utils.translation import gettext_noop

from proxies.models import Environment
from proxies.sentences import Sentence
from tokens import key_rules
from tokens.models import IssuedToken, SigningKey


class Outlook(NamedTuple):
    """How old a key is, and what comes next for it."""

    age: str
    next_step: str


def outlook(key: SigningKey, *, at: datetime | None = None) -> Outlook:
    """Age and next step of a key."""
    now = at or timezone.now()
    return Outlook(timesince(key.created_at, now), _NEXT[key.state](key))


def next_rotation(environment: Environment) -> datetime | None:
    """When the environment's key rotates by itself; None where that is done by hand, or nothing signs yet."""
    days = environment.signing_key_rotation_days
    old = _in_state(environment, "signing")
    if days is None or old is None or old.signing_since is None:
        return None
    following = _in_state(environment, "published")
    return key_rules.rotation_due(old.signing_since, days, following.published_at if following else None)


def never_expiring(key: SigningKey) -> int:
    """How many live JWTs without an end keep the key verifying for ever (D13)."""
    return IssuedToken.objects.filter(signing_key=key, expires_at=None, revoked_at=None).count()


def signs(key: SigningKey) -> str:
    """What hangs on the key."""
    environment = key.environment
    if environment.is_default:
        return Sentence(
            gettext_noop("JWTs of {environment}, and the tokens of logins to this portal"), environment=environment
        )
    return Sentence(gettext_noop("JWTs of {environment}"), environment=environment)


def _in_state(environment: Environment, state: str) -> SigningKey | None:
    keys = SigningKey.objects.filter(environment=environment, retired_at=None, ended_at=None)
    return next((key for key in keys.order_by("published_at", "pk") if key.state == state), None)


def _date(moment: datetime) -> str:
    return f"{moment:%-d %b %Y, %H:%M} UTC"


def _of_published(key: SigningKey) -> str:
    due = next_rotation(key.environment)
    return (
        Sentence(gettext_noop("signs from {date}"), date=_date(due))
        if due
        else gettext_noop("signs after the next rotation, which is done by hand")
    )


def _of_signing(key: SigningKey) -> str:
    due = next_rotation(key.environment)
    return Sentence(gettext_noop("rotates {date}"), date=_date(due)) if due else gettext_noop("rotates by hand")


def _of_verify_only(key: SigningKey) -> str:
    if count := never_expiring(key):
        one = gettext_noop("for ever: {count} never-expiring JWT")
        return Sentence(one if count == 1 else gettext_noop("for ever: {count} never-expiring JWTs"), count=count)
    last = IssuedToken.objects.filter(signing_key=key).aggregate(last=Max("expires_at"))["last"]
    return Sentence(gettext_noop("retires after {date}"), date=_date(last)) if last else gettext_noop("retires soon")


_NEXT = {
    "staged": lambda _key: gettext_noop("waits to be published"),
    "published": _of_published,
    "signing": _of_signing,
    "verify-only": _of_verify_only,
    "retired": lambda _key: "",
    "ended": lambda _key: "",
}
