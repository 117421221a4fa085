"""The database connection of a plain door: what Django does around a request, and what it makes of a failure."""

import logging
import threading
import time
from contextlib import suppress
from types import TracebackType
from typing import Any, ClassVar

from django.db import DatabaseError, InterfaceError

from tokens import connections
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


# A connection that was kept so long goes through the pool once, which replaces those that are old.
KEPT_SECONDS = 60.0


class _Seat:
    """A thread's leave to keep its connection from one request to the next, and since when it keeps which.

    It ends with its thread, and gives the connection back to the pool then.
    """

    # A seat may end while its own thread holds the lock: memory is tidied up wherever something is made.
    _lock = threading.RLock()
    taken: ClassVar[int] = 0

    def __init__(self, here: Any) -> None:
        self._here = here
        self.raw: Any = None
        self.until = 0.0

    @classmethod
    def take(cls, here: Any) -> "_Seat | None":
        """Half of the pool's connections may be kept: whoever has no seat, and Django's own requests, find the rest."""
        with cls._lock:
            if here.pool is None or cls.taken >= here.pool.max_size // 2:
                return None
            cls.taken += 1
        return cls(here)

    def __del__(self) -> None:
        with self._lock:
            type(self).taken -= 1
        with suppress(DatabaseError, InterfaceError):
            self._here.close()


class _Seats(threading.local):
    mine: _Seat | None = None


_seats = _Seats()


def _is_kept(here: Any) -> bool:
    """True where this thread's connection is as its last request left it, and its server is well."""
    seat = _seats.mine
    if seat is None or seat.raw is None or seat.raw is not here.connection:
        return False
    well: bool = seat.raw.is_well()
    return well


def _is_at_rest(raw: Any) -> bool:
    """Of the pool's connections alone: no other stays."""
    try:
        at_rest: bool = raw.is_at_rest()
    except AttributeError:
        return False
    return at_rest


def _keep(here: Any) -> bool:
    """True where the connection may stay for the thread's next request: nothing was wrong, no transaction is open."""
    raw, seat = here.connection, _seats.mine
    if here.errors_occurred or not _is_at_rest(raw):
        return False
    if seat is None:
        seat = _seats.mine = _Seat.take(here)
        if seat is None:
            return False
    now = time.monotonic()
    if seat.raw is not raw:
        seat.raw, seat.until = raw, now + KEPT_SECONDS
    if now < seat.until:
        return True
    seat.raw = None
    return False


def _is_gone(here: Any) -> bool:
    """True where the trouble is the connection itself and no single statement."""
    raw = here.connection
    return raw is None or bool(getattr(raw, "closed", False))


def _open(here: Any) -> None:
    if not _is_kept(here):
        here.close_if_unusable_or_obsolete()
    if here.connection is None:
        here.ensure_connection()
    breaker.connected()


def _shut(here: Any, trouble: BaseException | None) -> None:
    try:
        if isinstance(trouble, DatabaseError | InterfaceError):
            # The type alone: a message may quote parameters.
            logger.warning("the database cannot be asked: %s", type(trouble).__name__)
            if _is_gone(here):
                breaker.lost()
            here.close()
            raise StorageAway from trouble
    finally:
        if not _keep(here):
            here.close_if_unusable_or_obsolete()


class database:  # noqa: N801 - it reads as the function that it would be if that were as quick
    """A usable connection inside; kept, given back or closed after. Any database trouble becomes StorageAway (I13)."""

    __slots__ = ("_here",)

    def __enter__(self) -> None:
        here = connections.here()
        # Somebody else's transaction, a test's: the connection is not ours to give back.
        self._here = None if here.in_atomic_block else here
        if self._here is None:
            return
        if not breaker.may_try():
            raise StorageAway
        try:
            _open(here)
        except BaseException as trouble:
            _shut(here, trouble)
            raise

    def __exit__(
        self, _kind: type[BaseException] | None, trouble: BaseException | None, _at: TracebackType | None
    ) -> None:
        if self._here is not None:
            _shut(self._here, trouble)
