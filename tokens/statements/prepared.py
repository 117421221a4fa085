"""Prepared statements of one connection to PostgreSQL, past psycopg's cursors, which cost several times the exchange.

A cursor builds the statement, its adapters and its readers anew for each use. Here all that is done once for each
connection and statement; a use sends the values, waits as long as the connection is told to, and reads the rows.
"""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, NamedTuple

import psycopg
from psycopg import abc, errors, generators
from psycopg.adapt import PyFormat, Transformer
from psycopg.pq import ExecStatus, Format, TransactionStatus

Row = tuple[Any, ...]
Raw = psycopg.Connection[Any]

# As many as psycopg would keep. One that was used least lately goes.
_MOST = 100
# What the server says where it no longer has what was prepared: the table was altered, or somebody between us and the
# server gave us another session.
OUTLIVED = (errors.FeatureNotSupported, errors.InvalidSqlStatementName, errors.DuplicatePreparedStatement)
# bool, int8, int2, int4, text, bpchar, varchar, date, timestamptz: read the same in both formats, sooner in binary.
_BINARY = frozenset((16, 20, 21, 23, 25, 1042, 1043, 1082, 1184))
_GOOD = (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK)


class Outcome(NamedTuple):
    """The rows that a statement returned; `number` of those that it returned or changed."""

    rows: list[Row]
    number: int


class _Prepared(NamedTuple):
    name: bytes
    reader: abc.Transformer
    format: Format


class PreparedStatements:
    """What one connection has prepared, by text and types of the parameters."""

    def __init__(self, raw: Raw) -> None:
        # Without the connection itself, which would then hold itself: its adapters are all that is needed.
        self._adapters = raw.adapters
        self._writer = Transformer(raw.adapters)
        self._known: OrderedDict[tuple[bytes, tuple[int, ...]], _Prepared] = OrderedDict()
        self._made = 0

    def run(self, raw: Raw, sql: bytes, parameters: Sequence[Any]) -> Outcome:
        """Execute, with $1 and so on in the statement. Raises psycopg's errors.

        One that was outlived is prepared anew, once, where nothing ran and no transaction is lost by it; inside a
        transaction the connection is closed, so that the next one prepares anew.
        """
        try:
            return self._run(raw, sql, parameters)
        except OUTLIVED:
            if not raw.autocommit or raw.pgconn.transaction_status != TransactionStatus.IDLE:
                raw.close()
                raise
        try:
            self._forget_all(raw)
            return self._run(raw, sql, parameters)
        except OUTLIVED:
            raw.close()
            raise

    def _run(self, raw: Raw, sql: bytes, parameters: Sequence[Any]) -> Outcome:
        writer, pgconn = self._writer, raw.pgconn
        with raw.lock:
            values = writer.dump_sequence(parameters, [PyFormat.AUTO] * len(parameters))
            types, formats = tuple(writer.types or ()), writer.formats
            if not raw.autocommit:
                raw.wait(raw._start_query())  # noqa: SLF001 - BEGIN where none was sent yet, as its cursors do
            asked = (sql, types)
            known = self._known.get(asked)
            if known is None:
                known = self._prepare(raw, sql, types)
            else:
                self._known.move_to_end(asked)
            pgconn.send_query_prepared(known.name, values, formats, known.format)
            result = _answer(raw)
            reader = known.reader
            reader.set_pgresult(result, set_loaders=False)
            rows = reader.load_rows(0, result.ntuples, tuple) if result.ntuples else []
            reader.set_pgresult(None, set_loaders=False)  # or the rows would stay in memory until the next use
        changed = result.command_tuples
        return Outcome(rows, len(rows) if changed is None else changed)

    def _prepare(self, raw: Raw, sql: bytes, types: tuple[int, ...]) -> _Prepared:
        self._made += 1
        name = f"lk_{self._made}".encode()
        raw.pgconn.send_prepare(name, sql, types)
        _answer(raw)
        raw.pgconn.send_describe_prepared(name)
        described = _answer(raw)
        columns = {described.ftype(column) for column in range(described.nfields)}
        made = _Prepared(name, Transformer(self._adapters), Format.BINARY if columns <= _BINARY else Format.TEXT)
        made.reader.set_pgresult(described, set_loaders=True, format=made.format)
        self._known[sql, types] = made
        if len(self._known) > _MOST:
            _, oldest = self._known.popitem(last=False)
            _tell(raw, b"DEALLOCATE " + oldest.name)
        return made

    def _forget_all(self, raw: Raw) -> None:
        self._known.clear()
        with raw.lock:
            _tell(raw, b"DEALLOCATE ALL")


def statements_of(raw: Raw) -> PreparedStatements:
    """Those of this connection; they end with it."""
    found: PreparedStatements | None = getattr(raw, "prepared_statements", None)
    if found is None:
        found = PreparedStatements(raw)
        raw.prepared_statements = found  # type: ignore[attr-defined]
    return found


def _tell(raw: Raw, command: bytes) -> None:
    raw.pgconn.send_query(command)
    _answer(raw)


def _answer(raw: Raw) -> Any:
    """The one result of what was sent; its error where it is one."""
    results = raw.wait(generators.execute(raw.pgconn))
    for result in results:
        if result.status not in _GOOD:
            raise errors.error_from_result(result, encoding=raw.info.encoding)
    return results[-1]
