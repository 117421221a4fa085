"""The database connection of a plain door: what Django does around a request, and what it makes of a failure."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import DatabaseError, InterfaceError, connection

from tokens.errors import StorageAway

logger = logging.getLogger(__name__)


# Nobody tries for so long after it was found out that the database is still away. Without that every thread of a server
# would wait its turn for a connection, and answer no one meanwhile.
PAUSE_SECONDS = 0.5


class _Breaker:
    """After a lost connection one request finds out whether there is another; until then all others hear no at once."""

    LONGEST_TRY_SECONDS = 20.0

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._closed_until = 0.0

    def may_try(self) -> bool:
        """True while all is well; after a loss for one request at a time."""
        if not self._closed_until:
            return True
        with self._lock:
            if time.monotonic() < self._closed_until:
                return False
            self._closed_until = time.monotonic() + self.LONGEST_TRY_SECONDS
            return True

    def lost(self) -> None:
        """The first loss closes for no time: one server process may have ended, and the others be well."""
        self._closed_until = time.monotonic() + (PAUSE_SECONDS if self._closed_until else 0.0)

    def connected(self) -> None:
        """There is a connection."""
        self._closed_until = 0.0


breaker = _Breaker()


def _is_gone() -> bool:
    """True where the trouble is the connection itself and no single statement."""
    raw: Any = connection.connection
    return raw is None or bool(getattr(raw, "closed", False))


@contextmanager
def database() -> Iterator[None]:
    """A usable connection inside; given back or closed after. Any database trouble becomes StorageAway (I13)."""
    if connection.in_atomic_block:
        # Somebody else's transaction, a test's: the connection is not ours to give back.
        yield
        return
    if not breaker.may_try():
        raise StorageAway
    connection.close_if_unusable_or_obsolete()
    try:
        connection.ensure_connection()
        breaker.connected()
        yield
    except (DatabaseError, InterfaceError) as trouble:
        # The type alone: a message may quote parameters.
        logger.warning("the database cannot be asked: %s", type(trouble).__name__)
        if _is_gone():
            breaker.lost()
        connection.close()
        raise StorageAway from trouble
    finally:
        connection.close_if_unusable_or_obsolete()
