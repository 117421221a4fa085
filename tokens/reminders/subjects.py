"""What ends soon or has grown old, and who answers for it. Reads only, in slices that begin where the last has ended.

Only what would work until then is told: revoked, archived, withdrawn and closed things are nobody's concern.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time
from typing import Any, NamedTuple

from django.db.models import F, Model, Q, QuerySet

from credentials import rules
from credentials.models import (
    ConnectionConfiguration,
    ConnectionToken,
    Credential,
    CredentialKey,
    CredentialSecret,
    Grant,
    PersonalAccessToken,
    User,
)
from tokens import reminder_rules
from tokens.models import JwtRefreshKey, Reminder, TokenFamily

SLICE = 500
Kind = Reminder.Kind


class Found(NamedTuple):
    """One thing at one stage, in the columns of a Reminder."""

    kind: str
    stage: str
    subject_id: int
    subject_name: str
    screen: str
    screen_id: int
    due_at: datetime
    owner_name: str
    owner_email: str


class Owner(NamedTuple):
    """Who is told."""

    name: str
    email: str


def due(now: datetime) -> Iterator[Found]:
    """Everything that is at a stage now."""
    for each in (
        _credentials,
        _secrets,
        _certificates,
        _grants,
        _licences,
        _connection_tokens,
        _refresh_keys,
        _personal_tokens,
    ):
        yield from each(now)


def _sliced(rows: QuerySet[Any]) -> Iterator[Any]:
    last = 0
    while part := list(rows.filter(pk__gt=last).order_by("pk")[:SLICE]):
        yield from part
        last = part[-1].pk


def _ending(column: str, now: datetime) -> Q:
    return Q(**{f"{column}__gt": now, f"{column}__lte": now + reminder_rules.FURTHEST})


def _ending_day(column: str, now: datetime) -> Q:
    return Q(**{f"{column}__gt": now.date(), f"{column}__lte": (now + reminder_rules.FURTHEST).date()})


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _found(
    kind: Reminder.Kind,
    row: Any,
    shown: Any,
    *,
    end: datetime,
    born: datetime,
    owner: Owner,
    now: datetime,
    name: str = "",
) -> Iterator[Found]:
    """`shown` is the row whose screen a person opens."""
    stage = reminder_rules.stage(end, born=born, now=now)
    if stage is not None:
        name = (name or str(shown))[:255]
        yield Found(kind, stage, row.pk, name, shown._meta.label_lower, shown.pk, end, *owner)


def _of_credential(credential: Credential) -> Owner:
    """Its own, or that of the proxy or group whose key it is."""
    for owned in (credential, credential.proxy, credential.group):
        if owned is not None and owned.owner_email:
            return Owner(owned.owner_name, owned.owner_email)
    return Owner(credential.owner_name, "")


def _of_person(person: User) -> Owner:
    return Owner(person.get_full_name() or person.get_username(), person.email)


def _of_owned(row: ConnectionConfiguration) -> Owner:
    return Owner(row.owner_name, row.owner_email)


def _of_grant(grant: Grant) -> Owner:
    return _of_person(grant.user) if grant.user is not None else _of_credential(_its_credential(grant))


def _its_credential(row: Any) -> Credential:
    found: Credential = row.credential
    return found


_SUBJECTS: dict[str, tuple[type[Model], Callable[[Any], Owner]]] = {
    Kind.CREDENTIAL: (Credential, _of_credential),
    Kind.SECRET: (CredentialSecret, lambda row: _of_credential(row.credential)),
    Kind.CERTIFICATE: (CredentialKey, lambda row: _of_credential(row.credential)),
    Kind.GRANT: (Grant, _of_grant),
    Kind.LICENCE: (ConnectionConfiguration, _of_owned),
    Kind.CONNECTION_TOKEN: (ConnectionToken, lambda row: _of_owned(row.configuration)),
    Kind.REFRESH_KEY: (JwtRefreshKey, lambda row: _of_person(row.family.user)),
    Kind.PERSONAL_TOKEN: (PersonalAccessToken, lambda row: _of_person(row.owner)),
}


def owner_now(reminder: Reminder) -> Owner:
    """Who answers for its subject by now; who did then, where the subject is gone."""
    model, whose = _SUBJECTS[reminder.kind]
    row = model._default_manager.filter(pk=reminder.subject_id).first()
    return Owner(reminder.owner_name, reminder.owner_email) if row is None else whose(row)


_ALIVE = Q(archived_at=None, deactivated_at=None)
_OF_ALIVE = Q(credential__archived_at=None, credential__deactivated_at=None)
_HOLDERS = ("credential__proxy", "credential__group")


def _credentials(now: datetime) -> Iterator[Found]:
    rows = Credential.objects.filter(_ALIVE, _ending_day("expires_on", now)).select_related("proxy", "group")
    for row in _sliced(rows):
        end = _midnight(row.expires_on)
        yield from _found(Kind.CREDENTIAL, row, row, end=end, born=row.created_at, owner=_of_credential(row), now=now)


def _secrets(now: datetime) -> Iterator[Found]:
    rows = CredentialSecret.objects.filter(_OF_ALIVE, _ending("retire_at", now), retired_at=None)
    yield from _parts(Kind.SECRET, rows, lambda row: row.retire_at, now)


def _certificates(now: datetime) -> Iterator[Found]:
    rows = CredentialKey.objects.filter(_OF_ALIVE, _ending("not_after", now), removed_at=None)
    yield from _parts(Kind.CERTIFICATE, rows, lambda row: row.not_after, now)


def _parts(kind: Reminder.Kind, rows: QuerySet[Any], end: Callable[[Any], datetime], now: datetime) -> Iterator[Found]:
    """What belongs to a credential and is seen on its screen."""
    for row in _sliced(rows.select_related(*_HOLDERS)):
        client = row.credential
        owner = _of_credential(client)
        yield from _found(kind, row, client, end=end(row), born=row.created_at, owner=owner, now=now)


def _grants(now: datetime) -> Iterator[Found]:
    """Those of a deactivated person or credential are told nobody."""
    held = Q(credential=None, user__is_active=True) | _OF_ALIVE
    rows = Grant.objects.filter(held, _ending_day("expires_on", now), withdrawn_at=None)
    for row in _sliced(rows.select_related(*_HOLDERS, "user", "proxy", "group")):
        owner = _of_grant(row)
        end, name = _midnight(row.expires_on), f"{row.credential or row.user} → {row.proxy or row.group}"
        yield from _found(Kind.GRANT, row, row, end=end, born=row.created_at, owner=owner, now=now, name=name)


def _licences(now: datetime) -> Iterator[Found]:
    rows = ConnectionConfiguration.objects.still_open().filter(_ending("licence_ends_at", now))
    for row in _sliced(rows):
        owner = _of_owned(row)
        yield from _found(Kind.LICENCE, row, row, end=row.licence_ends_at, born=row.created_at, owner=owner, now=now)


_AGES = {rules.Rotation.RECOMMENDED: rules.RECOMMENDED_MONTHS, rules.Rotation.OVERDUE: rules.OVERDUE_MONTHS}


def _connection_tokens(now: datetime) -> Iterator[Found]:
    """By age (D34). A token beside a younger one is told of as well: it is the one to revoke."""
    old = rules.months_before(now, rules.RECOMMENDED_MONTHS)
    rows = ConnectionToken.objects.filter(
        Q(configuration__licence_ends_at=None) | Q(configuration__licence_ends_at__gt=now),
        slot__isnull=False,
        created_at__lte=old,
        configuration__closed_at=None,
    )
    for row in _sliced(rows.select_related("configuration")):
        advice, shown = rules.rotation(row.created_at, now), row.configuration
        due_at = rules.months_before(row.created_at, -_AGES[advice])
        yield Found(
            Kind.CONNECTION_TOKEN, advice.value, row.pk, shown.name[:255], shown._meta.label_lower, shown.pk, due_at,
            shown.owner_name, shown.owner_email,
        )  # fmt: skip


def _refresh_keys(now: datetime) -> Iterator[Found]:
    """Those that were made in the admin. A login's are renewed by its app, or the person logs in again."""
    rows = JwtRefreshKey.objects.filter(
        _ending("expires_at", now),
        family__kind=TokenFamily.Kind.MINTED,
        family__revoked_at=None,
        family__user__is_active=True,
        family__user_generation=F("family__user__generation"),
        revoked_at=None,
        sequence=F("family__sequence"),
        signing_key__isnull=False,
        signing_key__ended_at=None,
    )
    for row in _sliced(rows.select_related("family__user")):
        owner, name = _of_person(row.family.user), f"{row.family.audience} ({row.jti[:8]})"
        yield from _found(
            Kind.REFRESH_KEY, row, row, end=row.expires_at, born=row.created_at, owner=owner, now=now, name=name
        )


def _personal_tokens(now: datetime) -> Iterator[Found]:
    rows = PersonalAccessToken.objects.filter(
        _ending("expires_at", now), revoked_at=None, owner__is_active=True, user_generation=F("owner__generation")
    )
    for row in _sliced(rows.select_related("owner")):
        yield from _found(
            Kind.PERSONAL_TOKEN, row, row, end=row.expires_at, born=row.created_at, owner=_of_person(row.owner), now=now
        )
