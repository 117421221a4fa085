"""A connection to PostgreSQL that waits for no answer longer than it is told.

The server's own limits (statement_timeout, lock_timeout) end nothing where the server itself has stopped, and TCP's see
no fault in a process that is merely frozen: its kernel goes on acknowledging. So the client counts as well.
"""

from typing import Any, ClassVar

import psycopg
from psycopg import errors

CHECK_SECONDS = 2.0


class BoundedConnection(psycopg.Connection[Any]):
    """Closes itself where no answer comes in `patience` seconds; None: waits for ever."""

    patience: ClassVar[float | None] = None
    _hurried: bool = False

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """Every wait of this connection for its server goes through here."""
        if timeout is None:
            timeout = CHECK_SECONDS if self._hurried else self.patience
        try:
            return super().wait(gen, interval, timeout)
        except errors._WaitTimeout as late:  # noqa: SLF001 - it has no public name
            self.close()
            raise psycopg.OperationalError(f"no answer of the database in {timeout} seconds") from late

    def execute(self, query: Any, *more: Any, **options: Any) -> Any:
        """The pool looks at a connection by an empty statement before it is used: that must not take long."""
        if query != "":
            return super().execute(query, *more, **options)
        self._hurried = True
        try:
            return super().execute(query, *more, **options)
        finally:
            self._hurried = False


def bounded(seconds: float | None) -> type[BoundedConnection]:
    """The class for the pool."""
    return type("BoundedConnection", (BoundedConnection,), {"patience": seconds})
