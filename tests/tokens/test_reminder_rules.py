"""When an end is told of, and when a delivery is tried again: tables."""

from datetime import timedelta

import pytest

from tests.world import START
from tokens import reminder_rules
from tokens.reminder_rules import MOST_ATTEMPTS, PAUSES, Stage

LONG = timedelta(days=365)


@pytest.mark.parametrize(
    ("left", "life", "stage"),
    [
        (timedelta(days=31), LONG, None),
        (timedelta(days=30, seconds=1), LONG, None),
        (timedelta(days=30), LONG, Stage.MONTH),
        (timedelta(days=7, seconds=1), LONG, Stage.MONTH),
        (timedelta(days=7), LONG, Stage.WEEK),
        (timedelta(days=1, seconds=1), LONG, Stage.WEEK),
        (timedelta(days=1), LONG, Stage.DAY),
        (timedelta(seconds=1), LONG, Stage.DAY),
        (timedelta(0), LONG, None),
        (timedelta(days=-1), LONG, None),
        # Of a short life only what is at most half of it is told.
        (timedelta(days=29), timedelta(days=30), None),
        (timedelta(days=7), timedelta(days=30), Stage.WEEK),
        (timedelta(days=6), timedelta(days=7), None),
        (timedelta(hours=20), timedelta(days=7), Stage.DAY),
        (timedelta(hours=20), timedelta(days=2), Stage.DAY),
        (timedelta(hours=20), timedelta(days=1), None),
        (timedelta(days=29), timedelta(days=60), Stage.MONTH),
    ],
)
def test_d43_an_end_is_told_at_its_stages(left: timedelta, life: timedelta, stage: Stage | None) -> None:
    end = START + left
    assert reminder_rules.stage(end, born=end - life, now=START) == stage


def test_a_delivery_is_tried_again_ever_more_rarely_for_some_three_days() -> None:
    assert list(PAUSES) == sorted(PAUSES)
    assert timedelta(days=2) < sum(PAUSES, timedelta()) < timedelta(days=4)
    for number, pause in enumerate(PAUSES, start=1):
        assert reminder_rules.next_attempt(number, START) == START + pause
        assert reminder_rules.is_last(number) is (number == MOST_ATTEMPTS)
    assert reminder_rules.next_attempt(MOST_ATTEMPTS + 5, START) == START + PAUSES[-1]
