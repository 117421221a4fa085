"""Counting on Redis, in a tenth of a second or not at all (I14).

Nothing that decides is kept there alone: where Redis is away, slow, full or talks nonsense, the answer is None and the
caller counts in the database. A breaker then leaves Redis in peace for some seconds, so that only one request in each
process finds out that it is still away.
"""

import functools
import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from proxies.settled import settings
from tokens.redis_scripts import Script

logger = logging.getLogger(__name__)
PATIENCE_SECONDS = 0.1
PAUSE_SECONDS = 5.0

_COUNT = """
local found = {}
for i, key in ipairs(KEYS) do
    found[i] = redis.call('INCR', key)
    if found[i] == 1 then redis.call('EXPIRE', key, ARGV[i]) end
end
return found
"""
_GIVE_BACK = "if tonumber(redis.call('GET', KEYS[1]) or 0) > 0 then return redis.call('DECR', KEYS[1]) end return 0"

_lock = threading.Lock()
_away_until = 0.0


class Nonsense(Exception):
    """An answer that no count can be."""


def count(keys: Sequence[tuple[str, int]]) -> list[int] | None:
    """Count one in each key, all in one step; the key is forgotten after its seconds. None: ask the database."""
    if not settings.REDIS_URL:
        return None
    names, lives = zip(*((_key(name), seconds) for name, seconds in keys), strict=True)
    found = _ask(lambda: _script(settings.REDIS_URL, _COUNT).run(names, lives), len(names))
    return None if found is None else [int(number) for number in found]


def give_back(key: str) -> bool:
    """Take one count back. False: Redis did not do it."""
    return _ask(lambda: [_script(settings.REDIS_URL, _GIVE_BACK).run([_key(key)])], 1) is not None


def close() -> None:
    """Forget the connections and the breaker's state."""
    global _away_until  # noqa: PLW0603 - one breaker for each process
    _script.cache_clear()
    _away_until = 0.0


def _ask(question: Callable[[], Any], wanted: int) -> list[int] | None:
    if not _may_ask():
        return None
    try:
        found = _checked(question(), wanted)
    except Exception as trouble:  # noqa: BLE001 - the library trips over some nonsense in ways of its own
        _pause(trouble)
        return None
    _resume()
    return found


def _checked(found: Any, wanted: int) -> list[int]:
    if isinstance(found, list) and len(found) == wanted and all(_is_count(number) for number in found):
        return found
    raise Nonsense


def _is_count(number: object) -> bool:
    return isinstance(number, int) and not isinstance(number, bool) and number >= 0


def _may_ask() -> bool:
    """True while Redis answers; after a pause for one caller, who finds out for all others."""
    global _away_until  # noqa: PLW0603
    if not _away_until:
        return True
    with _lock:
        if time.monotonic() < _away_until:
            return False
        _away_until = time.monotonic() + PAUSE_SECONDS
        return True


def _pause(trouble: Exception) -> None:
    global _away_until  # noqa: PLW0603
    if not _away_until:
        logger.warning("Redis cannot be asked (%s); the database counts for now", type(trouble).__name__)
    _away_until = time.monotonic() + PAUSE_SECONDS


def _resume() -> None:
    global _away_until  # noqa: PLW0603
    if _away_until:
        logger.warning("Redis answers again")
        _away_until = 0.0


def _key(name: str) -> str:
    return f"{settings.CACHES['default']['KEY_PREFIX']}:{name}"


@functools.cache
def _script(url: str, text: str) -> Script:
    return Script(url, text, patience=PATIENCE_SECONDS)


# A child has connections of its own.
os.register_at_fork(after_in_child=close)
