"""The arithmetic of tokens as tables: lifetimes, scopes, and why a token is refused. No database, no clock."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tokens.facts import (
    INSTANT,
    NOW,
    OF_GROUP,
    SECOND,
    TODAY,
    TOMORROW,
    YESTERDAY,
    holder,
    own_credential,
    place,
    token,
)
from tokens import rules
from tokens.rules import Reason, Terms

# ---------------------------------------------------------------------------------------------- lifetimes

TABLE = [
    # L, R, N, documented lifetime, last possible end, gapless
    (60, 60, 3, 180, 240, 240),
    (60, 180, 3, 540, 600, 240),
    (60, 30, 3, 90, 150, 150),
    (60, 30, 1, 60, 90, 90),
    (60, None, 0, 60, 60, 60),
    (60, 60, 0, 60, 60, 60),
    (60, None, None, 60, 60, 60),
    (60, None, 3, 60, 60, 60),
    (60, 180, None, None, None, None),
    (None, None, None, None, None, None),
    (None, 180, 3, None, None, None),
]


@pytest.mark.parametrize(("access", "refresh", "count", "horizon", "end", "gapless"), TABLE)
def test_s0_18_s0_19_the_lifetimes_of_the_table(
    access: int | None,
    refresh: int | None,
    count: int | None,
    horizon: int | None,
    end: int | None,
    gapless: int | None,
) -> None:
    assert rules.renewal_horizon(access, refresh, count) == horizon
    assert rules.last_possible_end(access, refresh, count) == end
    assert rules.gapless_span(access, refresh, count) == gapless


def _lived(terms: Terms, pauses: list[float]) -> tuple[datetime, datetime]:
    """Refresh after each pause: when the last refresh happened, and when the last access token ended."""
    moment, deadline = NOW, rules.refresh_expiry(terms, NOW)
    for pause in pauses:
        moment += timedelta(seconds=pause)
        assert moment < deadline
        deadline = rules.refresh_expiry(terms, moment)
    end = rules.access_expiry(terms, moment)
    assert end is not None
    return moment, end


LIFETIME = st.integers(1, 10_000)


@given(LIFETIME, LIFETIME, st.integers(1, 8), st.data())
def test_s0_18_s0_19_no_way_to_refresh_outlives_the_bounds(access: int, refresh: int, count: int, data: Any) -> None:
    terms = Terms(access, refresh, count)
    pauses = data.draw(st.lists(st.floats(0, refresh * 0.999_99), min_size=0, max_size=count))
    last_refresh, end = _lived(terms, pauses)
    horizon = rules.renewal_horizon(access, refresh, count)
    bound = rules.last_possible_end(access, refresh, count)
    assert horizon is not None
    assert bound is not None
    assert (last_refresh - NOW).total_seconds() <= horizon
    assert (end - NOW).total_seconds() <= bound


@given(LIFETIME, LIFETIME, st.integers(1, 8))
def test_s0_18_s0_19_refreshing_at_the_last_moment_comes_as_near_to_the_bounds_as_one_likes(
    access: int, refresh: int, count: int
) -> None:
    last_refresh, end = _lived(Terms(access, refresh, count), [refresh - 0.000_001] * count)
    assert (last_refresh - NOW).total_seconds() == pytest.approx(count * refresh, abs=0.001)
    assert (end - NOW).total_seconds() == pytest.approx(count * refresh + access, abs=0.001)


@given(LIFETIME, st.none() | LIFETIME, st.none() | st.integers(0, 100))
def test_the_documented_lifetime_is_never_longer_than_the_last_end_nor_shorter_than_one_token(
    access: int, refresh: int | None, count: int | None
) -> None:
    horizon = rules.renewal_horizon(access, refresh, count)
    end = rules.last_possible_end(access, refresh, count)
    gapless = rules.gapless_span(access, refresh, count)
    if horizon is None or end is None or gapless is None:
        assert (horizon, end, gapless) == (None, None, None)
    else:
        assert access <= horizon <= end
        assert access <= gapless <= end


@given(LIFETIME, LIFETIME, st.integers(1, 5_000), st.integers(0, 5_000))
def test_d9_the_end_of_the_family_caps_both_lifetimes(access: int, refresh: int, family: int, passed: int) -> None:
    end = NOW + timedelta(seconds=family)
    terms = Terms(access, refresh, None, ends_at=end)
    now = NOW + timedelta(seconds=passed)
    assert rules.access_expiry(terms, now) == min(now + timedelta(seconds=access), end)
    assert rules.refresh_expiry(terms, now) == min(now + timedelta(seconds=refresh), end)


def test_d15_a_token_that_never_expires_has_no_end_and_no_refresh_token() -> None:
    assert rules.access_expiry(Terms(None, 180, 3), NOW) is None
    assert not Terms(None, 180, 3).refreshable
    assert Terms(60, 180, 3).refreshable
    assert not Terms(60, None, 3).refreshable


@pytest.mark.parametrize(
    ("remaining", "told"), [(60.0, 60), (59.999_999, 59), (0.5, 0), (0.0, 0), (-5.0, 0), (86_400.0, 86_400)]
)
def test_d23_expires_in_is_in_whole_seconds(remaining: float, told: int) -> None:
    answer = rules.remaining_seconds(NOW + timedelta(seconds=remaining), NOW)
    assert answer == told
    assert isinstance(answer, int)


def test_d23_expires_in_is_left_out_where_nothing_expires() -> None:
    assert rules.remaining_seconds(None, NOW) is None


# ---------------------------------------------------------------------------------------------- why a token is refused


def test_a_token_with_nothing_wrong_is_valid() -> None:
    assert rules.why_invalid(token(), holder(), NOW) is None
    assert rules.why_invalid(token(), own_credential(), NOW) is None


@pytest.mark.parametrize(
    ("moment", "reason"),
    [
        (NOW + 60 * SECOND - INSTANT, None),
        (NOW + 60 * SECOND, Reason.EXPIRED),
        (NOW + 60 * SECOND + INSTANT, Reason.EXPIRED),
        (NOW - 3600 * SECOND, None),
    ],
)
def test_d16_a_token_is_valid_while_now_is_before_its_expiry(moment: datetime, reason: Reason | None) -> None:
    assert rules.why_invalid(token(), holder(), moment) is reason


@given(st.integers(0, 10**9))
def test_s0_3_time_alone_never_ends_a_token_without_expiry(seconds: int) -> None:
    assert rules.why_invalid(token(expires_at=None), holder(), NOW + timedelta(seconds=seconds)) is None


TOKEN_FAULTS: list[tuple[dict[str, Any], dict[str, Any], Reason]] = [
    ({"token_revoked_at": NOW}, {}, Reason.REVOKED),
    ({}, {"family_revoked_at": NOW}, Reason.REVOKED),
    ({"expires_at": NOW}, {}, Reason.EXPIRED),
    ({"token_sequence": 0}, {"family_sequence": 1}, Reason.REPLACED),
    ({"token_key_ended_at": NOW}, {}, Reason.SIGNING_KEY_CHANGED),
    ({}, {"family_key_ended_at": NOW}, Reason.SIGNING_KEY_CHANGED),
    ({}, {"credential_archived_at": NOW}, Reason.CREDENTIAL_INACTIVE),
    ({}, {"credential_deactivated_at": NOW}, Reason.CREDENTIAL_INACTIVE),
    ({}, {"credential_expires_on": TODAY}, Reason.CREDENTIAL_EXPIRED),
    ({}, {"key_generation": 2}, Reason.HOLDER_KEY_CHANGED),
    ({}, {"undeployed_at": NOW, "deployment_generation": 2}, Reason.HOLDER_UNDEPLOYED),
    ({}, {"deployment_generation": 2}, Reason.HOLDER_UNDEPLOYED),
    ({}, {"target_mode": "credentials"}, Reason.MANAGEMENT_MISMATCH),
]


@pytest.mark.parametrize(("of_token", "of_holder", "reason"), TOKEN_FAULTS)
def test_d11_d26_each_fault_alone_ends_a_token(
    of_token: dict[str, Any], of_holder: dict[str, Any], reason: Reason
) -> None:
    assert rules.why_invalid(token(**of_token), holder(**of_holder), NOW) is reason


def test_faults_are_told_in_one_order_whatever_else_is_wrong() -> None:
    for first, (of_token, of_holder, reason) in enumerate(TOKEN_FAULTS):
        if "target_mode" in of_holder:
            continue
        merged_token, merged_holder = dict(of_token), dict(of_holder)
        for later_token, later_holder, _ in TOKEN_FAULTS[first + 1 :]:
            merged_token, merged_holder = later_token | merged_token, later_holder | merged_holder
        assert rules.why_invalid(token(**merged_token), holder(**merged_holder), NOW) is reason


OWN_FAULTS: list[tuple[dict[str, Any], Reason]] = [
    ({"credential_undeployed_at": NOW, "credential_deployment_generation": 2}, Reason.HOLDER_UNDEPLOYED),
    ({"credential_deployment_generation": 2}, Reason.HOLDER_UNDEPLOYED),
    ({"target_mode": "own"}, Reason.MANAGEMENT_MISMATCH),
    ({"grant_withdrawn_at": NOW}, Reason.NOT_GRANTED),
    ({"grant_expires_on": TODAY}, Reason.NOT_GRANTED),
    ({"grant_expires_on": YESTERDAY}, Reason.NOT_GRANTED),
    ({"grant_id": None}, Reason.NOT_GRANTED),
    ({"grant_scopes": None}, Reason.NOT_GRANTED),  # its row is gone, which nothing of ours does
]


@pytest.mark.parametrize(("changed", "reason"), OWN_FAULTS)
def test_d14_each_fault_of_a_credential_or_its_grant_ends_a_token(changed: dict[str, Any], reason: Reason) -> None:
    assert rules.why_invalid(token(), own_credential(**changed), NOW) is reason


def test_d14_a_day_is_reached_at_midnight_utc() -> None:
    assert not rules.reached(None, NOW)
    assert not rules.reached(TOMORROW, NOW)
    assert rules.reached(TODAY, NOW)
    midnight = datetime(2026, 1, 2, tzinfo=UTC)
    assert not rules.reached(TOMORROW, midnight - INSTANT)
    assert rules.reached(TOMORROW, midnight)
    assert rules.why_invalid(token(), own_credential(grant_expires_on=TOMORROW), NOW) is None


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({}, None),
        ({"user_is_active": False}, Reason.USER_INACTIVE),
        ({"user_generation": 2}, Reason.USER_CHANGED),
    ],
)
def test_d31_a_user_who_left_or_changed_the_password_ends_a_token(
    changed: dict[str, Any], reason: Reason | None
) -> None:
    facts = holder(
        **{
            "credential_id": None,
            "client_id": None,
            "bound_proxy_id": None,
            "proxy_id": None,
            "target_mode": None,
            "deployment_id": None,
            "user_id": 9,
            "username": "ada",
            "user_is_active": True,
            "user_generation": 1,
            "issued_user_generation": 1,
            **changed,
        }
    )
    assert rules.why_invalid(token(), facts, NOW) is reason


@pytest.mark.parametrize(
    ("token_sequence", "family_sequence", "token_format", "reason"),
    [
        (0, 0, "opaque", None),
        (0, 1, "opaque", Reason.REPLACED),
        (1, 1, "opaque", None),
        (0, 1, "jwt", None),
        (0, 3, "jwt", None),
    ],
)
def test_d6_a_refresh_ends_an_opaque_token_and_leaves_a_jwt(
    token_sequence: int, family_sequence: int, token_format: str, reason: Reason | None
) -> None:
    shown = token(token_sequence=token_sequence, token_format=token_format)
    assert rules.why_invalid(shown, holder(family_sequence=family_sequence), NOW) is reason


@pytest.mark.parametrize(
    ("family", "where", "reason"),
    [
        ({}, {}, None),
        ({}, {"proxy_id": 2}, Reason.WRONG_PROXY),
        ({}, {"proxy_id": 2, "is_member": True}, Reason.WRONG_PROXY),
        (OF_GROUP, {"is_member": True}, None),
        (OF_GROUP, {"is_member": False}, Reason.WRONG_PROXY),
        (OF_GROUP, {"is_member": True, "member_undeployed_at": NOW}, Reason.MEMBER_UNDEPLOYED),
        (OF_GROUP, {"is_member": True, "member_deployment_id": None}, Reason.MEMBER_UNDEPLOYED),
        (OF_GROUP, {"is_member": True, "archived_at": NOW}, Reason.MEMBER_UNDEPLOYED),
        ({"proxy_id": None, "group_id": None}, {"is_member": True}, Reason.WRONG_PROXY),
    ],
)
def test_s0_21_s0_22_where_a_valid_token_is_good(
    family: dict[str, Any], where: dict[str, Any], reason: Reason | None
) -> None:
    assert rules.why_not_here(holder(**family), place(**where)) is reason
