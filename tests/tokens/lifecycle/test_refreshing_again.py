"""Refresh: the two modes, lost answers, reuse, and the count (D1-D4)."""

from typing import Any

import pytest

from credentials import secrets
from credentials.errors import ClientAuthenticationFailed
from tests.tokens.lifecycle.refreshed import everything, family_row, key, terms, used_up
from tests.world import REQUEST, START, World, later
from tokens import errors, lifecycle, signing
from tokens.lifecycle import Client, TokenAnswer
from tokens.models import RefreshKey, TokenFamily

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
