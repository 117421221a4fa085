"""Clean: remove what is past and not needed any more, in small transactions (D17, S0.4)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from tokens.statements import assertion, limit
from tokens.statements import clean as statements

WINDOW = 500
# No policy's retry window is longer; a record this young may still have to answer a retry (D2).
LONGEST_RETRY = timedelta(hours=1)
# Counts of the rate limiter; no window is longer.
COUNTS_KEPT = timedelta(hours=1)
# A used assertion is refused by its own expiry after that. Kept on for a clock that is set back (I19).
ASSERTION_MARGIN = timedelta(hours=1)
Progress = Callable[[int], None]


@dataclass(slots=True)
class Cleaned:
    """What went: access tokens, refresh keys, families, used assertions; and rows looked at."""

    tokens: int = 0
    refresh_keys: int = 0
    families: int = 0
    seen: int = 0
    assertions: int = 0


def clean(
    *, at: datetime | None = None, window: int = WINDOW, dry_run: bool = False, progress: Progress | None = None
) -> Cleaned:
    """Remove expired records that no replay, retry or revocation needs; never a live or never-expiring one.

    Safe to stop at any moment, to run twice, and to run beside itself. The request log is not touched (S0.6).
    """
    now = at or timezone.now()
    limits = statements.Limits(now, now - timedelta(seconds=settings.REVOKED_RETENTION_SECONDS), now - LONGEST_RETRY)
    total = Cleaned()
    for of_tokens in (True, False):
        _sweep(of_tokens, limits, size=window, dry_run=dry_run, progress=progress, total=total)
    if not dry_run:
        limit.forget(before=now - COUNTS_KEPT)
        total.assertions = _forget_assertions(now)
    return total


def _sweep(
    of_tokens: bool,
    limits: statements.Limits,
    *,
    size: int,
    dry_run: bool,
    progress: Progress | None,
    total: Cleaned,
) -> None:
    after: tuple[datetime, int] | None = None
    next_window = statements.token_window if of_tokens else statements.key_window
    while True:
        window = next_window(limits.now, after, size)
        if window is None:
            return
        total.seen += len(window.ids)
        if dry_run:
            total.tokens += statements.count_tokens(window.ids, limits) if of_tokens else 0
            total.refresh_keys += 0 if of_tokens else statements.count_keys(window.ids, limits)
        else:
            _remove(of_tokens, window, limits, total)
        if progress is not None:
            progress(total.seen)
        after = window.last


def _remove(of_tokens: bool, window: statements.Window, limits: statements.Limits, total: Cleaned) -> None:
    with transaction.atomic():
        if of_tokens:
            total.tokens += statements.remove_tokens(window.ids, limits)
        else:
            total.refresh_keys += statements.remove_keys(window.ids, limits)
        total.families += statements.remove_families(window.families)


def _forget_assertions(now: datetime) -> int:
    """In windows as well, each of its own transaction: there may be thousands of them each minute."""
    gone = 0
    while removed := assertion.forget(past_since=now - ASSERTION_MARGIN, at_most=WINDOW):
        gone += removed
    return gone
