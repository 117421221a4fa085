"""Words in memory that the processes of one host share: what a writer tells the verifiers before it commits.

Each bucket of families has a word, and word 0 stands for everything else. A process holds slots, each by a lock that
the kernel gives back when it dies. Around each commit that can end what was true stand `mark` and `clear`:

    writer: slot := word's number;  word := new random value;  COMMIT;  answer received: slot := 0
    reader: copies the words, then the slots; SELECT; keeps the answer with its words where no slot names one of them
    later:  the answer counts only while the words are still those

Why nothing stale counts. Take a commit that ends an answer kept with word w. Its writer changed the word before it
committed. Was that after the reader's copy, the word is no longer w, and random values do not come back (no ABA). Was
it before, then the slots, copied later, named the word, and nothing was kept; or the slot was cleared by then, so the
commit was over before the SELECT began, which saw it. Nobody needs to be told anything after a commit.

A writer that dies between leaves its slot: its word is kept for nobody until `sweep` finds the lock free and, after
that, the writer's session gone from the server, so that nothing of it can still come to pass. A connection that is lost
at COMMIT ends the same way. Processors that reorder other processors' stores (ARM) get a barrier in between.
"""

from __future__ import annotations

import errno
import fcntl
import mmap
import os
import stat
import threading
from array import array
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import NamedTuple

BUCKETS = 1024
EVERYTHING = 0
SLOTS = 512
_MAGIC = b"latchkey words 1"
_HEADER = 64  # the magic, then the map's own random id
_WORDS = 8 * (1 + BUCKETS)
_SIZE = _HEADER + _WORDS + 8 * SLOTS
_NONE = bytes(8 * SLOTS)
# Locks lie behind the end of the file, a byte for each slot.
_LOCKS = 1 << 20
# Said by a writer that found no slot; stays until the machine starts anew, since nobody knows when it is over.
_FULL = (1 << 64) - 1


class Unusable(Exception):
    """The shared memory cannot be had, or is not ours."""


class Seen(NamedTuple):
    """What a reader saw before it asked the database."""

    words: bytes
    slots: bytes


class Stamp(NamedTuple):
    """Under which words an answer was found."""

    everything: int
    bucket: int
    word: int


def bucket_of(family_id: int) -> int:
    """The number of a family's word."""
    return 1 + family_id % BUCKETS


class SharedWords:
    """One map. Never closed: closing any handle of the file would give back the locks of this process."""

    def __init__(self, path: Path) -> None:
        self._file = _opened(path)
        memory = mmap.mmap(self._file, _SIZE)
        view = memoryview(memory)
        self.id = bytes(view[len(_MAGIC) : len(_MAGIC) + 8]).hex()
        self.words = view[_HEADER : _HEADER + _WORDS].cast("Q")
        self._slots = view[_HEADER + _WORDS :].cast("Q")
        self._lock = threading.Lock()
        self._free: list[int] = []
        self._mine: set[int] = set()
        os.register_at_fork(after_in_child=self._forget)

    def _forget(self) -> None:
        """A child inherits no lock, so it has no slot."""
        self._lock = threading.Lock()
        self._free, self._mine = [], set()

    # --- Writers

    def mark(self, word: int, session: int) -> int:
        """Say that a commit is coming that moves this word; `session` is the server's process. Which slot says it."""
        slot = self._taken()
        if slot is None:
            self._slots[0] = _FULL
        else:
            self._slots[slot] = (session << 32) | (word + 1)
        self.words[word] = int.from_bytes(os.urandom(8), "little")
        return -1 if slot is None else slot

    def clear(self, slot: int) -> None:
        """The commit is over, whichever way it went, and seen by every SELECT that begins now."""
        if slot > 0:
            self._slots[slot] = 0
            with self._lock:
                self._free.append(slot)

    def abandon(self, slot: int) -> None:
        """Nobody knows whether the commit is over: the slot stays marked, for `sweep`."""
        if slot > 0:
            with self._lock:
                self._mine.discard(slot)
            fcntl.lockf(self._file, fcntl.LOCK_UN, 1, _LOCKS + slot)

    def _taken(self) -> int | None:
        with self._lock:
            if self._free:
                return self._free.pop()
            start = os.getpid() % SLOTS
            for slot in (*range(max(start, 1), SLOTS), *range(1, start)):
                if slot not in self._mine and self._locked(slot):
                    if not self._slots[slot]:
                        self._mine.add(slot)
                        return slot
                    fcntl.lockf(self._file, fcntl.LOCK_UN, 1, _LOCKS + slot)
        return None

    def _locked(self, slot: int) -> bool:
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _LOCKS + slot)
        except OSError as taken:
            if taken.errno in (errno.EACCES, errno.EAGAIN):
                return False
            raise
        return True

    # --- Readers

    def seen(self) -> Seen:
        """The words, and then the slots: in this order, and before the database is asked."""
        words = bytes(self.words)
        with self._lock:  # a barrier
            pass
        return Seen(words, bytes(self._slots))

    def stamp(self, seen: Seen, family_id: int) -> Stamp | None:
        """Under which words an answer about this family is kept; None where a commit is on its way."""
        bucket = bucket_of(family_id)
        if seen.slots != _NONE:
            coming = {mark & 0xFFFFFFFF for mark in array("Q", seen.slots)}
            if {EVERYTHING + 1, bucket + 1, _FULL & 0xFFFFFFFF} & coming:
                return None
        words = memoryview(seen.words).cast("Q")
        return Stamp(words[EVERYTHING], bucket, words[bucket])

    # --- The dead

    def orphans(self) -> list[int]:
        """Marked slots that no living process holds. Each is held by us now: give it back by `settle`."""
        with self._lock:
            marked = [slot for slot in range(1, SLOTS) if self._slots[slot] and slot not in self._mine]
            found = [slot for slot in marked if self._locked(slot)]
            self._mine.update(found)
        return found

    def settle(self, orphans: Iterable[int], alive: Collection[int]) -> int:
        """Clear those whose session is not among the server's, as looked at *after* they were found; how many."""
        cleared = 0
        for slot in orphans:
            if self._slots[slot] and self._slots[slot] >> 32 not in alive:
                self._slots[slot] = 0
                cleared += 1
            self.abandon(slot)
        return cleared

    def marked(self) -> int:
        """How many slots say that a commit is coming."""
        return sum(1 for slot in self._slots if slot)

    @property
    def is_full(self) -> bool:
        """True after a writer found no slot."""
        return self._slots[0] == _FULL


def _opened(path: Path) -> int:
    """The file, made whole before it has its name, so that nobody ever sees half of one."""
    try:
        if not path.exists():
            _make(path)
        file = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
        found = os.fstat(file)
    except OSError as trouble:
        raise Unusable(f"{path} cannot be used: {trouble.strerror}") from trouble
    ours = stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid() and stat.S_IMODE(found.st_mode) == 0o600
    if not ours or found.st_size != _SIZE or os.pread(file, len(_MAGIC), 0) != _MAGIC:
        raise Unusable(f"{path} is not ours, or of another version")
    return file


def _make(path: Path) -> None:
    own = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}")
    file = os.open(own, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        os.fchmod(file, 0o600)
        head = (_MAGIC + os.urandom(8)).ljust(_HEADER, b"\0")
        os.write(file, head + os.urandom(_WORDS) + _NONE)
        os.link(own, path)
    except FileExistsError:
        pass  # another process was first
    finally:
        os.close(file)
        own.unlink(missing_ok=True)
