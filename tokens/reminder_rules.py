"""When something that ends, or grows old, is to be told to its owner, and when a delivery is tried again. Pure."""

from datetime import datetime, timedelta
from enum import StrEnum


class Stage(StrEnum):
    """How near an end is. The names are those of the Reminder's stages."""

    MONTH = "month"
    WEEK = "week"
    DAY = "day"


SPANS = {Stage.DAY: timedelta(days=1), Stage.WEEK: timedelta(days=7), Stage.MONTH: timedelta(days=30)}
FURTHEST = SPANS[Stage.MONTH]
# After each failed attempt, how long to the next one: some three days in all, as Standard Webhooks suggests.
PAUSES = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=20),
    timedelta(hours=36),
)
MOST_ATTEMPTS = len(PAUSES)


def stage(end: datetime, *, born: datetime, now: datetime) -> Stage | None:
    """The nearest stage that an end has come to, or None: too far away, past, or nothing to be told.

    A life is not told of a stage that is more than half of it: a key for a week is told on its last day alone.
    """
    left = end - now
    if left <= timedelta(0):
        return None
    reached = next((each for each, span in SPANS.items() if left <= span), None)
    return None if reached is None or end - born < 2 * SPANS[reached] else reached


def next_attempt(attempts: int, now: datetime) -> datetime:
    """When the attempt of this number (from 1) is followed by another, should it fail."""
    return now + PAUSES[min(attempts, MOST_ATTEMPTS) - 1]


def is_last(attempts: int) -> bool:
    """True where the attempt of this number is not followed by another."""
    return attempts >= MOST_ATTEMPTS
