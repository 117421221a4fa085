"""Running a statement on either database: times are aware UTC in Python, rows are tuples."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from django.db import connection

Row = tuple[Any, ...]


def rows(sql: str, parameters: Sequence[Any]) -> list[Row]:
    """All rows of a SELECT."""
    with connection.cursor() as cursor:
        cursor.execute(sql, _outgoing(parameters))
        found = cursor.fetchall()
    return [tuple(map(_aware, row)) for row in found] if connection.vendor == "sqlite" else found


def row(sql: str, parameters: Sequence[Any]) -> Row | None:
    """The first row, or None."""
    found = rows(sql, parameters)
    return found[0] if found else None


def changed(sql: str, parameters: Sequence[Any]) -> int:
    """How many rows an INSERT, UPDATE or DELETE changed: the count that decides a race."""
    with connection.cursor() as cursor:
        cursor.execute(sql, _outgoing(parameters))
        return int(cursor.rowcount)


def marks(count: int) -> str:
    """Placeholders for an IN list."""
    return ", ".join(["%s"] * count)


def insert(table: str, columns: Sequence[str], returning: str = "") -> str:
    """An INSERT of one row."""
    tail = f" RETURNING {returning}" if returning else ""
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks(len(columns))}){tail}"


def _outgoing(parameters: Sequence[Any]) -> Sequence[Any]:
    if connection.vendor != "sqlite":
        return parameters
    return [value.replace(tzinfo=None) if isinstance(value, datetime) else value for value in parameters]


def _aware(value: Any) -> Any:
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value
