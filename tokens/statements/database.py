"""Running a statement on either database: times are aware UTC in Python, rows are tuples."""

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import psycopg
from django.db import connection

from tokens import connections
from tokens.statements.prepared import Outcome, Row, statements_of
from tokens.verify_cache.marking import MarkingConnection

# In the order of the placeholders; or by their names, as a sweep's, which is planned for its values each time.
Parameters = Sequence[Any] | Mapping[str, Any]

# A statement with more parameters is a sweep's with a long list, which differs each time.
_MOST_PREPARED = 128


def rows(sql: str, parameters: Parameters, *, family_id: int | None = None) -> list[Row]:
    """All rows of a SELECT; or of a RETURNING, where `family_id` may say as in `changed`."""
    done = _directly(sql, parameters, family_id)
    if done is not None:
        return done.rows
    with connection.cursor() as cursor:
        cursor.execute(sql, _outgoing(parameters))
        found = cursor.fetchall()
    return list(map(_incoming, found)) if connection.vendor == "sqlite" else found


def row(sql: str, parameters: Parameters, *, family_id: int | None = None) -> Row | None:
    """The first row, or None."""
    found = rows(sql, parameters, family_id=family_id)
    return found[0] if found else None


def changed(sql: str, parameters: Parameters, *, family_id: int | None = None) -> int:
    """How many rows an INSERT, UPDATE or DELETE changed: the count that decides a race.

    `family_id`: it can end tokens of this one family and no others. So verifications that are kept for others stay
    (VERIFY_CACHE); without it all of them are forgotten.
    """
    done = _directly(sql, parameters, family_id)
    if done is not None:
        return done.number
    with connection.cursor() as cursor:
        cursor.execute(sql, _outgoing(parameters))
        return int(cursor.rowcount)


def _directly(sql: str, parameters: Parameters, family_id: int | None) -> Outcome | None:
    """What the statement did, past Django's cursors, which read a long one anew at each use.

    None where it has to go the ordinary way: where somebody wants to see each statement (a test, a debugger), where the
    setting says no, and for a sweep's.
    """
    here = connections.here()
    if (
        not isinstance(parameters, list | tuple)  # a mapping; asking for that takes longer
        or len(parameters) > _MOST_PREPARED
        or not here.settings_dict.get("PREPARED_STATEMENTS", True)
        or connections.is_watched(here)
    ):
        return None
    if here.connection is None:
        here.ensure_connection()
    if here.needs_rollback:
        here.validate_no_broken_transaction()
    way = _prepared if here.vendor == "postgresql" else _on_sqlite
    return way(here, sql, parameters, family_id)


def _on_sqlite(here: Any, sql: str, parameters: Sequence[Any], _family_id: int | None) -> Outcome:
    try:
        with closing(here.connection.execute(_questioning(sql), _outgoing(parameters))) as cursor:
            found, number = cursor.fetchall(), int(cursor.rowcount)
    except sqlite3.Error:
        # As Django's own cursors raise it.
        with here.wrap_database_errors:
            raise
    return Outcome(list(map(_incoming, found)), number)


def _prepared(here: Any, sql: str, parameters: Sequence[Any], family_id: int | None) -> Outcome:
    """As a prepared statement of PostgreSQL: planning such a join takes ten times the rest."""
    raw = here.connection
    try:
        if not isinstance(raw, MarkingConnection):
            return statements_of(raw).run(raw, _numbered(sql), parameters)
        # Past Django's cursor, which would see to it (VERIFY_CACHE).
        with raw.moving(sql, family_id):
            return statements_of(raw).run(raw, _numbered(sql), parameters)
    except psycopg.Error:
        # As Django's own cursors raise it.
        with here.wrap_database_errors:
            raise


@lru_cache(maxsize=256)
def _numbered(sql: str) -> bytes:
    """With $1, $2 and so on for each %s, as PostgreSQL reads it. The library does it too, but a long one each time."""
    first, *rest = sql.split("%s")
    numbered = "".join(f"${number}{part}" for number, part in enumerate(rest, 1))
    return f"{first}{numbered}".replace("%%", "%").encode()


@lru_cache(maxsize=256)
def _questioning(sql: str) -> str:
    """With ? for each %s, as SQLite reads it."""
    return sql.replace("%s", "?").replace("%%", "%")


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


def _incoming(row: Row) -> Row:
    return tuple([value.replace(tzinfo=UTC) if isinstance(value, datetime) else value for value in row])
