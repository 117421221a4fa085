"""The rate limiter's counts where no Redis counts, and what is left of those turned away (D24)."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import connection

from tokens.connections import is_postgresql
from tokens.statements import database

_TABLE = "tokens_ratelimitwindow"
_CONFLICT = "ON CONFLICT (starts_at, bucket, caller) DO UPDATE SET"
_INTO = f"INSERT INTO {_TABLE} (starts_at, bucket, caller, requests, refused)"
# A count may be lost in a power cut; waiting for the disk would cost each request more than all the rest of it. Only
# for this one statement: set for its own transaction, and left out inside another's.
_WITHOUT_WAITING = (
    "WITH quick AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true))"
    f" {_INTO} SELECT given.* FROM quick, (VALUES {{rows}}) AS given"
)


class Window(NamedTuple):
    """One caller's window of one bucket."""

    starts_at: datetime
    bucket: str
    caller: str


def count(windows: Sequence[Window]) -> list[int]:
    """Count one request in each window, in one statement; how many there were in each, this one included.

    The windows of all callers come in the same order of buckets, so that two statements can't block each other.
    """
    rows = ", ".join(["(%s, %s, %s, 1, 0)"] * len(windows))
    quick = is_postgresql() and not connection.in_atomic_block
    start = _WITHOUT_WAITING.format(rows=rows) if quick else f"{_INTO} VALUES {rows}"
    found = database.rows(
        f"{start} {_CONFLICT} requests = {_TABLE}.requests + 1 RETURNING bucket, caller, requests",
        [value for window in windows for value in window],
    )
    counted = {(bucket, caller): int(requests) for bucket, caller, requests in found}
    return [counted[window.bucket, window.caller] for window in windows]


def give_back(window: Window) -> None:
    """Take one count back."""
    database.changed(
        f"UPDATE {_TABLE} SET requests = requests - 1"
        " WHERE starts_at = %s AND bucket = %s AND caller = %s AND requests > 0",
        window,
    )


def turned_away(window: Window, *, requests: int) -> None:
    """One request was refused, the `requests`-th of its window."""
    database.changed(
        f"{_INTO} VALUES (%s, %s, %s, %s, 1) {_CONFLICT} refused = {_TABLE}.refused + 1, requests ="
        f" CASE WHEN excluded.requests > {_TABLE}.requests THEN excluded.requests ELSE {_TABLE}.requests END",
        [*window, requests],
    )


def more_turned_away(window: Window, refused: int) -> None:
    """So many more were refused without having been counted."""
    database.changed(
        f"{_INTO} VALUES (%s, %s, %s, %s, %s) {_CONFLICT}"
        f" requests = {_TABLE}.requests + excluded.requests, refused = {_TABLE}.refused + excluded.refused",
        [*window, refused, refused],
    )


def forget(*, before: datetime, at_most: int) -> int:
    """Remove counts of windows long past; how many."""
    return database.changed(
        f"DELETE FROM {_TABLE} WHERE id IN (SELECT id FROM {_TABLE} WHERE starts_at < %s ORDER BY starts_at LIMIT %s)",
        [before, at_most],
    )
