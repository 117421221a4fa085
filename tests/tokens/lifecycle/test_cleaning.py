"""Clean: what is past goes, what anybody may still need stays (D17, I11)."""

import tracemalloc
from itertools import pairwise
from typing import Any

import pytest

from bench import cleaning_rows
from credentials.errors import CredentialError
from tests.world import REQUEST, World, later
from tokens import errors, lifecycle, signing
from tokens.lifecycle import Client
from tokens.lifecycle.cleaning import Size
from tokens.models import IssuedToken, RefreshKey, TokenFamily, TokenRequestLog

HOUR = 3_600
DAY = 86_400
RETENTION = 30 * DAY
LONG_PAST = 400 * DAY


def key(world: World) -> Client:
    return world.key_of(world.orders)


def terms(world: World, access: int = 60, refresh: int = 180, count: int | None = 3, **more: Any) -> None:
    world.policy(world.orders, access=access, refresh=refresh, count=count, **more)


def left() -> tuple[int, int, int]:
    return IssuedToken.objects.count(), RefreshKey.objects.count(), TokenFamily.objects.count()


def clean(at: float, **more: Any) -> lifecycle.Cleaned:
    return lifecycle.clean(at=later(at), **more)


def test_s0_4_expired_tokens_are_removed_and_live_ones_are_not(world: World, token_format: str) -> None:
    terms(world, format=token_format)
    world.issue(key(world))
    live = world.issue(key(world), at=DAY)
    done = clean(DAY + 1)
    assert (done.tokens, done.refresh_keys, done.families) == (1, 1, 1)
    assert left() == (1, 1, 1)
    assert world.good(live, at=DAY + 2)
    assert world.refresh(key(world), live.refresh_token, at=DAY + 3).access_token


def test_s0_4_it_runs_periodically(settings) -> None:
    assert 0 < settings.JOB_EVERY_SECONDS["clean_tokens"] <= HOUR


@pytest.mark.parametrize("never", [True, False])
def test_s0_6_no_cleaning_touches_the_request_log(world: World, token_format: str, *, never: bool) -> None:
    terms(world, format=token_format, never_expires=never)
    token = world.issue(key(world))
    if not never:
        world.refresh(key(world), token.refresh_token, at=1)
    with pytest.raises(CredentialError):
        world.issue(Client("nobody", "wrong"))
    lifecycle.revoke(key(world), token.access_token, request=REQUEST, at=later(2))
    before = list(TokenRequestLog.objects.order_by("id").values())
    clean(LONG_PAST)
    assert list(TokenRequestLog.objects.order_by("id").values()) == before
    assert left() == ((1, 0, 1) if never else (0, 0, 0))


@pytest.mark.parametrize("revoked", [True, False])
def test_d17_a_token_that_never_expires_is_never_cleaned(world: World, token_format: str, *, revoked: bool) -> None:
    terms(world, format=token_format, never_expires=True)
    token = world.issue(key(world))
    if revoked:
        lifecycle.revoke(key(world), token.access_token, request=REQUEST, at=later(1))
    clean(LONG_PAST * 100)
    assert left() == (1, 0, 1)
    assert world.good(token, at=LONG_PAST * 100) is not revoked


@pytest.mark.parametrize("mode", ["rotating", "static"])
@pytest.mark.parametrize(("access", "refresh"), [(60, 5 * HOUR), (5 * HOUR, 60)])
def test_d17_a_record_stays_until_its_access_part_and_its_refresh_part_are_both_past(
    world: World, token_format: str, access: int, refresh: int, mode: str
) -> None:
    terms(world, access=access, refresh=refresh, format=token_format, mode=mode)
    first = world.issue(key(world))
    world.refresh(key(world), first.refresh_token, at=30)
    records = left()
    clean(5 * HOUR - 1)
    if mode == "rotating" or access > refresh:
        assert left() == records
    else:
        assert left() == (1, 1, 1)  # the token that was replaced has no refresh part of its own
    clean(5 * HOUR + 31)
    assert left() == (0, 0, 0)


def test_d17_static_the_current_record_stays_however_often_it_was_refreshed(world: World, token_format: str) -> None:
    terms(world, access=60, refresh=2 * HOUR, count=None, mode="static", format=token_format)
    first = world.issue(key(world))
    for number in range(1, 6):
        world.refresh(key(world), first.refresh_token, at=number * HOUR)
        clean(number * HOUR + 70)
        assert IssuedToken.objects.filter(sequence=number).exists()
        assert left()[1:] == (1, 1)
    assert left()[0] <= 2  # and those before it do not pile up


def test_d17_static_a_refresh_key_stays_while_the_access_token_lives(world: World, token_format: str) -> None:
    terms(world, access=5 * HOUR, refresh=60, mode="static", format=token_format)
    first = world.issue(key(world))
    second = world.refresh(key(world), first.refresh_token, at=30)
    clean(4 * HOUR)
    assert world.good(second, at=4 * HOUR)
    with pytest.raises(errors.RefreshTokenExpired):
        world.refresh(key(world), first.refresh_token, at=4 * HOUR)


def test_d17_a_spent_key_stays_to_recognise_its_replay(world: World, token_format: str) -> None:
    terms(world, access=60, refresh=5 * HOUR, count=None, format=token_format)
    first = world.issue(key(world))
    second = world.refresh(key(world), first.refresh_token, at=1)
    world.refresh(key(world), second.refresh_token, at=4 * HOUR)
    clean(4 * HOUR + 100)
    with pytest.raises(errors.RefreshTokenReused):
        world.refresh(key(world), first.refresh_token, at=4 * HOUR + 101)


def test_d17_d2_a_record_stays_to_answer_a_retry_also_where_the_lifetimes_are_shorter_than_the_window(
    world: World, token_format: str
) -> None:
    terms(world, access=1, refresh=1, window=600, format=token_format)
    first = world.issue(key(world))
    answer = world.refresh(key(world), first.refresh_token, at=0.5)
    clean(100)
    assert world.refresh(key(world), first.refresh_token, at=101).refresh_token == answer.refresh_token


def test_d17_revoked_rows_are_kept_for_the_retention_and_then_purged(world: World, token_format: str) -> None:
    terms(world, format=token_format)
    by_family, by_token = world.issue(key(world)), world.issue(key(world))
    lifecycle.revoke(key(world), by_family.refresh_token or "", request=REQUEST, at=later(10))
    lifecycle.revoke(key(world), by_token.access_token, request=REQUEST, at=later(10))
    clean(RETENTION + 9)
    assert IssuedToken.objects.count() == 2
    assert TokenFamily.objects.filter(revoked_at__isnull=False).count() == 1
    clean(RETENTION + 10)
    assert left() == (0, 0, 0)


def test_d17_the_retention_is_a_setting(world: World, settings) -> None:
    terms(world)
    token = world.issue(key(world))
    lifecycle.revoke(key(world), token.access_token, request=REQUEST, at=later(10))
    settings.REVOKED_RETENTION_SECONDS = 60
    clean(HOUR + 200)
    assert left() == (0, 0, 0)


def test_d17_a_revoked_jti_stays_refused_while_its_jwt_could_be_shown(world: World) -> None:
    terms(world, access=90 * DAY, refresh=60, format="jwt")
    token = world.issue(key(world))
    lifecycle.revoke(key(world), token.access_token, request=REQUEST, at=later(10))
    clean(80 * DAY)  # long past the retention, but the claims are good
    assert world.verify(token, at=80 * DAY).reason == "token_revoked"
    clean(91 * DAY)
    assert world.verify(token, at=91 * DAY).reason == "token_expired"


def test_d41_a_cleaned_jwt_is_told_expired_and_an_opaque_token_not_found(world: World, token_format: str) -> None:
    terms(world, format=token_format)
    token = world.issue(key(world))
    clean(DAY)
    assert left() == (0, 0, 0)
    reason = "token_expired" if token_format == "jwt" else "token_not_found"
    assert world.verify(token, at=DAY).reason == reason
    with pytest.raises(errors.TokenNotFound):
        world.refresh(key(world), token.refresh_token, at=DAY)


@pytest.mark.parametrize("window", [1, 2, 3, 500])
def test_d17_windows_of_any_size_give_the_same_end(world: World, token_format: str, window: int) -> None:
    terms(world, count=None, format=token_format)
    for number in range(4):
        answer = world.issue(key(world), at=number)
        world.refresh(key(world), answer.refresh_token, at=100 + number)
    seen: list[int] = []
    done = clean(DAY, window=window, progress=seen.append)
    assert (done.tokens, done.refresh_keys, done.families) == (8, 8, 4)
    assert left() == (0, 0, 0)
    assert seen == sorted(seen)
    assert seen[-1] == done.seen == 16


def test_d17_rows_with_one_and_the_same_expiry_are_all_visited(world: World) -> None:
    terms(world)
    for _ in range(7):
        world.issue(key(world))
    assert clean(DAY, window=2).families == 7


def test_d13_a_signing_key_of_removed_tokens_can_retire_and_stays_as_a_record(world: World) -> None:
    terms(world, format="jwt")
    world.issue(key(world))
    signing.rotate(world.test, by="test", at=later(1))
    clean(DAY)
    assert signing.retire_due(at=later(DAY)) == 1


def test_i12_a_backlog_goes_in_small_steps_and_in_memory_that_does_not_grow_with_it(db: None) -> None:
    cleaning_rows.ours(6_000)
    peaks: list[int] = []
    steps: list[int] = []

    def told(seen: int) -> None:
        steps.append(seen)
        peaks.append(tracemalloc.get_traced_memory()[1])

    tracemalloc.start()
    try:
        done = lifecycle.clean(window=100, progress=told)
    finally:
        tracemalloc.stop()
    assert (done.tokens, done.refresh_keys, done.families) == (2_000, 2_000, 2_000)
    assert left() == (200, 200, 200), "a tenth lives"
    assert max(after - before for before, after in pairwise([0, *steps])) <= 100
    assert len(steps) >= 40
    assert peaks[-1] < peaks[4] + 120_000, "less than the ids alone would take"


def test_i12_windows_become_smaller_where_one_took_too_long() -> None:
    size = Size(1_000, patience=0)
    asked: list[int] = []
    for _ in range(6):
        size.timed(asked.append)
    assert asked == [1_000, 500, 250, 125, 125, 125]
    patient = Size(1_000, patience=60)
    patient.now = 300
    for _ in range(3):
        patient.timed(asked.append)
    assert asked[6:] == [300, 600, 1_000]
