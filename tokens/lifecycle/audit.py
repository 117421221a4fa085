"""One transaction, one log row, two ways to say no (D24, I9).

Raising inside `audited` undoes everything and logs the refusal in a row of its own. `entry.refuse(error)` keeps the
change and refuses: the row is written with it. If the row cannot be written nothing is handed out.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, fields
from datetime import datetime
from operator import attrgetter
from typing import TypeVar

from django.db import transaction

from credentials import addresses, redaction
from credentials.errors import CredentialError
from credentials.rules import UsedAssertion
from proxies.errors import ProxyError
from proxies.settled import settings
from tokens import metrics
from tokens.errors import TokenError
from tokens.statements import assertion, log

T = TypeVar("T")
Refusal = TokenError | CredentialError | ProxyError
_REFUSALS = (TokenError, CredentialError, ProxyError)

# The status that the door will answer with; `tokens.doors.answers` is tested to say the same.
UNAUTHORIZED = frozenset(
    (
        "client_auth_failed",
        "assertion_refused",
        "auth_method_not_allowed",
        "address_not_allowed",
        "management_mismatch",
        "invalid_credentials",
        "not_authenticated",
        "gateway_refused",
        "second_factor_missing",
        "second_factor_refused",
        "second_factor_required",
    )
)
UNAVAILABLE = frozenset(("server_error", "no_signing_key", "authentication_busy"))
NOT_FOUND = frozenset(("unknown_environment", "session_not_found"))


@dataclass(slots=True)  # with every request: frozen ones take longer to make
class Request:
    """Where a token request came from. All texts are cut to what the log holds and have no control characters."""

    address: str = ""
    user_agent: str = ""
    request_id: str = ""
    actor: str = ""
    started: float = field(default_factory=time.monotonic)


@dataclass(slots=True)
class Entry:
    """What the log row will say; filled while the request is worked on."""

    action: str
    request: Request
    now: datetime
    environment: str = ""
    client_id: str = ""
    client_name: str = ""
    username: str = ""
    proxy: str = ""
    group: str = ""
    audience: str = ""
    token_format: str = ""
    jti: str = ""
    family_id: int | None = None
    fingerprint: str = ""
    scopes: str = ""
    issued_at: datetime | None = None
    expires_at: datetime | None = None
    refresh_expires_at: datetime | None = None
    refresh_sequence: int | None = None
    reason: str = ""
    refusal: Refusal | None = None
    status: int | None = None
    used_assertion: UsedAssertion | None = None
    written: bool = False
    at_once: bool = False

    def refuse(self, error: Refusal) -> None:
        """Keep what was changed, and refuse all the same."""
        self.refusal = error

    def copy(self) -> "Entry":
        """Another that says the same."""
        return Entry(*_fields_of(self))


_fields_of = attrgetter(*(field.name for field in fields(Entry)))


def clean_text(value: str, length: int) -> str:
    """Cut, and without control characters: nothing a caller sends may forge a line or break the database (B47, B50).

    A secret in the wrong field, say as the client id, is not kept for ever (I5).
    """
    if not value:
        return value
    value = redaction.redact_tokens(value)[:length]
    return value if value.isprintable() else "".join(mark if mark.isprintable() else "\ufffd" for mark in value)


def _status(code: str) -> int:
    if code in UNAUTHORIZED:
        return 401
    if code in NOT_FOUND:
        return 404
    return 503 if code in UNAVAILABLE else 400


def _kept(address: str) -> str:
    return addresses.shortened(
        address, prefix_v4=settings.LOG_ADDRESS_PREFIX_V4, prefix_v6=settings.LOG_ADDRESS_PREFIX_V6
    )


def row_of(entry: Entry) -> log.LogRow:
    """The row, for a statement that writes it together with what it tells of; `entry.written` is to be set then."""
    refusal = entry.refusal
    return log.LogRow(
        at=entry.now,
        action=entry.action,
        outcome="granted" if refusal is None else "refused",
        reason=clean_text(entry.reason if refusal is None else refusal.code, 60),
        status=entry.status or (200 if refusal is None else _status(refusal.code)),
        environment=clean_text(entry.environment, 50),
        client_id=clean_text(entry.client_id, 100),
        client_name=clean_text(entry.client_name, 150),
        username=clean_text(entry.username, 150),
        actor=clean_text(entry.request.actor, 150),
        proxy=entry.proxy,
        group=entry.group,
        audience=clean_text(entry.audience, 255),
        token_format=entry.token_format,
        jti=clean_text(entry.jti, 64),
        family_id=entry.family_id,
        fingerprint=entry.fingerprint,
        scopes=entry.scopes,
        issued_at=entry.issued_at,
        expires_at=entry.expires_at,
        refresh_expires_at=entry.refresh_expires_at,
        refresh_sequence=entry.refresh_sequence,
        address=_kept(clean_text(entry.request.address, 45)),
        user_agent=clean_text(entry.request.user_agent, 300),
        request_id=clean_text(entry.request.request_id, 64),
        duration_ms=round((time.monotonic() - entry.request.started) * 1000, 2),
    )


def _write(entry: Entry) -> None:
    if not entry.written:
        log.write(row_of(entry))
        entry.written = True


class SeveralWrites(Exception):
    """More than one statement is to be written, which takes a transaction. Nothing was: the request begins again."""


def at_once_if_possible(step: Callable[[bool], T]) -> T:
    """Do a step at once (see `audited`); where it finds several writes to do, again in a transaction."""
    try:
        return step(True)
    except SeveralWrites:
        return step(False)


@contextmanager
def audited(action: str, request: Request, now: datetime, *, at_once: bool = False) -> Iterator[Entry]:
    """Leave exactly one row for this request, granted or refused, in the same transaction as what it changed.

    `at_once`: no transaction is opened, for a verb that reads, decides, and writes by one statement, the row with it.
    """
    entry = Entry(action, request, now, at_once=at_once)
    try:
        with nullcontext() if at_once else transaction.atomic():
            yield entry
            _write(entry)
    except _REFUSALS as refusal:
        entry.refusal, entry.written = refusal, False
        with transaction.atomic():
            if entry.used_assertion is not None:
                # It proved its client, so it was used, whatever else was wrong with the request (B14).
                assertion.spend(entry.used_assertion)
            _write(entry)
        raise
    if entry.refusal is not None:
        raise entry.refusal
    if action == "revoke":
        metrics.revoked(time.monotonic() - request.started)


def refused(
    action: str, request: Request, now: datetime, error: Refusal, *, status: int | None = None, **known: str
) -> None:
    """Leave the row of a request that was refused before it reached a verb, for its shape.

    `status` is the answer's where the door's differs from the error's own: 405.
    """
    entry = Entry(action, request, now, **known)  # type: ignore[arg-type]
    entry.refuse(error)
    entry.status = status
    with transaction.atomic():
        _write(entry)
