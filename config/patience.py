"""A connection to PostgreSQL that waits for no answer longer than it is told.

The server's own limits (statement_timeout, lock_timeout) end nothing where the server itself has stopped, and TCP's see
no fault in a process that is merely frozen: its kernel goes on acknowledging. So the client counts as well.
"""

import select
import time
from typing import Any, ClassVar

import psycopg
from psycopg import errors
from psycopg.pq import TransactionStatus

CHECK_SECONDS = 2.0
# A connection that has answered so lately is not asked again before it is used, as long as nothing waits to be read.
TRUST_SECONDS = 1.0


class BoundedConnection(psycopg.Connection[Any]):
    """Closes itself where no answer comes in `patience` seconds; None: waits for ever."""

    patience: ClassVar[float | None] = None
    _hurried: bool = False
    _heard: float = 0.0
    _ear: Any = None

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """Every wait of this connection for its server goes through here."""
        if timeout is None:
            timeout = CHECK_SECONDS if self._hurried else self.patience
        try:
            answer = super().wait(gen, interval, timeout)
        except errors._WaitTimeout as late:  # noqa: SLF001 - it has no public name
            self.close()
            raise psycopg.OperationalError(f"no answer of the database in {timeout} seconds") from late
        self._heard = time.monotonic()
        return answer

    def set_autocommit(self, value: bool) -> None:
        """Goes through `wait` and yet asks nobody: it is no sign of life."""
        heard = self._heard
        super().set_autocommit(value)
        self._heard = heard

    def is_well(self) -> bool:
        """It has answered a moment ago, and its server has not said goodbye since.

        A server that ends closes its connections, which can be seen at the socket: that costs a microsecond, where
        asking it costs as much as a verification.
        """
        if time.monotonic() - self._heard > TRUST_SECONDS or self.closed:
            return False
        if self._ear is None:
            self._ear = select.poll()
            self._ear.register(self.pgconn.socket, select.POLLIN | select.POLLPRI)  # a hang-up is always told
        return not self._ear.poll(0)

    def is_at_rest(self) -> bool:
        """It is open, no transaction is, and nobody has asked for one."""
        return self.autocommit and self.pgconn.transaction_status == TransactionStatus.IDLE

    def execute(self, query: Any, *more: Any, **options: Any) -> Any:
        """The pool looks at a connection by an empty statement before it is used: that must not take long."""
        if query != "":
            return super().execute(query, *more, **options)
        if self.is_well():
            return None
        self._hurried = True
        try:
            return super().execute(query, *more, **options)
        finally:
            self._hurried = False


def bounded(seconds: float | None) -> type[BoundedConnection]:
    """The class for the pool."""
    return type("BoundedConnection", (BoundedConnection,), {"patience": seconds})
