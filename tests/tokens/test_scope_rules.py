"""The arithmetic of scopes as tables. No database, no clock."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tokens.facts import own_credential
from tokens import rules, scope_rules


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
    scopes = scope_rules.requested_scopes(asked, scope_rules.granted_scopes(defined, granted))
    assert (None if scopes is None else scope_rules.scope_text(scopes)) == got


SCOPES = st.lists(st.sampled_from(["a", "b", "c", "d", "access"]), unique=True).map(" ".join)


@given(SCOPES, SCOPES, SCOPES)
def test_d39_nobody_gets_more_than_is_defined_and_granted(defined: str, granted: str, asked: str) -> None:
    available = scope_rules.granted_scopes(defined, granted)
    assert available <= scope_rules.defined_scopes(defined)
    got = scope_rules.requested_scopes(asked, available)
    assert got is None or (got <= available and got)


@given(SCOPES, SCOPES, SCOPES)
def test_d39_what_counts_at_use_is_the_tokens_scopes_and_the_grants_of_now_together(
    held: str, defined: str, granted: str
) -> None:
    use = rules.scopes_in_use(held, own_credential(target_scopes=defined, grant_scopes=granted))
    assert use <= scope_rules.scope_set(held)
    assert use <= scope_rules.granted_scopes(defined, granted)


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
    assert scope_rules.covers(scope_rules.scope_set(held), scope_rules.scope_set(required), match) is enough


def test_a_callers_long_text_means_the_same_and_is_not_remembered() -> None:
    long = " ".join(f"scope{number}" for number in range(1000))
    before = scope_rules._short_set.cache_info().currsize
    assert scope_rules.scope_set(long) == frozenset(long.split())
    assert scope_rules._short_set.cache_info().currsize == before
    before = scope_rules._short_text.cache_info().currsize
    assert scope_rules.scope_text(frozenset(long.split())) == " ".join(sorted(long.split()))
    assert scope_rules.scope_text(frozenset(("a" * 8000,))) == "a" * 8000
    assert scope_rules._short_text.cache_info().currsize == before
