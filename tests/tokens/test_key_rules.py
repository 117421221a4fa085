"""The calendar of signing keys, as tables (D13, I21)."""

from datetime import datetime, timedelta

import pytest

from tests.world import START
from tokens import key_rules

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.mark.parametrize(("days", "lead"), [(1, 12 * HOUR), (2, DAY), (14, 7 * DAY), (30, 7 * DAY), (3650, 7 * DAY)])
def test_the_next_key_is_published_a_week_ahead_or_half_the_time(days: int, lead: timedelta) -> None:
    assert key_rules.lead(days) == lead
    assert key_rules.publication_due(START, days) == START + days * DAY - lead
    # However often keys rotate, the JWKS of everybody has the next one before it signs.
    assert lead > key_rules.JWKS_LIFETIME


@pytest.mark.parametrize(
    ("published_at", "due"),
    [
        (None, START + 30 * DAY),
        (START + 1 * DAY, START + 30 * DAY),
        (START + 23 * DAY, START + 30 * DAY),
        # Nothing ran for weeks: late, but never without notice.
        (START + 40 * DAY, START + 47 * DAY),
    ],
)
def test_i21_a_key_that_was_published_late_signs_late(published_at: datetime | None, due: datetime) -> None:
    assert key_rules.rotation_due(START, 30, published_at) == due


@pytest.mark.parametrize(
    ("seconds", "token_valid", "may"),
    [(0, False, False), (59, False, False), (60, False, True), (10**9, True, False)],
)
def test_d13_a_key_retires_after_its_last_token_and_the_requests_under_way(
    seconds: int, token_valid: bool, may: bool
) -> None:
    assert key_rules.may_retire(START, token_valid, START + timedelta(seconds=seconds)) is may
