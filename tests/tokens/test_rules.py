"""The arithmetic of tokens as tables. No database, no clock."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokens import rules
from tokens.rules import HolderFacts, PlaceFacts, Reason, RefreshFacts, RefreshOutcome, Terms, TokenFacts

NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
INSTANT = timedelta(microseconds=1)
YESTERDAY = date(2025, 12, 31)
TODAY = date(2026, 1, 1)
TOMORROW = date(2026, 1, 2)


def holder(**changed: Any) -> HolderFacts:
    """A family of the key of proxy 1, with nothing wrong."""
    facts: dict[str, Any] = dict.fromkeys(HolderFacts._fields)
    facts |= {
        "family_id": 1,
        "kind": "client",
        "environment_id": 1,
        "environment_slug": "test",
        "environment_is_default": True,
        "family_sequence": 0,
        "family_scopes": "read write",
        "audience": "https://orders.example/api",
        "credential_id": 7,
        "client_id": "client-7",
        "bound_proxy_id": 1,
        "key_generation": 1,
        "issued_key_generation": 1,
        "proxy_id": 1,
        "target_slug": "orders",
        "target_mode": "own",
        "target_scopes": "read write",
        "deployment_id": 3,
        "deployment_generation": 1,
        "issued_deployment_generation": 1,
        "family_key_id": None,
    }
    return HolderFacts(**{**facts, **changed})


def own_credential(**changed: Any) -> HolderFacts:
    """A family of a credential of its own that is granted proxy 1."""
    terms = {
        "bound_proxy_id": None,
        "target_mode": "credentials",
        "credential_deployment_id": 4,
        "credential_deployment_generation": 1,
        "issued_credential_deployment_generation": 1,
        "grant_id": 5,
        "grant_scopes": "",
    }
    return holder(**{**terms, **changed})


def token(**changed: Any) -> TokenFacts:
    facts: dict[str, Any] = {
        "token_id": 1,
        "jti": "a",
        "token_format": "opaque",
        "token_sequence": 0,
        "token_scopes": "read write",
        "issued_at": NOW,
        "expires_at": NOW + 60 * SECOND,
        "token_revoked_at": None,
        "token_key_ended_at": None,
    }
    return TokenFacts(**{**facts, **changed})


def key(**changed: Any) -> RefreshFacts:
    facts: dict[str, Any] = {
        "key_id": 1,
        "key_jti": "k",
        "key_sequence": 0,
        "key_expires_at": NOW + 180 * SECOND,
        "key_revoked_at": None,
        "first_used_at": None,
        "successor_hash": None,
        "terms": Terms(60, 180, 3),
        "policy_allows": True,
    }
    return RefreshFacts(**{**facts, **changed})


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


# ---------------------------------------------------------------------------------------------- scopes


@pytest.mark.parametrize(
    ("defined", "granted", "asked", "got"),
    [
        ("read write", "", None, "read write"),
        ("read write", "", "", "read write"),
        ("read write", "", "read", "read"),
        ("read write", "", "write read", "read write"),
        ("read write", "", "read admin", None),
        ("read write", "", "READ", None),
        ("read write", "read", None, "read"),
        ("read write", "read", "write", None),
        ("read write", "other", None, None),
        ("", "", None, "access"),
        ("", "", "access", "access"),
        ("", "", "read", None),
        ("read", "read gone", None, "read"),
    ],
)
def test_d39_the_scopes_a_request_gets(defined: str, granted: str, asked: str | None, got: str | None) -> None:
    scopes = rules.requested_scopes(asked, rules.granted_scopes(defined, granted))
    assert (None if scopes is None else rules.scope_text(scopes)) == got


SCOPES = st.lists(st.sampled_from(["a", "b", "c", "d", "access"]), unique=True).map(" ".join)


@given(SCOPES, SCOPES, SCOPES)
def test_d39_nobody_gets_more_than_is_defined_and_granted(defined: str, granted: str, asked: str) -> None:
    available = rules.granted_scopes(defined, granted)
    assert available <= rules.defined_scopes(defined)
    got = rules.requested_scopes(asked, available)
    assert got is None or (got <= available and got)


@given(SCOPES, SCOPES, SCOPES)
def test_d39_what_counts_at_use_is_the_tokens_scopes_and_the_grants_of_now_together(
    held: str, defined: str, granted: str
) -> None:
    use = rules.scopes_in_use(held, own_credential(target_scopes=defined, grant_scopes=granted))
    assert use <= rules.scope_set(held)
    assert use <= rules.granted_scopes(defined, granted)


@pytest.mark.parametrize(
    ("held", "required", "match", "enough"),
    [
        ("read", "", "all", True),
        ("read", "", "any", True),
        ("read write", "read write", "all", True),
        ("read", "read write", "all", False),
        ("read", "read write", "any", True),
        ("other", "read write", "any", False),
        ("", "read", "all", False),
    ],
)
def test_s0_2_scopes_are_compared_all_or_any(held: str, required: str, match: str, *, enough: bool) -> None:
    assert rules.covers(rules.scope_set(held), rules.scope_set(required), match) is enough


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


def place(**changed: Any) -> PlaceFacts:
    facts: dict[str, Any] = {
        "proxy_id": 1,
        "required_scopes": "",
        "required_match": "all",
        "accept_token_in_url": False,
        "archived_at": None,
        "is_member": False,
        "member_deployment_id": 3,
        "member_undeployed_at": None,
    }
    return PlaceFacts(**{**facts, **changed})


OF_GROUP = {"proxy_id": None, "group_id": 2}


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


# ---------------------------------------------------------------------------------------------- refresh

# Everything that can be wrong, in D10's order. Each line alone gives its outcome; so does each with all that follow.
USED = {"key_sequence": 0, "first_used_at": NOW - 5 * SECOND, "successor_hash": "x"}
ORDER: list[tuple[str, dict[str, Any], dict[str, Any], RefreshOutcome]] = [
    ("revoked", {}, {"family_revoked_at": NOW}, RefreshOutcome.REVOKED),
    ("switched off", {"policy_allows": False}, {}, RefreshOutcome.NOT_ALLOWED),
    ("holder", {}, {"key_generation": 2}, RefreshOutcome.HOLDER_INVALID),
    ("retry", USED, {"family_sequence": 1}, RefreshOutcome.SAME_ANSWER),
    ("expired", {"key_expires_at": NOW}, {}, RefreshOutcome.EXPIRED),
    ("reused", {**USED, "first_used_at": NOW - 10 * SECOND}, {"family_sequence": 1}, RefreshOutcome.REUSED),
    ("count", {}, {"family_sequence": 3}, RefreshOutcome.BUDGET_SPENT),
]


@pytest.mark.parametrize("first", range(len(ORDER)), ids=[line[0] for line in ORDER])
def test_d10_the_order_of_checks(first: int) -> None:
    name, of_key, of_holder, outcome = ORDER[first]
    alone = {**of_key, "key_sequence": 3} if name == "count" else of_key
    assert rules.decide_refresh(key(**alone), holder(**of_holder), True, NOW).outcome is outcome
    merged_key, merged_holder = dict(of_key), dict(of_holder)
    for _, later_key, later_holder, _ in ORDER[first + 1 :]:
        merged_key, merged_holder = later_key | merged_key, later_holder | merged_holder
    if name == "count":
        merged_key["key_sequence"] = 3
    assert rules.decide_refresh(key(**merged_key), holder(**merged_holder), True, NOW).outcome is outcome


def test_d10_a_foreign_key_is_unknown_whatever_else_is_wrong_with_it() -> None:
    for _, of_key, of_holder, _ in ORDER:
        found = rules.decide_refresh(key(**of_key), holder(**of_holder), False, NOW)
        assert found.outcome is RefreshOutcome.UNKNOWN


def test_d10_a_good_key_is_granted_and_an_invalid_holder_is_named() -> None:
    assert rules.decide_refresh(key(), holder(), True, NOW).outcome is RefreshOutcome.GRANT
    decision = rules.decide_refresh(key(), holder(undeployed_at=NOW, deployment_generation=2), True, NOW)
    assert (decision.outcome, decision.reason) == (RefreshOutcome.HOLDER_INVALID, Reason.HOLDER_UNDEPLOYED)


@pytest.mark.parametrize(
    ("after", "outcome"),
    [
        (timedelta(0), RefreshOutcome.SAME_ANSWER),
        (10 * SECOND - INSTANT, RefreshOutcome.SAME_ANSWER),
        (10 * SECOND, RefreshOutcome.REUSED),
        (179 * SECOND, RefreshOutcome.REUSED),
        (180 * SECOND, RefreshOutcome.EXPIRED),
    ],
)
def test_d2_the_window_counts_from_first_use_and_then_the_key_is_reused_until_its_own_end(
    after: timedelta, outcome: RefreshOutcome
) -> None:
    shown = key(first_used_at=NOW, successor_hash="x")
    assert rules.decide_refresh(shown, holder(family_sequence=1), True, NOW + after).outcome is outcome


def test_d2_the_retry_is_answered_before_the_expiry_check() -> None:
    shown = key(first_used_at=NOW, successor_hash="x", key_expires_at=NOW + SECOND)
    found = rules.decide_refresh(shown, holder(family_sequence=1), True, NOW + 5 * SECOND)
    assert found.outcome is RefreshOutcome.SAME_ANSWER


def test_d2_only_the_direct_predecessor_may_retry() -> None:
    shown = key(first_used_at=NOW, successor_hash="x")
    assert rules.decide_refresh(shown, holder(family_sequence=2), True, NOW).outcome is RefreshOutcome.REUSED


def test_d2_without_a_window_the_second_use_is_reuse_at_once() -> None:
    shown = key(first_used_at=NOW, successor_hash="x", terms=Terms(60, 180, 3, retry_window=0))
    assert rules.decide_refresh(shown, holder(family_sequence=1), True, NOW).outcome is RefreshOutcome.REUSED


@pytest.mark.parametrize(
    ("moment", "outcome"),
    [(180 * SECOND - INSTANT, RefreshOutcome.GRANT), (180 * SECOND, RefreshOutcome.EXPIRED)],
)
def test_d16_a_refresh_exactly_at_the_deadline_fails(moment: timedelta, outcome: RefreshOutcome) -> None:
    assert rules.decide_refresh(key(), holder(), True, NOW + moment).outcome is outcome


@pytest.mark.parametrize("mode", ["rotating", "static"])
@pytest.mark.parametrize("count", [1, 3, None])
def test_d3_n_successes_and_no_more(mode: str, count: int | None) -> None:
    terms = Terms(60, 180, count, mode=mode)
    for used in range(count or 50):
        shown = key(key_sequence=used, terms=terms)
        assert rules.decide_refresh(shown, holder(family_sequence=used), True, NOW).outcome is RefreshOutcome.GRANT
    if count is not None:
        shown = key(key_sequence=count, terms=terms)
        past = rules.decide_refresh(shown, holder(family_sequence=count), True, NOW)
        assert past.outcome is RefreshOutcome.BUDGET_SPENT


def test_d1_a_static_key_is_current_at_every_sequence() -> None:
    terms = Terms(60, 180, 3, mode="static")
    shown = key(key_sequence=0, terms=terms)
    assert rules.decide_refresh(shown, holder(family_sequence=2), True, NOW).outcome is RefreshOutcome.GRANT


def test_d3_d4_an_exhausted_key_is_not_found_and_that_is_not_reuse_nor_revocation() -> None:
    shown = key(key_sequence=3)
    facts = holder(family_sequence=3, exhausted_at=NOW)
    assert rules.decide_refresh(shown, facts, True, NOW).outcome is RefreshOutcome.UNKNOWN


@given(
    st.integers(0, 5),
    st.integers(0, 5),
    st.none() | st.integers(1, 5),
    st.booleans(),
    st.integers(-20, 20),
    st.none() | st.integers(-20, 0),
    st.sampled_from(["rotating", "static"]),
)
def test_d10_whatever_the_facts_only_a_live_current_key_of_a_live_family_is_granted(
    key_sequence: int, sequence: int, count: int | None, revoked: bool, expires: int, used: int | None, mode: str
) -> None:
    shown = key(
        key_sequence=key_sequence,
        key_expires_at=NOW + expires * SECOND,
        first_used_at=None if used is None else NOW + used * SECOND,
        terms=Terms(60, 180, count, mode=mode),
    )
    facts = holder(family_sequence=sequence, family_revoked_at=NOW if revoked else None)
    outcome = rules.decide_refresh(shown, facts, True, NOW).outcome
    if outcome is RefreshOutcome.GRANT:
        assert not revoked
        assert expires > 0
        assert count is None or sequence < count
        assert mode == "static" or key_sequence == sequence
    if outcome is RefreshOutcome.SAME_ANSWER:
        assert not revoked
        assert mode == "rotating"
        assert key_sequence == sequence - 1
        assert used is not None
        assert used > -10


# ---------------------------------------------------------------------------------------------- who may ask


@pytest.mark.parametrize(
    ("caller", "proxy", "group", "family", "may"),
    [
        (7, None, None, {}, True),  # the client it was issued to
        (8, 1, None, {}, True),  # the key of the proxy it is for
        (8, 2, None, {}, False),  # the key of another proxy
        (8, None, 2, {}, False),  # the key of a group: the token is the proxy's
        (8, None, 2, OF_GROUP, True),  # the key of the group it is for
        (8, None, 3, OF_GROUP, False),
        (8, 1, None, OF_GROUP, False),  # the key of a member: the token is the group's
        (8, None, None, {}, False),  # any other credential
        (8, None, None, {"proxy_id": None, "group_id": None}, False),
        (0, None, None, {"credential_id": None}, False),
    ],
)
def test_d40_who_may_be_told_about_a_token(
    caller: int, proxy: int | None, group: int | None, family: dict[str, Any], *, may: bool
) -> None:
    told = rules.may_touch(
        caller_credential_id=caller, caller_proxy_id=proxy, caller_group_id=group, facts=holder(**family)
    )
    assert told is may
