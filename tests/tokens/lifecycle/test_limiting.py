"""Limit: how often one address may ask, and what is left of those turned away."""

import pytest

from tests.world import World, call, later
from tokens import errors, lifecycle
from tokens.models import RateLimitWindow, TokenRequestLog

GRANT = {"grant_type": "client_credentials"}


def test_d24_an_address_past_the_limit_is_turned_away_until_the_minute_ends(db: None, settings) -> None:
    settings.TOKEN_RATE_LIMIT_PER_MINUTE = 3
    for _ in range(3):
        lifecycle.limit("192.0.2.1", at=later(10))
    with pytest.raises(errors.RateLimited) as refused:
        lifecycle.limit("192.0.2.1", at=later(10))
    assert refused.value.retry_after == 50
    lifecycle.limit("192.0.2.2", at=later(10))
    lifecycle.limit("192.0.2.1", at=later(60))


def test_a_limit_of_0_is_off(db: None, settings) -> None:
    settings.TOKEN_RATE_LIMIT_PER_MINUTE = 0
    for _ in range(20):
        lifecycle.limit("192.0.2.1", at=later(0))
    assert not RateLimitWindow.objects.exists()


def test_d24_what_is_turned_away_leaves_no_log_row_but_one_counting_row_per_address_and_minute(
    world: World, settings, time_machine
) -> None:
    settings.TOKEN_RATE_LIMIT_PER_MINUTE = 2
    time_machine.move_to(later(5), tick=False)
    client = world.key_of(world.orders)
    answers = [call("/oauth2/token", GRANT, client=client) for _ in range(5)]
    assert [answer.status for answer in answers] == [200, 200, 429, 429, 429]
    assert answers[-1].headers["Retry-After"] == "55"
    assert answers[-1].json["error"] == "temporarily_unavailable"
    assert answers[-1].json["error_code"] == "rate_limited"
    assert TokenRequestLog.objects.count() == 2
    window = RateLimitWindow.objects.get()
    assert (window.address, window.requests, window.refused) == ("192.0.2.7", 5, 3)
    time_machine.move_to(later(60), tick=False)
    assert call("/oauth2/token", GRANT, client=client).status == 200


def test_verify_is_never_limited(world: World, settings, time_machine) -> None:
    settings.TOKEN_RATE_LIMIT_PER_MINUTE = 1
    time_machine.move_to(later(5), tick=False)
    token = world.issue(world.key_of(world.orders), at=5)
    bearer = f"Bearer {token.access_token}"
    answers = [call("/auth/verify", method="GET", HTTP_X_PROXY="orders", HTTP_AUTHORIZATION=bearer) for _ in range(5)]
    assert {answer.status for answer in answers} == {200}


def test_cleaning_forgets_counts_of_hours_past_and_keeps_those_of_now(db: None, settings) -> None:
    settings.TOKEN_RATE_LIMIT_PER_MINUTE = 10
    lifecycle.limit("192.0.2.1", at=later(0))
    lifecycle.limit("192.0.2.1", at=later(7_200))
    lifecycle.clean(at=later(7_200))
    assert [window.minute for window in RateLimitWindow.objects.all()] == [int(later(7_200).timestamp()) // 60]
