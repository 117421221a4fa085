"""Second factors: set up, prove, renew the codes, remove. Sole writer of SecondFactor, RecoveryCode and
`User.second_factor_since`.

Codes are of the app that most people have: RFC 6238 with SHA-1, six digits, thirty seconds (django-otp reckons them).
Its own tables would keep keys and recovery codes in clear; ours keep the key sealed and the codes hashed (I5).
"""

import base64
import secrets as random
from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple
from urllib.parse import quote, urlencode, urlsplit

from django.conf import settings
from django.contrib.auth.models import AnonymousUser, Group
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_noop
from django_otp.oath import TOTP

from credentials import secrets
from credentials.errors import SecondFactorRefused, SecondFactorState
from credentials.models import RecoveryCode, SecondFactor, User
from proxies import history

EVERYBODY = "staff"
RECOVERY_CODES = 10
_DIGITS, _STEP_SECONDS = 6, 30
# One step before and after: clocks differ, and typing takes time (RFC 6238 section 5.2).
_TOLERANCE = 1
_KEY_BYTES = 20
_LONGEST_CODE = 40
# No character that is taken for another one.
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
_GROUPS, _GROUP_LENGTH = 4, 4


class Begun(NamedTuple):
    """A new key for an app, to type and to scan: the only moment it exists in clear."""

    key: str
    address: str


def seal_context(factor: SecondFactor) -> str:
    """What binds a sealed key to its person."""
    return f"credentials_secondfactor:{factor.person_id}:sealed_key"


# --- who must have one


def is_asked_of(*, is_staff: bool, is_superuser: bool, groups: Collection[str], required: Collection[str]) -> bool:
    """Whether a person must have a second factor. `required` holds names of groups, or `staff` for all who may enter.

    Where it is asked of anybody, it is asked of superusers: they may do more than any group.
    """
    if not (required and (is_staff or is_superuser)):
        return False
    return is_superuser or EVERYBODY in required or not set(groups).isdisjoint(required)


def is_missing(person: User | AnonymousUser) -> bool:
    """True for a person of whom the installation asks a second factor and who has none."""
    required = settings.SECOND_FACTOR_REQUIRED
    if not required or not isinstance(person, User) or person.second_factor_since is not None:
        return False
    return is_asked_of(
        is_staff=person.is_staff,
        is_superuser=person.is_superuser,
        groups=[group.name for group in person.groups.all()],
        required=required,
    )


def unknown_groups() -> list[str]:
    """What SECOND_FACTOR_REQUIRED names and there is not: nobody is asked on account of it."""
    named = [name for name in settings.SECOND_FACTOR_REQUIRED if name != EVERYBODY]
    there = set(Group.objects.filter(name__in=named).values_list("name", flat=True))
    return [name for name in named if name not in there]


def lacking() -> list[User]:
    """Everybody of whom a second factor is asked and who has none, by name."""
    if not settings.SECOND_FACTOR_REQUIRED:
        return []
    asked = User.objects.filter(Q(is_staff=True) | Q(is_superuser=True), is_active=True, second_factor_since=None)
    return [person for person in asked.order_by("username").prefetch_related("groups") if is_missing(person)]


# --- set up and remove


def begin(person: User, *, at: datetime | None = None) -> Begun:
    """A new key for this person's app, which counts once a first code confirms it; one that waited is replaced.

    Raises SecondFactorState where the person has a second factor.
    """
    now = at or timezone.now()
    raw = random.token_bytes(_KEY_BYTES)
    with transaction.atomic():
        held = User.objects.select_for_update().get(pk=person.pk)
        if held.second_factor_since is not None:
            raise SecondFactorState(gettext_noop("There is a second factor already. Remove it first."))
        sealed = secrets.seal(raw, context=seal_context(SecondFactor(person=held)))
        SecondFactor.objects.update_or_create(
            person=held, defaults={"sealed_key": sealed, "last_step": -1, "begun_at": now}
        )
    key = base64.b32encode(raw).decode()
    issuer = f"Latchkey {urlsplit(settings.PUBLIC_URL).hostname}"
    said = urlencode({"secret": key, "issuer": issuer}, quote_via=quote)
    return Begun(key, f"otpauth://totp/{quote(issuer)}:{quote(person.get_username(), safe='')}?{said}")


def confirm(person: User, code: str, *, by: str, at: datetime | None = None) -> list[str]:
    """From now on the person proves themselves by this app as well; the recovery codes, shown once.

    Sessions of the admin that were opened without it end. Raises SecondFactorRefused or SecondFactorState.
    """
    now = at or timezone.now()
    with transaction.atomic():
        held = User.objects.select_for_update().get(pk=person.pk)
        if held.second_factor_since is not None or not SecondFactor.objects.filter(person=held).exists():
            raise SecondFactorState
        _accept_of_app(held, _tidy(code), now)
        User.objects.filter(pk=held.pk).update(second_factor_since=now)
        made = _new_codes(held)
        history.record("set up second factor", held, by=by, at=now, **history.switched("second_factor", True))
    person.refresh_from_db()
    return made


def renew_codes(person: User, *, by: str, at: datetime | None = None) -> list[str]:
    """New recovery codes, shown once; the old ones work no more. Raises SecondFactorState."""
    now = at or timezone.now()
    with transaction.atomic():
        held = User.objects.select_for_update().get(pk=person.pk)
        if held.second_factor_since is None:
            raise SecondFactorState(gettext_noop("There is no second factor that recovery codes could stand for."))
        made = _new_codes(held)
        history.record("renew recovery codes", held, by=by, at=now, after={"recovery_codes_left": RECOVERY_CODES})
    return made


def remove(person: User, *, by: str, note: str = "", at: datetime | None = None) -> None:
    """The password alone lets the person in again; their sessions of the admin end. Raises SecondFactorState."""
    now = at or timezone.now()
    with transaction.atomic():
        if not User.objects.filter(pk=person.pk, second_factor_since__isnull=False).update(second_factor_since=None):
            raise SecondFactorState(gettext_noop("There is no second factor to remove."))
        SecondFactor.objects.filter(person=person).delete()
        RecoveryCode.objects.filter(person=person).delete()
        told = history.switched("second_factor", False)
        history.record("remove second factor", person, by=by, at=now, note=note, **told)
    person.refresh_from_db()


def _new_codes(person: User) -> list[str]:
    RecoveryCode.objects.filter(person=person).delete()
    made = [
        "-".join("".join(random.choice(_LETTERS) for _ in range(_GROUP_LENGTH)) for _ in range(_GROUPS))
        for _ in range(RECOVERY_CODES)
    ]
    RecoveryCode.objects.bulk_create(
        RecoveryCode(person=person, digest=secrets.digest(_recovery(person, _tidy(code)))) for code in made
    )
    return made


# --- prove


def prove(person: User, code: str, *, at: datetime | None = None) -> None:
    """Accept a code of the app or a recovery code, each of them once. Raises SecondFactorRefused.

    Whoever calls it limits how often: a code has six digits.
    """
    now = at or timezone.now()
    typed = _tidy(code)
    if len(typed) == _DIGITS and typed.isdecimal():
        _accept_of_app(person, typed, now)
    else:
        _accept_on_paper(person, typed, now)


def codes_left(person: User) -> int:
    """How many recovery codes of a person are unused."""
    return RecoveryCode.objects.filter(person=person, used_at=None).count()


def _accept_of_app(person: User, typed: str, now: datetime) -> None:
    factor = SecondFactor.objects.filter(person=person).first()
    if factor is None or len(typed) != _DIGITS or not typed.isdecimal():
        raise SecondFactorRefused
    reckoned = TOTP(secrets.unseal(factor.sealed_key, context=seal_context(factor)), _STEP_SECONDS, digits=_DIGITS)
    reckoned.time = now.timestamp()
    if not reckoned.verify(int(typed), tolerance=_TOLERANCE, min_t=factor.last_step + 1):
        raise SecondFactorRefused
    step = reckoned.t()
    # Of two who show the same code at once, one moves the step.
    if not SecondFactor.objects.filter(pk=factor.pk, last_step__lt=step).update(last_step=step):
        raise SecondFactorRefused


def _accept_on_paper(person: User, typed: str, now: datetime) -> None:
    unused = RecoveryCode.objects.filter(
        person=person, digest__in=secrets.digests(_recovery(person, typed)), used_at=None
    )
    with transaction.atomic():
        if not unused.update(used_at=now):
            raise SecondFactorRefused
        left = {"recovery_codes_left": codes_left(person)}
        history.record("use recovery code", person, by=person.get_username(), at=now, after=left)


def _tidy(code: str) -> str:
    """As it is kept: without the spaces and dashes that make it readable."""
    short = code[:_LONGEST_CODE].casefold()
    return "".join(mark for mark in short if mark.isascii() and mark.isalnum())


def _recovery(person: User, typed: str) -> str:
    """Two people may have the same code; their hashes differ."""
    return f"recovery code {person.pk} {typed}"
