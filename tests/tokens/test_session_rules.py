"""The arithmetic of logins, as tables."""

import pytest

from tests.world import later
from tokens.session_rules import (
    KeyState,
    Unrenewable,
    access_lifetime,
    key_state,
    lifetime_in_seconds,
    refresh_lifetime,
    why_not_renewable,
)


@pytest.mark.parametrize(
    ("asked", "got"),
    [(None, 700), (1, 1), (1000, 1000), (1001, None), (0, None), (-5, None)],
)
def test_d27_a_session_lives_as_long_as_asked_for_up_to_the_maximum(asked, got):
    assert refresh_lifetime(asked, default=700, maximum=1000) == got


def test_d27_a_default_beyond_the_maximum_is_kept():
    assert refresh_lifetime(None, default=700, maximum=10) == 700


@pytest.mark.parametrize(("refresh", "got"), [(700, 60), (60, 60), (10, 10)])
def test_d27_an_access_token_never_outlives_what_the_session_was_asked_for(refresh, got):
    assert access_lifetime(default=60, refresh=refresh) == got


@pytest.mark.parametrize(
    ("refreshable", "percent", "now", "why"),
    [
        (True, 100, 0, None),
        (True, 10, 89, Unrenewable.TOO_EARLY),
        (True, 10, 90, None),
        (True, 0, 99, Unrenewable.TOO_EARLY),
        (True, 250, 0, None),
        (False, 100, 99, Unrenewable.NOT_REFRESHABLE),
        (False, 10, 0, Unrenewable.NOT_REFRESHABLE),
    ],
)
def test_d38_a_key_is_renewed_where_its_flag_and_the_last_part_of_its_life_allow(refreshable, percent, now, why):
    found = why_not_renewable(
        refreshable=refreshable, created_at=later(0), expires_at=later(100), last_percent=percent, now=later(now)
    )
    assert found == why


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, KeyState.LIVE),
        ({"now": later(99)}, KeyState.LIVE),
        ({"now": later(100)}, KeyState.EXPIRED),
        ({"revoked_at": later(1)}, KeyState.REVOKED),
        ({"family_revoked_at": later(1), "now": later(100)}, KeyState.REVOKED),
        ({"is_current": False}, KeyState.RENEWED),
        ({"is_current": False, "revoked_at": later(1)}, KeyState.REVOKED),
        ({"holder_valid": False}, KeyState.ENDED),
        ({"holder_valid": False, "now": later(100)}, KeyState.EXPIRED),
    ],
)
def test_s2_16_a_key_has_one_state_at_a_glance(changes, state):
    usual = {
        "revoked_at": None,
        "family_revoked_at": None,
        "expires_at": later(100),
        "is_current": True,
        "holder_valid": True,
        "now": later(0),
    }
    assert key_state(**{**usual, **changes}) == state


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("3600", 3600),
        ("45 days", 45 * 86400),
        ("1 day", 86400),
        (" 12 Hours ", 43200),
        ("2weeks", 14 * 86400),
        ("1 year", 365 * 86400),
        ("", None),
        ("soon", None),
        ("-1", None),
        ("1.5 days", None),
        ("5 fortnights", None),
        ("99999999999999999999", None),
        ("٣ days", None),
    ],
)
def test_d30_a_lifetime_is_read_as_people_write_it(text, seconds):
    assert lifetime_in_seconds(text) == seconds
