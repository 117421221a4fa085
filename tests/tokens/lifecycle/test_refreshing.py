"""Refresh: what decides, what it changes, and what it never changes."""

from datetime import date, timedelta
from typing import Any

import pytest

from credentials import clients, secrets
from credentials.errors import ClientAuthenticationFailed
from proxies import catalogue, deployment
from tests.world import REQUEST, START, World, call, later
from tokens import errors, lifecycle, policies, rules, signing
from tokens.lifecycle import Client, TokenAnswer
from tokens.models import IssuedToken, RefreshKey, TokenFamily, TokenPolicy


def key(world: World) -> Client:
    return world.key_of(world.orders)


def terms(world: World, access: int = 60, refresh: int = 180, count: int | None = 3, **more: Any) -> None:
    world.policy(world.orders, access=access, refresh=refresh, count=count, **more)


def family_row() -> dict[str, Any]:
    return TokenFamily.objects.values().get()


def everything() -> tuple[list[Any], ...]:
    """All that a refresh could change."""
    return tuple(list(model.objects.order_by("id").values()) for model in (TokenFamily, IssuedToken, RefreshKey))


def used_up(world: World, spent: int = 3, step: float = 20) -> tuple[TokenAnswer, float]:
    """A family after so many refreshes: its last answer and the moment of it."""
    answer = world.issue(key(world))
    for number in range(1, spent + 1):
        answer = world.refresh(key(world), answer.refresh_token, at=number * step)
    return answer, spent * step


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


# ---------------------------------------------------------------------------------------------- modes and retries


def test_d1_rotating_returns_a_new_refresh_token_and_retires_the_old_one(world: World, token_format: str) -> None:
    terms(world, format=token_format, window=0)
    first = world.issue(key(world))
    second = world.refresh(key(world), first.refresh_token, at=1)
    assert second.refresh_token != first.refresh_token
    with pytest.raises(errors.RefreshTokenReused):
        world.refresh(key(world), first.refresh_token, at=2)


def test_d1_static_returns_the_same_refresh_token_and_count_and_deadline_move_on(
    world: World, token_format: str
) -> None:
    terms(world, format=token_format, mode="static")
    first = world.issue(key(world))
    for number, moment in enumerate((100, 200, 300), start=1):
        answer = world.refresh(key(world), first.refresh_token, at=moment)
        assert answer.refresh_token == first.refresh_token
        assert RefreshKey.objects.get().expires_at == later(moment + 180)
        assert TokenFamily.objects.get().sequence == number
    with pytest.raises(errors.RefreshCountExceeded):
        world.refresh(key(world), first.refresh_token, at=301)


def test_d1_static_each_accepted_call_counts_also_inside_a_retry_window(world: World, token_format: str) -> None:
    terms(world, format=token_format, mode="static", window=10)
    first = world.issue(key(world))
    answers = [world.refresh(key(world), first.refresh_token, at=1) for _ in range(3)]
    assert len({answer.access_token for answer in answers}) == 3
    with pytest.raises(errors.RefreshCountExceeded):
        world.refresh(key(world), first.refresh_token, at=1)


def _claims(raw: str) -> dict[str, Any]:
    import jwt

    found: dict[str, Any] = jwt.decode(raw, options={"verify_signature": False})
    return found


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_d2_a_lost_answer_is_given_again_byte_for_byte_without_counting(
    world: World, token_format: str, algorithm: str
) -> None:
    signing.rotate(world.test, by="test", algorithm=algorithm, at=START)
    terms(world, format=token_format, count=1)
    first = world.issue(key(world))
    answer = world.refresh(key(world), first.refresh_token, at=5)
    before = everything()
    for moment in (5, 6, 14.9):
        again = world.refresh(key(world), first.refresh_token, at=moment)
        assert again.refresh_token == answer.refresh_token
        assert again.scope == answer.scope
        assert again.expires_in == 65 - int(moment + 0.999)  # what remains
        if token_format == "jwt" and algorithm == "ES256":  # only a randomised signature may differ
            assert again.access_token.rpartition(".")[0] == answer.access_token.rpartition(".")[0]
            assert _claims(again.access_token) == _claims(answer.access_token)
        else:
            assert again.access_token == answer.access_token
        assert world.good(again, at=moment)
    assert everything() == before
    assert [row.reason for row in world.log()[-3:]] == ["retry"] * 3


def test_d2_nothing_in_clear_is_stored_for_the_retry(world: World) -> None:
    terms(world)
    first = world.issue(key(world))
    answer = world.refresh(key(world), first.refresh_token, at=5)
    stored = repr(everything()) + repr([vars(row) for row in world.log()])
    for raw in (first.access_token, first.refresh_token, answer.access_token, answer.refresh_token):
        assert raw is not None
        assert raw[6:40] not in stored


def test_d2_the_retry_is_answered_although_the_predecessor_has_expired_meanwhile(
    world: World, token_format: str
) -> None:
    terms(world, refresh=60, format=token_format)
    first = world.issue(key(world))
    answer = world.refresh(key(world), first.refresh_token, at=59)
    assert world.refresh(key(world), first.refresh_token, at=62).refresh_token == answer.refresh_token


def test_d2_after_the_window_the_family_is_revoked_as_reused_and_that_is_logged(
    world: World, token_format: str
) -> None:
    terms(world, format=token_format)
    first = world.issue(key(world))
    answer = world.refresh(key(world), first.refresh_token, at=5)
    with pytest.raises(errors.RefreshTokenReused):
        world.refresh(key(world), first.refresh_token, at=15)
    family = TokenFamily.objects.get()
    assert (family.revoked_at, family.revoked_because) == (later(15), "refresh_token_reused")
    assert world.log()[-1].reason == "refresh_token_reused"
    assert world.verify(answer, at=16).reason == "token_revoked"
    assert world.verify(first, at=16).reason == "token_revoked"
    with pytest.raises(errors.RefreshTokenRevoked):
        world.refresh(key(world), answer.refresh_token, at=16)


def test_d2_anything_older_than_the_direct_predecessor_is_reuse_also_inside_the_window(
    world: World, token_format: str
) -> None:
    terms(world, format=token_format, window=100)
    first = world.issue(key(world))
    second = world.refresh(key(world), first.refresh_token, at=1)
    world.refresh(key(world), second.refresh_token, at=2)
    assert world.refresh(key(world), second.refresh_token, at=3).access_token
    with pytest.raises(errors.RefreshTokenReused):
        world.refresh(key(world), first.refresh_token, at=4)


def test_d2_a_retired_token_whose_own_lifetime_has_passed_revokes_nothing(world: World, token_format: str) -> None:
    terms(world, format=token_format)
    first = world.issue(key(world))
    second = world.refresh(key(world), first.refresh_token, at=100)
    with pytest.raises(errors.RefreshTokenExpired):
        world.refresh(key(world), first.refresh_token, at=180)
    assert world.refresh(key(world), second.refresh_token, at=181).access_token


def test_d2_a_server_whose_hash_key_was_replaced_still_gives_the_lost_answer(world: World, settings) -> None:
    terms(world)
    first = world.issue(key(world))
    answer = world.refresh(key(world), first.refresh_token, at=5)
    settings.TOKEN_HASH_KEYS = [b"\x07" * 32, *settings.TOKEN_HASH_KEYS]
    again = world.refresh(key(world), first.refresh_token, at=6)
    assert again == TokenAnswer(answer.access_token, 59, answer.scope, answer.refresh_token)
    assert world.good(again, at=6)
    assert world.refresh(key(world), again.refresh_token, at=20).access_token


def test_d2_nobody_can_derive_the_successor_without_the_servers_key_i16(world: World) -> None:
    terms(world)
    first = world.issue(key(world))
    assert first.refresh_token is not None
    context = f"{TokenFamily.objects.get().pk}:1"
    answer = world.refresh(key(world), first.refresh_token, at=5)
    guessed = secrets.derive(secrets.REFRESH_TOKEN, predecessor=first.refresh_token, context=context, key=b"\x00" * 32)
    assert guessed != answer.refresh_token


@pytest.mark.parametrize("mode", ["rotating", "static"])
def test_d3_refresh_n_succeeds_with_a_refresh_token_and_n_plus_1_clears_the_handle_only(
    world: World, token_format: str, mode: str
) -> None:
    terms(world, count=1, format=token_format, mode=mode)
    first = world.issue(key(world))
    last = world.refresh(key(world), first.refresh_token, at=1)
    assert last.refresh_token
    before = family_row()
    with pytest.raises(errors.RefreshCountExceeded):
        world.refresh(key(world), last.refresh_token, at=2)
    after = family_row()
    assert {name for name in after if after[name] != before[name]} == {"exhausted_at"}
    assert world.good(last, at=3)


def test_d3_only_successes_count(world: World, token_format: str) -> None:
    terms(world, count=2, format=token_format)
    answer = world.issue(key(world))
    for _ in range(3):
        with pytest.raises(ClientAuthenticationFailed):
            world.refresh(Client(key(world).client_id, "wrong"), answer.refresh_token, at=1)
        with pytest.raises(errors.InvalidScope):
            world.refresh(key(world), answer.refresh_token, at=1, scope="admin")
        with pytest.raises(errors.TokenNotFound):
            world.refresh(world.key_of(world.billing), answer.refresh_token, at=1)
    assert TokenFamily.objects.get().sequence == 0
    for moment in (2, 3):
        answer = world.refresh(key(world), answer.refresh_token, at=moment)


def test_d3_an_empty_count_is_unlimited(world: World) -> None:
    terms(world, count=None)
    answer = world.issue(key(world))
    for moment in range(1, 60):
        answer = world.refresh(key(world), answer.refresh_token, at=moment * 100)
    assert TokenFamily.objects.get().sequence == 59


def test_d3_an_exhausted_token_that_comes_again_is_not_theft(world: World, token_format: str) -> None:
    terms(world, format=token_format)
    answer, now = used_up(world)
    with pytest.raises(errors.RefreshCountExceeded):
        world.refresh(key(world), answer.refresh_token, at=now + 1)
    for moment in (2, 20, 40):
        with pytest.raises(errors.TokenNotFound):
            world.refresh(key(world), answer.refresh_token, at=now + moment)
    assert TokenFamily.objects.get().revoked_at is None
    assert world.good(answer, at=now + 50)


def test_d4_rotated_exhausted_and_revoked_are_three_different_ends(world: World, token_format: str) -> None:
    terms(world, count=1, window=0, format=token_format)
    rotated, exhausted, revoked, expired = (world.issue(key(world)) for _ in range(4))
    world.refresh(key(world), rotated.refresh_token, at=1)
    spent = world.refresh(key(world), exhausted.refresh_token, at=1)
    with pytest.raises(errors.RefreshCountExceeded):
        world.refresh(key(world), spent.refresh_token, at=2)
    assert revoked.refresh_token is not None
    lifecycle.revoke(key(world), revoked.refresh_token, request=REQUEST, at=later(1))
    ends: list[tuple[str | None, float, type[errors.TokenError]]] = [
        (rotated.refresh_token, 3, errors.RefreshTokenReused),
        (spent.refresh_token, 3, errors.TokenNotFound),
        (revoked.refresh_token, 3, errors.RefreshTokenRevoked),
        (expired.refresh_token, 180, errors.RefreshTokenExpired),
    ]
    for raw, moment, refusal in ends:
        with pytest.raises(refusal):
            world.refresh(key(world), raw, at=moment)


def test_d5_switching_refresh_off_or_suspending_the_policy_refuses_refresh_at_once(
    world: World, token_format: str
) -> None:
    terms(world, format=token_format)
    first = world.issue(key(world))
    world.policy(world.orders, access=60, refresh_allowed=False, format=token_format)
    with pytest.raises(errors.RefreshNotAllowed):
        world.refresh(key(world), first.refresh_token, at=1)
    assert world.good(first, at=1)
    terms(world, format=token_format)
    second = world.refresh(key(world), first.refresh_token, at=2)
    policy = TokenPolicy.objects.get(proxy=world.orders)
    policies.suspend(policy, by="test", at=START)
    for raw in (first.refresh_token, second.refresh_token):  # the retry of the first as well
        with pytest.raises(errors.RefreshNotAllowed):
            world.refresh(key(world), raw, at=3)
    policies.resume(policy, by="test", at=START)
    assert world.refresh(key(world), second.refresh_token, at=4).access_token


def test_d6_an_explicit_revocation_ends_every_jwt_copy_at_once(world: World) -> None:
    terms(world, format="jwt")
    first = world.issue(key(world))
    second = world.refresh(key(world), first.refresh_token, at=1)
    assert world.good(first, at=2)
    lifecycle.revoke_family(TokenFamily.objects.get(), by="admin", because="test", request=REQUEST, at=later(3))
    for token in (first, second):
        assert world.verify(token, at=4).reason == "token_revoked"
        told = lifecycle.introspect(key(world), token.access_token, request=REQUEST, at=later(4))
        assert told == {"active": False}


def test_d7_refresh_state_is_in_the_database_for_jwt_families_too(world: World) -> None:
    terms(world, format="jwt")
    first = world.issue(key(world))
    world.refresh(key(world), first.refresh_token, at=1)
    family = TokenFamily.objects.get()
    assert (family.token_format, family.sequence) == ("jwt", 1)
    rows = RefreshKey.objects.order_by("sequence").values_list("sequence", "parent__sequence")
    assert list(rows) == [(0, None), (1, 0)]
    assert first.refresh_token is not None
    assert RefreshKey.objects.get(sequence=0).token_hash == secrets.digest(first.refresh_token)


@pytest.mark.parametrize("mode", ["rotating", "static"])
def test_d9_past_the_end_of_the_family_every_refresh_is_expired(world: World, token_format: str, mode: str) -> None:
    terms(world, count=None, family=200, format=token_format, mode=mode)
    answer = world.issue(key(world))
    answer = world.refresh(key(world), answer.refresh_token, at=100)
    answer = world.refresh(key(world), answer.refresh_token, at=170)
    assert answer.expires_in == 30
    assert world.good(answer, at=199)
    assert not world.good(answer, at=200)
    for moment in (200, 201, 300):
        with pytest.raises(errors.RefreshTokenExpired):
            world.refresh(key(world), answer.refresh_token, at=moment)


def test_d10_a_refused_client_does_not_use_the_token_up(world: World, token_format: str) -> None:
    terms(world, format=token_format)
    first = world.issue(key(world))
    before = everything()
    with pytest.raises(ClientAuthenticationFailed):
        world.refresh(Client(key(world).client_id, "wrong"), first.refresh_token, at=1)
    assert everything() == before
    assert world.refresh(key(world), first.refresh_token, at=2).access_token


def test_d10_a_foreign_token_is_not_found_and_not_used_up_also_where_it_was_spent(world: World) -> None:
    terms(world)
    first = world.issue(key(world))
    with pytest.raises(errors.TokenNotFound):
        world.refresh(world.key_of(world.billing), first.refresh_token, at=1)
    second = world.refresh(key(world), first.refresh_token, at=2)
    with pytest.raises(errors.TokenNotFound):  # not reused: a foreigner must not be able to revoke a family
        world.refresh(world.key_of(world.billing), first.refresh_token, at=50)
    assert world.refresh(key(world), second.refresh_token, at=51).access_token


def test_d10_in_another_environment_the_token_is_not_found(world: World) -> None:
    terms(world)
    first = world.issue(key(world))
    with pytest.raises(errors.TokenNotFound):
        world.refresh(key(world), first.refresh_token, at=1, environment="live")
    assert world.refresh(key(world), first.refresh_token, at=2).access_token


def test_d10_the_order_of_checks_end_to_end(world: World, token_format: str) -> None:
    """Every fault at once, and then taken away one by one: what is left is always the next of D10's order."""
    terms(world, count=1, refresh=20, format=token_format)
    credential = world.credentials["orders"]
    first = world.issue(key(world))
    answer = world.refresh(key(world), first.refresh_token, at=15)
    policy = TokenPolicy.objects.get(proxy=world.orders)
    policies.suspend(policy, by="test", at=START)
    clients.deactivate(credential, by="test", at=START)
    family = TokenFamily.objects.get()
    TokenFamily.objects.update(revoked_at=START)
    raw = first.refresh_token

    def refused_as(refusal: type[Exception], client: Client, raw: str | None, at: float) -> None:
        with pytest.raises(refusal):
            world.refresh(client, raw, at=at)

    refused_as(ClientAuthenticationFailed, Client(key(world).client_id, "wrong"), raw, 22)
    refused_as(errors.TokenNotFound, world.key_of(world.billing), raw, 22)
    refused_as(errors.RefreshTokenRevoked, key(world), raw, 22)
    TokenFamily.objects.filter(pk=family.pk).update(revoked_at=None)
    refused_as(errors.RefreshNotAllowed, key(world), raw, 22)
    policies.resume(policy, by="test", at=START)
    refused_as(errors.CredentialInactive, key(world), raw, 22)
    clients.reactivate(credential, by="test", at=START)
    again = world.refresh(key(world), raw, at=22)  # the retry, before the expiry at 20
    assert again.refresh_token == answer.refresh_token
    refused_as(errors.RefreshTokenExpired, key(world), raw, 25)  # expired before reused
    assert TokenFamily.objects.get().revoked_at is None
    refused_as(errors.RefreshTokenExpired, key(world), answer.refresh_token, 35)  # expired before count
    refused_as(errors.RefreshCountExceeded, key(world), answer.refresh_token, 34)


def test_d10_a_revoked_family_never_answers_a_retry(world: World, token_format: str) -> None:
    terms(world, format=token_format)
    first = world.issue(key(world))
    world.refresh(key(world), first.refresh_token, at=1)
    lifecycle.revoke_family(TokenFamily.objects.get(), by="admin", because="test", request=REQUEST, at=later(2))
    with pytest.raises(errors.RefreshTokenRevoked):
        world.refresh(key(world), first.refresh_token, at=2)


@pytest.mark.parametrize("event", ["undeployed", "key changed", "inactive", "expired"])
def test_d10_an_invalid_holder_refuses_the_refresh_and_uses_nothing_up(
    world: World, token_format: str, event: str
) -> None:
    terms(world, format=token_format)
    client, credential = key(world), world.credentials["orders"]
    first = world.issue(client)
    refusal: type[errors.TokenError]
    if event == "undeployed":
        deployment.undeploy(world.orders, world.test, by="test", at=START)
        refusal = errors.HolderUndeployed
    elif event == "key changed":
        client = Client(client.client_id, clients.change_key(credential, by="test", at=START))
        refusal = errors.HolderKeyChanged
    elif event == "inactive":
        clients.deactivate(credential, by="test", at=START)
        refusal = errors.CredentialInactive
    else:
        clients.change_credential(credential, by="test", at=START, expires_on=date(2026, 1, 1))
        refusal = errors.CredentialExpired
    before = everything()
    with pytest.raises(refusal):
        world.refresh(client, first.refresh_token, at=1)
    assert everything() == before
    assert world.log()[-1].reason == refusal.code


def test_d15_nothing_refreshes_a_token_that_never_expires(world: World, token_format: str) -> None:
    world.policy(world.orders, format=token_format, never_expires=True)
    token = world.issue(key(world))
    with pytest.raises(errors.WrongTokenKind):
        world.refresh(key(world), token.access_token, at=1)


def test_d23_expires_in_is_in_whole_seconds_at_every_refresh(world: World, token_format: str) -> None:
    terms(world, format=token_format)
    first = world.issue(key(world))
    for raw, moment in ((first.refresh_token, 0.3), (first.refresh_token, 5.123_456)):
        told = world.refresh(key(world), raw, at=moment).as_json()["expires_in"]
        assert type(told) is int


def test_d24_each_refresh_granted_refused_or_answered_again_leaves_exactly_one_row(
    world: World, token_format: str
) -> None:
    terms(world, count=1, format=token_format)
    first = world.issue(key(world))
    answer = world.refresh(key(world), first.refresh_token, at=1)
    world.refresh(key(world), first.refresh_token, at=2)
    with pytest.raises(errors.RefreshCountExceeded):
        world.refresh(key(world), answer.refresh_token, at=3)
    with pytest.raises(errors.TokenNotFound):
        world.refresh(key(world), answer.refresh_token, at=4)
    told = [(row.action, row.outcome, row.reason) for row in world.log()]
    assert told == [
        ("issue", "granted", ""),
        ("refresh", "granted", ""),
        ("refresh", "granted", "retry"),
        ("refresh", "refused", "refresh_count_exceeded"),
        ("refresh", "refused", "token_not_found"),
    ]
    stored = repr([vars(row) for row in world.log()])
    for raw in (first.access_token, first.refresh_token, answer.access_token, answer.refresh_token):
        assert raw is not None
        assert raw not in stored


def test_d37_an_access_token_cannot_refresh_nor_anything_of_another_kind(world: World, token_format: str) -> None:
    terms(world, format=token_format)
    token = world.issue(key(world))
    for raw in (token.access_token, key(world).secret, secrets.make(secrets.CONNECTION_TOKEN), "a.b.c"):
        with pytest.raises(errors.WrongTokenKind):
            world.refresh(key(world), raw, at=1)
    answer = call(
        "/oauth2/token", {"grant_type": "refresh_token", "refresh_token": token.access_token}, client=key(world)
    )
    assert (answer.status, answer.json["error"]) == (400, "invalid_grant")
    assert answer.json["error_code"] == "wrong_token_kind"


def test_d37_a_refresh_token_opens_no_api(world: World, token_format: str) -> None:
    terms(world, format=token_format)
    token = world.issue(key(world))
    assert token.refresh_token is not None
    assert world.verify(token.refresh_token, at=1).reason == "wrong_token_kind"


def test_d39_a_refresh_may_narrow_and_never_widen(world: World, token_format: str) -> None:
    terms(world, count=None, format=token_format)
    token = world.issue(key(world), scope="read")
    with pytest.raises(errors.InvalidScope):
        world.refresh(key(world), token.refresh_token, at=1, scope="read write")
    full = world.issue(key(world))
    narrow = world.refresh(key(world), full.refresh_token, at=1, scope="read")
    assert narrow.scope == "read"
    assert world.verify(narrow, at=1).scopes == "read"
    # What was granted at issue can be had again: narrowing concerns one access token (RFC 6749 section 6).
    assert world.refresh(key(world), narrow.refresh_token, at=2).scope == "read write"


def test_d39_a_refresh_gives_no_scope_that_is_not_granted_any_more(world: World, token_format: str) -> None:
    terms(world, count=None, format=token_format)
    token = world.issue(key(world))
    catalogue.change_proxy(world.orders, by="test", at=START, scopes="read other")
    answer = world.refresh(key(world), token.refresh_token, at=1)
    assert answer.scope == "read"
    with pytest.raises(errors.InvalidScope):
        world.refresh(key(world), answer.refresh_token, at=2, scope="write")
