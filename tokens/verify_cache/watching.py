"""The thread that looks at the company. Without a look that counts, nothing is kept and nothing kept is used."""

import logging
import os
import threading
from time import monotonic
from typing import Any

import psycopg
from django.db import DatabaseError, connection

from tokens.verify_cache import company, host
from tokens.verify_cache.host import HostMap
from tokens.verify_cache.words import SharedWords

logger = logging.getLogger(__name__)
PAUSE_SECONDS = 0.4
_LONG_PAUSE_SECONDS = 30.0


class Watch:
    """What this process knows of the company. `counts_until` is read at each request.

    `period` is a new one after each time in which somebody could have come, written and gone unseen: nothing is taken
    from one into the next. A stranger waits longer than a look counts, so where each look began while the one before
    it counted, nobody could.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self.counts_until = 0.0
        self.period = object()
        self.words: SharedWords | None = None
        self.why_off = "nothing was asked yet"

    def start(self) -> None:
        """Begin to look, at the first request; does nothing where it is looking."""
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="verify cache", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                joined = host.joined(connection.settings_dict)
                if joined is None:
                    self._off(host.why_not or "it is not on")
                    self._stop.wait(_LONG_PAUSE_SECONDS)
                    continue
                with _wire(joined) as wire:
                    self._look_on(wire, joined)
            except (psycopg.Error, DatabaseError, OSError) as trouble:
                self._off(f"the database cannot be asked: {type(trouble).__name__}")
            self._stop.wait(PAUSE_SECONDS)

    def _look_on(self, wire: psycopg.Connection[Any], joined: HostMap) -> None:
        is_up = False
        while not self._stop.is_set():
            began = monotonic()
            orphans = joined.words.orphans()
            try:
                found = company.look(wire, joined.id)
            except BaseException:
                joined.words.settle(orphans, _EVERYBODY)
                raise
            joined.words.settle(orphans, found.sessions)
            if found.strangers:
                self._off(f"{', '.join(found.strangers) or 'a session without a name'} is connected and does not mark")
                if is_up:
                    company.flag(wire, joined.id, up=False)
                    is_up = False
            elif not is_up:
                company.flag(wire, joined.id, up=True)
                is_up = True
                continue  # what counts is a look after the flag was up
            else:
                self.words = joined.words
                if began >= self.counts_until:
                    self.period = object()
                self.counts_until = began + company.LOOK_COUNTS_SECONDS
                self.why_off = ""
            self._stop.wait(PAUSE_SECONDS)

    def _off(self, because: str) -> None:
        self.counts_until = 0.0
        self.period = object()
        if because != self.why_off:
            logger.info("verifications are not kept: %s", because)
        self.why_off = because

    def begin_anew(self) -> None:
        """After a fork: the child has no thread, and has looked at nothing."""
        self.__init__()  # type: ignore[misc]


class _Everybody:
    def __contains__(self, _session: object) -> bool:
        return True

    def __iter__(self) -> Any:
        raise NotImplementedError

    def __len__(self) -> int:
        raise NotImplementedError


_EVERYBODY: Any = _Everybody()


def _wire(joined: HostMap) -> psycopg.Connection[Any]:
    """A session of its own, which only looks. It is in the list under our name, as one that marks."""
    parameters = connection.get_connection_params()
    for name in ("cursor_factory", "context", "prepare_threshold"):
        parameters.pop(name, None)
    wire = psycopg.connect(**parameters, autocommit=True)
    try:
        company.arrive(wire, joined.id)
    except BaseException:
        wire.close()
        raise
    return wire


watch = Watch()
os.register_at_fork(after_in_child=watch.begin_anew)
