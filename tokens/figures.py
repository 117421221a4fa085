"""The figures of the dashboard: counted by one at a time, kept in one row. Sole writer of Figures.

A job counts once a minute. Where it has not, the first page does so itself, as long as that takes no time to speak of:
whoever opens it never waits for a count of millions.
"""

import time
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils import timezone

from proxies.time_limit import TooLong, answered_within
from tokens import figure_counts
from tokens.models import Figures

FRESH = timedelta(minutes=1)
# Who dies over it keeps others from it no longer than this.
LEASE = timedelta(minutes=2)
FIRST_SECONDS = 3.0
PATIENCE_SECONDS = 0.3


def take(*, at: datetime | None = None, seconds: float | None = None) -> bool:
    """Count everything and keep it; False where another does so now. Raises TooLong past `seconds`."""
    now = at or timezone.now()
    Figures.objects.get_or_create(pk=1)
    free = Q(counting_since=None) | Q(counting_since__lte=now - LEASE)
    if Figures.objects.filter(free, pk=1).update(counting_since=now) != 1:
        return False
    begun = time.monotonic()
    try:
        if seconds is None:
            found = figure_counts.everything(now)
        else:
            with answered_within(seconds):
                found = figure_counts.everything(now)
        took = round((time.monotonic() - begun) * 1000, 1)
        Figures.objects.filter(pk=1).update(taken_at=now, took_ms=took, figures=found)
    finally:
        Figures.objects.filter(pk=1, counting_since=now).update(counting_since=None)
    return True


def for_page(*, at: datetime | None = None) -> Figures | None:
    """The figures to show: those of the last minute, or older ones where counting anew would keep the page waiting."""
    now = at or timezone.now()
    kept = Figures.objects.filter(pk=1).first()
    known = kept is not None and kept.taken_at is not None
    if kept is not None and kept.taken_at is not None and now - kept.taken_at < FRESH:
        return kept
    if known and kept is not None and kept.took_ms > PATIENCE_SECONDS * 1000:
        return kept
    try:
        take(at=now, seconds=PATIENCE_SECONDS if known else FIRST_SECONDS)
    except TooLong:
        return kept if known else None
    return Figures.objects.filter(pk=1, taken_at__isnull=False).first()
