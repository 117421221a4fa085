"""Running a statement on either database: times are aware UTC in Python, rows are tuples."""

import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import psycopg
from django.db import connection

Row = tuple[Any, ...]
# In the order of the placeholders; or by their names, as a sweep's, which is planned for its values each time.
Parameters = Sequence[Any] | Mapping[str, Any]

# A statement with more parameters is a sweep's with a long list, which differs each time.
_MOST_PREPARED = 128
_OUTLIVED = (
    psycopg.errors.FeatureNotSupported,
    psycopg.errors.InvalidSqlStatementName,
    psycopg.errors.DuplicatePreparedStatement,
)


def rows(sql: str, parameters: Parameters) -> list[Row]:
    """All rows of a SELECT."""
    if not isinstance(parameters, Mapping) and _prepares():
        with connection.wrap_database_errors:
            return _prepared(sql, parameters).fetchall()
    with connection.cursor() as cursor:
        cursor.execute(sql, _outgoing(parameters))
        found = cursor.fetchall()
    return [tuple(map(_aware, row)) for row in found] if connection.vendor == "sqlite" else found


def row(sql: str, parameters: Parameters) -> Row | None:
    """The first row, or None."""
    found = rows(sql, parameters)
    return found[0] if found else None


def changed(sql: str, parameters: Parameters) -> int:
    """How many rows an INSERT, UPDATE or DELETE changed: the count that decides a race."""
    if not isinstance(parameters, Mapping) and _prepares():
        with connection.wrap_database_errors:
            return _prepared(sql, parameters).rowcount
    with connection.cursor() as cursor:
        cursor.execute(sql, _outgoing(parameters))
        return int(cursor.rowcount)


def _prepares() -> bool:
    """True where the statement goes to PostgreSQL as a prepared one: planning such a join takes ten times the rest.

    Not where somebody wants to see each statement (a test, a debugger), and not where the setting says no.
    """
    return (
        connection.vendor == "postgresql"
        and connection.settings_dict.get("PREPARED_STATEMENTS", True)
        and not connection.execute_wrappers
        and not connection.queries_logged
    )


def _prepared(sql: str, parameters: Sequence[Any]) -> psycopg.RawCursor[Row]:
    """Execute on the connection itself, past Django's cursor, whose parameters are written into the statement."""
    connection.ensure_connection()
    connection.validate_no_broken_transaction()
    raw: psycopg.Connection[Row] = connection.connection
    if raw.prepare_threshold is None:
        # Django says None, which forbids it; only what asks for it by name is prepared.
        raw.prepare_threshold = sys.maxsize
    try:
        return psycopg.RawCursor(raw).execute(_numbered(sql), parameters, prepare=len(parameters) <= _MOST_PREPARED)
    except _OUTLIVED:
        # What it was prepared for is no longer there: the table was altered, or somebody between us and the server
        # gave us another session. The next connection prepares anew.
        raw.close()
        raise


@lru_cache(maxsize=256)
def _numbered(sql: str) -> str:
    """With $1, $2 and so on for each %s, as PostgreSQL reads it. The library does it too, but a long one each time."""
    first, *rest = sql.split("%s")
    numbered = "".join(f"${number}{part}" for number, part in enumerate(rest, 1))
    return f"{first}{numbered}".replace("%%", "%")


def marks(count: int) -> str:
    """Placeholders for an IN list."""
    return ", ".join(["%s"] * count)


def insert(table: str, columns: Sequence[str], returning: str = "") -> str:
    """An INSERT of one row."""
    tail = f" RETURNING {returning}" if returning else ""
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks(len(columns))}){tail}"


def insert_from(table: str, columns: Sequence[str], source: str, **known: str) -> str:
    """An INSERT of one row for each row of `source`, a step of the same statement; `known` names what comes from it."""
    values = ", ".join(known.get(name.strip('"'), "%s") for name in columns)
    return f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values} FROM {source}"


def _outgoing(parameters: Parameters) -> Parameters:
    if connection.vendor != "sqlite":
        return parameters
    if isinstance(parameters, Mapping):
        return {name: _naive(value) for name, value in parameters.items()}
    return [_naive(value) for value in parameters]


def _naive(value: Any) -> Any:
    return value.replace(tzinfo=None) if isinstance(value, datetime) else value


def _aware(value: Any) -> Any:
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value
