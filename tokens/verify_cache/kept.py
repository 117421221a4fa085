"""Good verifications and introspections, kept in this process for seconds, each under the words of before it was found.

What is kept is the whole answer. The key is a keyed digest of all that the door heeds of the request; where it
heeds more (a gateway's own proof, the path, a certificate) nothing is kept. No token is kept, only the digest.
"""

from __future__ import annotations

import os
from datetime import datetime
from hashlib import blake2b
from time import monotonic, time
from typing import Any, NamedTuple

from django.db import connection

from proxies.settled import settings
from tokens.verify_cache.watching import watch
from tokens.verify_cache.words import Seen, SharedWords, Stamp

_MOST = 10_000
_DAY = 86_400
_secret = os.urandom(32)
_kept: dict[bytes, _Kept] = {}


class _Kept(NamedTuple):
    period: object
    words: SharedWords
    stamp: Stamp
    fresh_until: float
    ends_at: float
    what: Any


class Basis(NamedTuple):
    """What an answer rests on: a family, and the end of what it says, None for no end."""

    family_id: int
    ends_at: datetime | None

    @classmethod
    def until(cls, family_id: int, *ends: datetime | None) -> Basis:
        """Of this family, until the first of these."""
        return cls(family_id, min((end for end in ends if end is not None), default=None))


def key(*parts: str | None) -> bytes:
    """What is asked, as many parts each time. Written as Python writes a tuple: none can run into the next."""
    return blake2b(repr(parts).encode("ascii", "backslashreplace"), digest_size=16, key=_secret).digest()


def found(asked: bytes) -> Any:
    """What was kept for this and is true now, or None."""
    kept = _kept.get(asked)
    if kept is None:
        return None
    now = monotonic()
    if kept.period is not watch.period or now >= watch.counts_until:
        return None
    if now >= kept.fresh_until or time() >= kept.ends_at:
        return None
    stamp = kept.stamp
    words = kept.words.words
    if words[0] != stamp.everything or words[stamp.bucket] != stamp.word:
        return None
    return kept.what


class Chance:
    """Taken before the database is asked: the words as they are, if anything may be kept now."""

    __slots__ = ("_at", "_began", "_period", "_seen", "_words")

    def __init__(self) -> None:
        self._period = watch.period
        self._began = monotonic()
        self._at = time()
        self._seen: Seen | None = None
        self._words = watch.words
        if self._began >= watch.counts_until:
            watch.start()
        elif self._words is not None and not connection.in_atomic_block:
            self._seen = self._words.seen()

    def keep(self, asked: bytes, what: Any, basis: Basis) -> None:
        """Keep an answer that was found since."""
        if self._seen is None or self._words is None:
            return
        stamp = self._words.stamp(self._seen, basis.family_id)
        if stamp is None:
            return
        if len(_kept) >= _MOST:
            _kept.clear()
        fresh_until = self._began + settings.VERIFY_CACHE_MAX_SECONDS
        # Grants and credentials end with a day (UTC): no answer is kept into another than it was asked for in.
        ends_at = self._at - self._at % _DAY + _DAY
        if basis.ends_at is not None:
            ends_at = min(ends_at, basis.ends_at.timestamp())
        _kept[asked] = _Kept(self._period, self._words, stamp, fresh_until, ends_at, what)
