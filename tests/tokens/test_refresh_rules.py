"""The arithmetic of a refresh as tables, and who may ask. No database, no clock."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tokens.facts import INSTANT, NOW, OF_GROUP, SECOND, holder, key
from tokens import rules
from tokens.rules import Reason, RefreshOutcome, Terms

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
