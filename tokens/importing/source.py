"""Reading another system's database: read-only, page by page along the primary key, so that memory stays bounded."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import environ
from django.db import DatabaseError
from django.db.utils import ConnectionHandler

from tokens.errors import ImportRefused

PAGE = 500
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}", re.ASCII)
Row = tuple[Any, ...]


class Source:
    """An open database. Whatever goes wrong there is an ImportRefused."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def columns(self, table: str) -> frozenset[str]:
        """The columns of a table; none where there is no such table."""
        with _as_refusal(), self._connection.cursor() as cursor:
            if name(table) not in self._connection.introspection.table_names(cursor):
                return frozenset()
            return frozenset(each.name for each in self._connection.introspection.get_table_description(cursor, table))

    def need(self, table: str, *columns: str) -> frozenset[str]:
        """All columns of a table that has to have these."""
        found = self.columns(table)
        if not found:
            raise ImportRefused(f"The database has no table {table}.")
        if missing := [each for each in columns if each not in found]:
            raise ImportRefused(f"The table {table} has no column {missing[0]}.")
        return found

    def pages(self, select: str, key: str, parameters: Sequence[Any] = (), *, size: int = 0) -> Iterator[list[Row]]:
        """All rows of a SELECT that ends in its WHERE, page by page along its first column, which is the key."""
        size = size or PAGE
        found = self.rows(f"{select} ORDER BY {key} LIMIT %s", [*parameters, size])
        while found:
            yield found
            if len(found) < size:
                return
            after = found[-1][0]
            found = self.rows(f"{select} AND {key} > %s ORDER BY {key} LIMIT %s", [*parameters, after, size])

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """The rows of one SELECT, times in UTC."""
        with _as_refusal(), self._connection.cursor() as cursor:
            cursor.execute(sql, [self._outgoing(each) for each in parameters])
            return [tuple(map(_aware, row)) for row in cursor.fetchall()]

    def _outgoing(self, value: Any) -> Any:
        if isinstance(value, datetime) and self._connection.vendor == "sqlite":
            return value.astimezone(UTC).replace(tzinfo=None)
        return value


def name(word: str) -> str:
    """A name of a table or column that can stand in a statement as it is."""
    if _NAME.fullmatch(word) is None:
        raise ImportRefused(f"{word[:60]!r} is no name of a table or column.")
    return word


def _aware(value: Any) -> Any:
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) and value.tzinfo is None else value


@contextmanager
def _as_refusal() -> Iterator[None]:
    try:
        yield
    except DatabaseError as trouble:
        told = str(trouble).strip().splitlines() or [type(trouble).__name__]
        raise ImportRefused(f"The other database cannot be read: {told[0][:300]}") from trouble


@contextmanager
def opened(url: str) -> Iterator[Source]:
    """The database of a URL, opened for reading alone: postgres://... or sqlite:////absolute/path."""
    connections = ConnectionHandler({"default": _settings(url)})
    connection = connections["default"]
    try:
        yield Source(connection)
    finally:
        connection.close()


def _settings(url: str) -> dict[str, Any]:
    scheme = url.split(":", maxsplit=1)[0]
    if scheme in ("postgres", "postgresql"):
        found = environ.Env.db_url_config(url)
        options = {"connect_timeout": 5, "options": "-c default_transaction_read_only=on -c statement_timeout=60000"}
        return {**found, "ENGINE": "django.db.backends.postgresql", "OPTIONS": {**found.get("OPTIONS", {}), **options}}
    if scheme == "sqlite":
        # As in DATABASE_URL: three slashes before a relative path, four before an absolute one.
        path = Path(unquote(url.removeprefix("sqlite:///")))
        if not path.is_file():
            raise ImportRefused(f"There is no SQLite database {path}.")
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": f"{path.absolute().as_uri()}?mode=ro",
            "OPTIONS": {"uri": True, "timeout": 20},
        }
    raise ImportRefused("Give a database URL: postgres://user@host/name or sqlite:////absolute/path.")
