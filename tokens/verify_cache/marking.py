"""A connection that marks before it commits: mixed into psycopg's by `config.postgresql` where VERIFY_CACHE is on.

Every statement comes by `moving`: from Django's cursors, and from tokens/statements/database.py. Alone, it is a commit
of its own and marked around; in a transaction what it moves is remembered, and `commit` is marked around.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, ClassVar

import psycopg
from psycopg.pq import ConnStatus, TransactionStatus

from tokens.verify_cache.host import HostMap
from tokens.verify_cache.moves import moves
from tokens.verify_cache.words import EVERYTHING, bucket_of

_NOTHING: AbstractContextManager[None] = nullcontext()


class MarkingConnection(psycopg.Connection[Any]):
    """Mixed into a connection class."""

    map: ClassVar[HostMap]
    _to_move: frozenset[int] = frozenset()

    def moving(self, text: Any, family_id: int | None = None) -> AbstractContextManager[None]:
        """Around a statement. `family_id`: it concerns tokens of this one family, and nothing else."""
        if isinstance(text, str) and not moves(text):
            return _NOTHING
        return self._moving(EVERYTHING if family_id is None else bucket_of(family_id))

    @contextmanager
    def _moving(self, word: int) -> Iterator[None]:
        if not self.autocommit or self.pgconn.transaction_status != TransactionStatus.IDLE:
            self._to_move |= {word}
            yield
            return
        with self._marked(word):
            yield

    @contextmanager
    def _marked(self, word: int) -> Iterator[None]:
        words = self.map.words
        slot = words.mark(word, self.info.backend_pid)
        try:
            yield
        finally:
            if self._is_settled():
                words.clear(slot)
            else:
                words.abandon(slot)

    def _is_settled(self) -> bool:
        """The server has answered, and no transaction is open."""
        alive = not self.closed and self.pgconn.status == ConnStatus.OK
        return alive and self.pgconn.transaction_status == TransactionStatus.IDLE

    def commit(self) -> None:
        """Marked around, where something in the transaction can end what was true."""
        if not self._to_move:
            super().commit()
            return
        words = self._to_move
        with self._marked(next(iter(words)) if len(words) == 1 else EVERYTHING):
            super().commit()
        self._to_move = frozenset()

    def rollback(self) -> None:
        super().rollback()
        self._to_move = frozenset()

    def transaction(self, *_given: Any, **_named: Any) -> Any:
        """Its COMMIT would not come by `commit`."""
        raise psycopg.NotSupportedError("use Django's transactions")

    def pipeline(self) -> Any:
        """In a pipeline a statement is over long after it was sent."""
        raise psycopg.NotSupportedError("no pipelines: a mark must last as long as its statement")


class MarkingCursor:
    """Mixed into Django's cursor class: nothing is sent but through here."""

    connection: MarkingConnection

    def execute(self, query: Any, *more: Any, **options: Any) -> Any:
        with self.connection.moving(query):
            return super().execute(query, *more, **options)  # type: ignore[misc]

    def executemany(self, query: Any, *more: Any, **options: Any) -> Any:
        with self.connection.moving(query):
            return super().executemany(query, *more, **options)  # type: ignore[misc]

    @contextmanager
    def copy(self, statement: Any, *more: Any, **options: Any) -> Iterator[Any]:
        with self.connection.moving(statement), super().copy(statement, *more, **options) as copy:  # type: ignore[misc]
            yield copy

    def stream(self, query: Any, *more: Any, **options: Any) -> Iterator[Any]:
        with self.connection.moving(query):
            yield from super().stream(query, *more, **options)  # type: ignore[misc]
