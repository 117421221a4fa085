"""The one INSERT into the permanent request log."""

from datetime import datetime
from typing import NamedTuple

from django.db import transaction

from tokens.statements import database


class LogRow(NamedTuple):
    """One token request; copied values, no secret."""

    at: datetime
    action: str
    outcome: str
    reason: str
    status: int
    environment: str
    client_id: str
    client_name: str
    username: str
    actor: str
    proxy: str
    group: str
    audience: str
    token_format: str
    jti: str
    family_id: int | None
    fingerprint: str
    scopes: str
    issued_at: datetime | None
    expires_at: datetime | None
    refresh_expires_at: datetime | None
    refresh_sequence: int | None
    address: str
    user_agent: str
    request_id: str
    duration_ms: float | None


TABLE = "tokens_tokenrequestlog"
COLUMNS = tuple(f'"{name}"' for name in LogRow._fields)
_INSERT = database.insert(TABLE, COLUMNS)


def write(row: LogRow) -> None:
    """Add a row. It can never be changed or removed again (D24)."""
    database.changed(_INSERT, row)


def try_to_write(now: datetime) -> None:
    """Add a row and take it back before anybody sees it. Raises DatabaseError where the log takes no row."""
    empty = ("family_id", "issued_at", "expires_at", "refresh_expires_at", "refresh_sequence", "duration_ms")
    row = dict.fromkeys(LogRow._fields, "") | dict.fromkeys(empty) | {"at": now, "action": "probe", "status": 0}
    with transaction.atomic():
        database.changed(_INSERT, list(row.values()))
        transaction.set_rollback(True)
