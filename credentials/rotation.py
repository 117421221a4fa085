"""The life of connection configurations and their tokens. Sole writer of both (S4, D32-D36).

Every verb that counts tokens locks the configuration first, then counts, then writes: two revocations at once
leave one token (I3). That a third active token cannot exist is kept by the slot constraint besides (I1).
"""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple, TypedDict, Unpack

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_noop

from credentials import rules, secrets
from credentials.errors import (
    ConnectionClosed,
    ConnectionTokenInUse,
    ConnectionTokenRevoked,
    InvalidConnection,
    LastConnectionToken,
    LicenceEnded,
    NoFreeConnectionSlot,
)
from credentials.models import ConnectionConfiguration, ConnectionToken
from proxies import history
from proxies.models import Environment
from proxies.sentences import Sentence

SLOTS = (1, 2)
Cause = ConnectionToken.Cause


class Changes(TypedDict, total=False):
    """What may be changed of a configuration. Deployment type and environment are permanent (D33)."""

    name: str
    description: str
    target_host: str
    target_ports: str
    target_protocol: str
    owner_name: str
    owner_team: str
    owner_email: str


class Made(NamedTuple):
    """A new token and its value."""

    token: ConnectionToken
    raw: str


class Expired(NamedTuple):
    """What the end of licences has ended."""

    configurations: int
    tokens: int


def seal_context(token: ConnectionToken) -> str:
    """What binds a sealed value to its row: the digest is there before the row has a number."""
    return f"credentials_connectiontoken:{token.digest}:sealed"


def open_connection(
    *,
    deployment_type: str,
    environment: Environment,
    by: str,
    licence_ends_at: datetime | None = None,
    at: datetime | None = None,
    **fields: Unpack[Changes],
) -> Made:
    """Open a configuration together with its first token (S4.2)."""
    now = at or timezone.now()
    if deployment_type not in ConnectionConfiguration.DeploymentType.values:
        raise InvalidConnection(
            Sentence(gettext_noop("{deployment_type!r} is not a deployment type."), deployment_type=deployment_type)
        )
    if not fields.get("name", "").strip():
        raise InvalidConnection(gettext_noop("A connection configuration needs a name."))
    if rules.licence_ended(licence_ends_at, now):
        raise InvalidConnection(gettext_noop("The licence would have ended already."))
    with transaction.atomic():
        configuration = ConnectionConfiguration.objects.create(
            deployment_type=deployment_type,
            environment=environment,
            licence_ends_at=licence_ends_at,
            **_checked(fields),
        )
        made = _make(configuration, slot=SLOTS[0], by=by, now=now)
        _record("open", configuration, by=by, at=now, after={"token": made.token.pk, "type": deployment_type})
    return made


def generate(configuration: ConnectionConfiguration, *, by: str, at: datetime | None = None) -> Made:
    """Make one more token; the one in use stays valid (S4.7, S4.9). Refused where two are active (S4.8, S4.10)."""
    now = at or timezone.now()
    with transaction.atomic():
        locked = _locked(configuration.pk)
        _refuse_unless_usable(locked, now)
        taken = {token.slot for token in _active(locked)}
        free = [slot for slot in SLOTS if slot not in taken]
        if not free:
            raise NoFreeConnectionSlot
        made = _make(locked, slot=free[0], by=by, now=now)
        _record("generate token", locked, by=by, at=now, after={"token": made.token.pk})
    return made


def revoke(
    token: ConnectionToken, *, by: str, because: str = "", even_if_in_use: bool = False, at: datetime | None = None
) -> ConnectionToken:
    """Revoke a token for good; a second time changes nothing (S4.15).

    The only active one is refused (S4.16). One that was used in the last hour is refused until the caller says that
    this is known (D36).
    """
    now = at or timezone.now()
    with transaction.atomic():
        locked = _locked(token.configuration_id)
        token = ConnectionToken.objects.get(pk=token.pk)
        if token.revoked_at is None:
            if len(_active(locked)) < 2:
                raise LastConnectionToken
            if not even_if_in_use and rules.used_recently(token.last_used_at, now):
                raise ConnectionTokenInUse(_in_use(token))
            _end([token], Cause.USER, by=by, because=because, now=now)
            _record("revoke token", locked, by=by, at=now, note=because, after={"token": token.pk})
    return token


def replace_now(token: ConnectionToken, *, by: str, because: str = "", at: datetime | None = None) -> Made:
    """Revoke a compromised token and make a new one in its place, in one step, also where it is the only one (D32)."""
    now = at or timezone.now()
    with transaction.atomic():
        locked = _locked(token.configuration_id)
        _refuse_unless_usable(locked, now)
        token = ConnectionToken.objects.get(pk=token.pk)
        if token.slot is None:
            raise ConnectionTokenRevoked
        slot = token.slot
        _end([token], Cause.REPLACED, by=by, because=because, now=now)
        made = _make(locked, slot=slot, by=by, now=now)
        _record(
            "replace token", locked, by=by, at=now, note=because,
            before={"token": token.pk}, after={"token": made.token.pk},
        )  # fmt: skip
    return made


def reveal(token: ConnectionToken, *, by: str, copied: bool = False, at: datetime | None = None) -> str:
    """The value of a token (S4.11, S4.13, S4.21). It is not given out unless the entry that says so was kept (D19)."""
    now = at or timezone.now()
    with transaction.atomic():
        raw = secrets.unseal(bytes(token.sealed), context=seal_context(token)).decode()
        verb = "copy token" if copied else "show token"
        _record(verb, token.configuration, by=by, at=now, after={"token": token.pk})
    return raw


def close(
    configuration: ConnectionConfiguration, *, by: str, because: str = "", at: datetime | None = None
) -> ConnectionConfiguration:
    """Delete a configuration: it stays for the record and all its tokens end (D35, S4.20). Twice changes nothing."""
    now = at or timezone.now()
    with transaction.atomic():
        locked = _locked(configuration.pk)
        if locked.closed_at is None:
            ended = _end(_active(locked), Cause.CLOSED, by=by, because=because, now=now)
            locked.closed_at = now
            locked.save(update_fields=("closed_at",))
            _record("delete", locked, by=by, at=now, note=because, after={"tokens_revoked": ended})
    return locked


def extend_licence(
    configuration: ConnectionConfiguration, *, until: datetime | None, by: str, at: datetime | None = None
) -> ConnectionConfiguration:
    """Set a new end of the licence, or none. Tokens of a licence that ended already end first: none revives (D32)."""
    now = at or timezone.now()
    if rules.licence_ended(until, now):
        raise InvalidConnection(gettext_noop("The new end of the licence must lie in the future."))
    with transaction.atomic():
        locked = _locked(configuration.pk)
        if locked.closed_at is not None:
            raise ConnectionClosed
        _end_with_licence(locked, now)
        before, locked.licence_ends_at = locked.licence_ends_at, until
        locked.save(update_fields=("licence_ends_at",))
        _record(
            "extend licence", locked, by=by, at=now,
            before={"licence_ends_at": _iso(before)}, after={"licence_ends_at": _iso(until)},
        )  # fmt: skip
    return locked


def expire_licences(*, at: datetime | None = None) -> Expired:
    """Revoke the tokens of every licence that has ended (S4.19). Lost or run twice, nothing is different."""
    now = at or timezone.now()
    counts = []
    for key in ConnectionConfiguration.objects.past_licence(now).values_list("pk", flat=True):
        with transaction.atomic():
            counts.append(_end_with_licence(_locked(key), now))
    return Expired(configurations=sum(count > 0 for count in counts), tokens=sum(counts))


def change(
    configuration: ConnectionConfiguration, *, by: str, at: datetime | None = None, **changes: Unpack[Changes]
) -> ConnectionConfiguration:
    """Change name, description, targets or owner (F4). Only what differs is written and recorded."""
    now = at or timezone.now()
    wanted = _checked(changes)
    if "name" in wanted and not wanted["name"]:
        raise InvalidConnection(gettext_noop("A connection configuration needs a name."))
    with transaction.atomic():
        locked = _locked(configuration.pk)
        if locked.closed_at is not None:
            raise ConnectionClosed
        before = {name: getattr(locked, name) for name, value in wanted.items() if getattr(locked, name) != value}
        if before:
            after = {name: value for name, value in wanted.items() if name in before}
            ConnectionConfiguration.objects.filter(pk=locked.pk).update(**after)
            locked.refresh_from_db()
            _record("change", locked, by=by, at=now, before=before, after=after)
    return locked


def _locked(key: int) -> ConnectionConfiguration:
    # no_key: a heartbeat that adds an instance refers to this row; it must not wait for us while we wait for its token.
    configuration: ConnectionConfiguration = ConnectionConfiguration.objects.select_for_update(no_key=True).get(pk=key)
    return configuration


def _active(configuration: ConnectionConfiguration) -> list[ConnectionToken]:
    return list(ConnectionToken.objects.filter(configuration=configuration, slot__isnull=False))


def _refuse_unless_usable(configuration: ConnectionConfiguration, now: datetime) -> None:
    if configuration.closed_at is not None:
        raise ConnectionClosed
    if rules.licence_ended(configuration.licence_ends_at, now):
        raise LicenceEnded


def _make(configuration: ConnectionConfiguration, *, slot: int, by: str, now: datetime) -> Made:
    raw = secrets.make(secrets.CONNECTION_TOKEN)
    token = ConnectionToken(
        configuration=configuration, slot=slot, digest=secrets.digest(raw), created_at=now, created_by=by[:150]
    )
    token.sealed = secrets.seal(raw.encode(), context=seal_context(token))
    token.save(force_insert=True)
    return Made(token, raw)


def _end(tokens: Iterable[ConnectionToken], cause: Cause, *, by: str, because: str, now: datetime) -> int:
    """Give back the slots. The caller holds the lock of the configuration."""
    ended = 0
    for token in tokens:
        token.slot, token.revoked_at, token.revoked_by = None, now, by[:150]
        token.revoked_cause, token.revoked_because = cause.value, because[:200]
        token.save(update_fields=("slot", "revoked_at", "revoked_by", "revoked_cause", "revoked_because"))
        ended += 1
    return ended


def _end_with_licence(locked: ConnectionConfiguration, now: datetime) -> int:
    if not rules.licence_ended(locked.licence_ends_at, now):
        return 0
    ended = _end(_active(locked), Cause.LICENCE, by="", because="", now=now)
    if ended:
        _record("licence ended", locked, by="", at=now, after={"tokens_revoked": ended})
    return ended


def _in_use(token: ConnectionToken) -> str:
    name = token.last_used_instance
    who = Sentence(gettext_noop("instance {name}") if name else gettext_noop("an instance without a name"), name=name)
    if token.last_used_address:
        who = Sentence(gettext_noop("{instance} at {address}"), instance=who, address=token.last_used_address)
    return Sentence(
        gettext_noop(
            "This token was used within the last hour by {instance}. "
            "It will be refused there at once. Confirm that it shall be revoked all the same."
        ),
        instance=who,
    )


def _checked(fields: Changes) -> Changes:
    """The values as they are kept. Raises InvalidConnection for one that cannot work."""
    checked = fields.copy()
    for name, value in fields.items():
        field = ConnectionConfiguration._meta.get_field(name)
        text = str(value).strip()
        if "\x00" in text or len(text) > (getattr(field, "max_length", None) or 10_000):
            raise InvalidConnection(
                Sentence(
                    gettext_noop("The value for {name} is too long or has characters that cannot be kept."), name=name
                )
            )
        checked[name] = text  # type: ignore[literal-required]
    if checked.get("target_host") and not rules.is_host(checked["target_host"]):
        raise InvalidConnection(gettext_noop("The target host is a host name or an address, without scheme and port."))
    ports = rules.target_ports(checked.get("target_ports", ""))
    if ports is None:
        raise InvalidConnection(gettext_noop("Target ports are figures from 1 to 65535, separated by commas."))
    if "target_ports" in checked:
        checked["target_ports"] = ports
    if checked.get("target_protocol", "https") not in ConnectionConfiguration.Protocol.values:
        raise InvalidConnection(gettext_noop("The target protocol is https or http."))
    return checked


def _record(verb: str, configuration: ConnectionConfiguration, *, by: str, at: datetime, **told: object) -> None:
    history.record(
        verb,
        configuration,
        by=by,
        at=at,
        environment=configuration.environment.slug,
        **told,  # type: ignore[arg-type]
    )


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
