"""Refresh: how often, how long, and what each refresh changes (S0.7-S0.28)."""

from datetime import timedelta

import pytest

from tests.tokens.lifecycle.refreshed import everything, key, terms, used_up
from tests.world import REQUEST, World, later
from tokens import errors, lifecycle, rules
from tokens.models import IssuedToken, RefreshKey, TokenFamily

# ---------------------------------------------------------------------------------------------- the count


@pytest.mark.parametrize("mode", ["rotating", "static"])
def test_s0_7_a_refresh_past_the_count_fails(world: World, token_format: str, mode: str) -> None:
    terms(world, format=token_format, mode=mode)
    answer, now = used_up(world)
    with pytest.raises(errors.RefreshCountExceeded):
        world.refresh(key(world), answer.refresh_token, at=now + 1)
    assert IssuedToken.objects.count() == 4


@pytest.mark.parametrize("mode", ["rotating", "static"])
def test_s0_8_the_failing_refresh_changes_nothing_about_the_current_access_token(
    world: World, token_format: str, mode: str
) -> None:
    terms(world, format=token_format, mode=mode)
    answer, now = used_up(world)
    before = list(IssuedToken.objects.order_by("id").values())
    with pytest.raises(errors.RefreshCountExceeded):
        world.refresh(key(world), answer.refresh_token, at=now + 1)
    assert list(IssuedToken.objects.order_by("id").values()) == before
    assert world.good(answer, at=now + 59.9)
    assert world.verify(answer, at=now + 60).reason == "token_expired"


def test_s0_9_every_successful_refresh_produces_a_new_access_token(world: World, token_format: str) -> None:
    terms(world, format=token_format, count=None)
    answer = world.issue(key(world))
    seen = {answer.access_token}
    for number in range(1, 11):
        answer = world.refresh(key(world), answer.refresh_token, at=number)
        seen.add(answer.access_token)
        assert world.good(answer, at=number)
    assert len(seen) == 11


@pytest.mark.parametrize("mode", ["rotating", "static"])
def test_s0_10_an_oauth2_refresh_ends_the_access_token_in_use_at_once(world: World, mode: str) -> None:
    terms(world, mode=mode)
    first = world.issue(key(world))
    assert world.good(first, at=10)
    second = world.refresh(key(world), first.refresh_token, at=10)
    assert world.verify(first, at=10).reason == "token_replaced"
    assert world.good(second, at=10)


def test_s0_11_an_earlier_jwt_stays_valid_for_the_rest_of_its_lifetime_beside_the_new_one(world: World) -> None:
    terms(world, format="jwt")
    first = world.issue(key(world))
    second = world.refresh(key(world), first.refresh_token, at=10)
    third = world.refresh(key(world), second.refresh_token, at=20)
    assert world.good(first, at=59.9)
    assert world.good(second, at=59.9)
    assert world.good(third, at=59.9)
    assert world.verify(first, at=60).reason == "token_expired"
    assert world.good(second, at=69.9)
    assert world.verify(second, at=70).reason == "token_expired"
    assert world.good(third, at=79.9)


@pytest.mark.parametrize("at", [0, 30, 59.9, 60, 61, 179.9])
def test_s0_12_whether_the_access_token_is_alive_is_irrelevant_for_a_refresh(
    world: World, token_format: str, at: float
) -> None:
    terms(world, format=token_format)
    first = world.issue(key(world))
    assert world.good(first, at=at) == (at < 60)
    assert world.good(world.refresh(key(world), first.refresh_token, at=at), at=at)


def test_s0_12_also_a_revoked_access_token_can_be_followed_by_a_new_one(world: World, token_format: str) -> None:
    terms(world, format=token_format)
    first = world.issue(key(world))
    lifecycle.revoke(key(world), first.access_token, request=REQUEST, at=later(1))
    assert not world.good(first, at=2)
    assert world.good(world.refresh(key(world), first.refresh_token, at=2), at=2)


@pytest.mark.parametrize(("access", "refresh"), [(60, 30), (60, 60), (60, 180), (1, 600), (600, 1)])
def test_s0_13_what_decides_is_the_refresh_tokens_own_lifetime(
    world: World, token_format: str, access: int, refresh: int
) -> None:
    terms(world, access=access, refresh=refresh, format=token_format)
    early, late = world.issue(key(world)), world.issue(key(world))
    assert world.refresh(key(world), early.refresh_token, at=refresh - 0.001).access_token
    with pytest.raises(errors.RefreshTokenExpired):
        world.refresh(key(world), late.refresh_token, at=refresh)


def test_s0_14_the_refresh_lifetime_starts_at_the_moment_the_token_is_received(world: World, token_format: str) -> None:
    terms(world, format=token_format)
    first = world.issue(key(world), at=1_000)
    assert RefreshKey.objects.get().expires_at == later(1_180)
    second = world.refresh(key(world), first.refresh_token, at=1_179)
    assert RefreshKey.objects.get(sequence=1).expires_at == later(1_359)
    assert world.refresh(key(world), second.refresh_token, at=1_358.9).access_token


def test_s0_15_a_refresh_is_accepted_immediately_after_receiving_the_token(world: World, token_format: str) -> None:
    terms(world, format=token_format)
    answer = world.issue(key(world))
    for _ in range(3):
        answer = world.refresh(key(world), answer.refresh_token, at=0)
    assert world.good(answer, at=0)


def test_s0_16_a_refresh_is_accepted_after_the_access_token_died(world: World, token_format: str) -> None:
    terms(world, format=token_format)
    first = world.issue(key(world))
    assert not world.good(first, at=179)
    second = world.refresh(key(world), first.refresh_token, at=179)
    assert world.good(second, at=238.9)


@pytest.mark.parametrize("mode", ["rotating", "static"])
@pytest.mark.parametrize("at", [180, 180.001, 100_000])
def test_s0_17_a_refresh_after_the_refresh_tokens_expiry_is_refused(
    world: World, token_format: str, at: float, mode: str
) -> None:
    terms(world, format=token_format, mode=mode)
    first = world.issue(key(world))
    before = everything()
    with pytest.raises(errors.RefreshTokenExpired):
        world.refresh(key(world), first.refresh_token, at=at)
    assert everything() == before


def _live_as_long_as_possible(world: World, refresh: int, mode: str, token_format: str) -> None:
    terms(world, access=60, refresh=refresh, count=3, mode=mode, format=token_format)
    just_before = 0.001
    answer = world.issue(key(world))
    moment = 0.0
    for _ in range(3):
        moment += refresh - just_before
        answer = world.refresh(key(world), answer.refresh_token, at=moment)
    horizon, end = rules.renewal_horizon(60, refresh, 3), rules.last_possible_end(60, refresh, 3)
    assert horizon is not None
    assert end is not None
    assert moment == pytest.approx(horizon, abs=0.01)
    assert world.good(answer, at=end - 1.1)
    assert not world.good(answer, at=end)
    with pytest.raises(errors.RefreshCountExceeded):
        world.refresh(key(world), answer.refresh_token, at=moment + refresh - 0.01)


@pytest.mark.parametrize("mode", ["rotating", "static"])
def test_s0_18_example_1_lives_for_180_seconds_and_its_last_token_until_240(
    world: World, token_format: str, mode: str
) -> None:
    assert rules.renewal_horizon(60, 60, 3) == 60 + (60 - 60) + 2 * 60 == 180
    _live_as_long_as_possible(world, 60, mode, token_format)


@pytest.mark.parametrize("mode", ["rotating", "static"])
def test_s0_19_example_2_lives_for_540_seconds_and_its_last_token_until_600(
    world: World, token_format: str, mode: str
) -> None:
    assert rules.renewal_horizon(60, 180, 3) == 60 + (180 - 60) + 2 * 180 == 540
    _live_as_long_as_possible(world, 180, mode, token_format)


def test_s0_19_the_first_refresh_token_outlives_the_access_token_by_120_seconds(
    world: World, token_format: str
) -> None:
    terms(world, format=token_format)
    world.issue(key(world))
    token_end = IssuedToken.objects.get().expires_at
    assert token_end is not None
    assert RefreshKey.objects.get().expires_at - token_end == timedelta(seconds=120)


@pytest.mark.parametrize("mode", ["rotating", "static"])
def test_s0_20_each_refresh_restarts_a_full_refresh_lifetime(world: World, token_format: str, mode: str) -> None:
    terms(world, count=None, format=token_format, mode=mode)
    answer = world.issue(key(world))
    for moment in (1, 100, 279, 458):
        answer = world.refresh(key(world), answer.refresh_token, at=moment)
        current = RefreshKey.objects.order_by("-sequence").first()
        assert current is not None
        assert current.expires_at == later(moment + 180)


@pytest.mark.parametrize("mode", ["rotating", "static"])
def test_s0_23_the_first_refresh_past_the_count_is_refused_as_exceeded(
    world: World, token_format: str, mode: str
) -> None:
    terms(world, format=token_format, mode=mode)
    answer, now = used_up(world)
    with pytest.raises(errors.RefreshCountExceeded) as refused:
        world.refresh(key(world), answer.refresh_token, at=now + 1)
    assert refused.value.code == "refresh_count_exceeded"
    assert "count was exceeded" in str(refused.value)
    assert world.log()[-1].reason == "refresh_count_exceeded"


@pytest.mark.parametrize("mode", ["rotating", "static"])
def test_s0_24_at_that_point_the_refresh_token_is_cleared(world: World, token_format: str, mode: str) -> None:
    terms(world, format=token_format, mode=mode)
    answer, now = used_up(world)
    with pytest.raises(errors.RefreshCountExceeded):
        world.refresh(key(world), answer.refresh_token, at=now + 1)
    assert answer.refresh_token is not None
    told = lifecycle.introspect(key(world), answer.refresh_token, request=REQUEST, at=later(now + 2))
    assert told == {"active": False}
    family = TokenFamily.objects.get()
    assert family.exhausted_at == later(now + 1)
    assert family.revoked_at is None


@pytest.mark.parametrize("mode", ["rotating", "static"])
def test_s0_25_every_later_refresh_is_answered_token_not_found(world: World, token_format: str, mode: str) -> None:
    terms(world, format=token_format, mode=mode)
    answer, now = used_up(world)
    with pytest.raises(errors.RefreshCountExceeded):
        world.refresh(key(world), answer.refresh_token, at=now + 1)
    before = everything()
    for moment in (1, 2, 50, 179, 180, 10_000):
        with pytest.raises(errors.TokenNotFound):
            world.refresh(key(world), answer.refresh_token, at=now + moment)
    assert everything() == before


@pytest.mark.parametrize("mode", ["rotating", "static"])
def test_s0_26_throughout_the_last_access_token_stays_usable_until_its_lifetime_ends(
    world: World, token_format: str, mode: str
) -> None:
    terms(world, format=token_format, mode=mode)
    answer, now = used_up(world)
    for moment in (1, 2, 30, 59):
        with pytest.raises((errors.RefreshCountExceeded, errors.TokenNotFound)):
            world.refresh(key(world), answer.refresh_token, at=now + moment)
        assert world.good(answer, at=now + moment)
    assert not world.good(answer, at=now + 60)


def test_s0_27_the_refresh_token_is_unique_per_token(world: World, token_format: str) -> None:
    terms(world, format=token_format, count=None)
    seen: list[str | None] = []
    for _ in range(10):
        answer = world.issue(key(world))
        seen.append(answer.refresh_token)
        for moment in range(1, 10):
            answer = world.refresh(key(world), answer.refresh_token, at=moment)
            seen.append(answer.refresh_token)
    assert len(set(seen)) == len(seen) == 100
    assert RefreshKey.objects.values("token_hash").distinct().count() == 100


@pytest.mark.parametrize("mode", ["rotating", "static"])
def test_s0_28_every_refresh_answer_has_a_refresh_token_the_last_one_too(
    world: World, token_format: str, mode: str
) -> None:
    terms(world, format=token_format, mode=mode)
    answer = world.issue(key(world))
    for moment in (1, 2, 3):
        answer = world.refresh(key(world), answer.refresh_token, at=moment)
        assert answer.as_json()["refresh_token"]
