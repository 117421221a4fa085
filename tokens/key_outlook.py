"""What becomes of a signing key, in words for screens and commands. Reads only."""

from datetime import datetime
from typing import NamedTuple

from django.db.models import Max
from django.utils import timezone
from django.utils.timesince import timesince

from proxies.models import Environment
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
    logins = ", and the tokens of logins to this portal" if key.environment.is_default else ""
    return f"JWTs of {key.environment}{logins}"


def _in_state(environment: Environment, state: str) -> SigningKey | None:
    keys = SigningKey.objects.filter(environment=environment, retired_at=None, ended_at=None)
    return next((key for key in keys.order_by("published_at", "pk") if key.state == state), None)


def _date(moment: datetime) -> str:
    return f"{moment:%-d %b %Y, %H:%M} UTC"


def _of_published(key: SigningKey) -> str:
    due = next_rotation(key.environment)
    return f"signs from {_date(due)}" if due else "signs after the next rotation, which is done by hand"


def _of_signing(key: SigningKey) -> str:
    due = next_rotation(key.environment)
    return f"rotates {_date(due)}" if due else "rotates by hand"


def _of_verify_only(key: SigningKey) -> str:
    if count := never_expiring(key):
        return f"for ever: {count} never-expiring JWT{'s' if count > 1 else ''}"
    last = IssuedToken.objects.filter(signing_key=key).aggregate(last=Max("expires_at"))["last"]
    return f"retires after {_date(last)}" if last else "retires soon"


_NEXT = {
    "staged": lambda _key: "waits to be published",
    "published": _of_published,
    "signing": _of_signing,
    "verify-only": _of_verify_only,
    "retired": lambda _key: "",
    "ended": lambda _key: "",
}
