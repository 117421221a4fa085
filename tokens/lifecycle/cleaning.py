"""Clean: remove what is past and not needed any more, in small transactions (D17, S0.4)."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils import timezone

from tokens.statements import assertion, limit
from tokens.statements import clean as statements

# Rows of one transaction, and how long it should take at most. Smaller ones would be slower in all: SQLite would write
# the same pages of its indexes again and again. With SQLite nobody else writes meanwhile.
WINDOWS = {"postgresql": (1_000, 0.04), "sqlite": (8_000, 0.4)}
SMALLEST_WINDOW = 125
# No policy's retry window is longer; a record this young may still have to answer a retry (D2).
LONGEST_RETRY = timedelta(hours=1)
# Counts of the rate limiter; no window is longer.
COUNTS_KEPT = timedelta(hours=1)
# A used assertion is refused by its own expiry after that. Kept on for a clock that is set back (I19).
ASSERTION_MARGIN = timedelta(hours=1)
FORGOTTEN_AT_ONCE = 500
Progress = Callable[[int], None]


@dataclass(slots=True)
class Cleaned:
    """What went: access tokens, refresh keys, families, used assertions; and rows looked at."""

    tokens: int = 0
    refresh_keys: int = 0
    families: int = 0
    seen: int = 0
    assertions: int = 0


class Size:
    """The rows of a window: fewer after one that took too long, as on a machine that has other things to do."""

    def __init__(self, most: int, patience: float) -> None:
        self.now, self._most, self._patience = most, most, patience

    def timed(self, one: Callable[..., statements.Swept | None], *more: Any) -> statements.Swept | None:
        """Do a window of this size, and choose the size of the next."""
        begun = time.monotonic()
        swept = one(*more, self.now)
        if time.monotonic() - begun > self._patience:
            self.now = max(self.now // 2, min(SMALLEST_WINDOW, self._most))
        else:
            self.now = min(self.now * 2, self._most)
        return swept


def clean(
    *,
    at: datetime | None = None,
    window: int | None = None,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> Cleaned:
    """Remove expired records that no replay, retry or revocation needs; never a live or never-expiring one.

    In windows of at most `window` rows, each a transaction of its own: safe to stop at any moment, to run twice, and to
    run beside itself and beside clients. The request log is not touched (S0.6). `progress` is told the rows looked at.
    """
    now = at or timezone.now()
    limits = statements.Limits(now, now - timedelta(seconds=settings.REVOKED_RETENTION_SECONDS), now - LONGEST_RETRY)
    total = Cleaned()
    rows, patience = WINDOWS[connection.vendor]
    size = Size(window or rows, patience)
    with statements.unhurried():
        total.tokens = _sweep(statements.TOKENS, limits, size=size, dry_run=dry_run, progress=progress, total=total)
        total.refresh_keys = _sweep(statements.KEYS, limits, size=size, dry_run=dry_run, progress=progress, total=total)
    if not dry_run:
        _in_windows(limit.forget, before=now - COUNTS_KEPT)
        total.assertions = _in_windows(assertion.forget, before=now - ASSERTION_MARGIN)
    return total


def count_expired(*, at: datetime | None = None) -> int:
    """How many rows `clean` would look at."""
    return statements.past(at or timezone.now())


def _sweep(
    kind: statements.Kind,
    limits: statements.Limits,
    *,
    size: Size,
    dry_run: bool,
    progress: Progress | None,
    total: Cleaned,
) -> int:
    one = statements.look if dry_run else statements.sweep
    removed, after = 0, statements.BEGINNING
    while (swept := size.timed(one, kind, limits, after)) is not None:
        removed += swept.removed
        total.families += swept.families
        total.seen += swept.seen
        after = swept.last
        if progress is not None:
            progress(total.seen)
    return removed


def _in_windows(forget: Callable[..., int], *, before: datetime) -> int:
    """Each of its own transaction: there may be thousands of them each minute."""
    gone = 0
    while removed := forget(before=before, at_most=FORGOTTEN_AT_ONCE):
        gone += removed
    return gone
