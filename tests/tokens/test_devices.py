"""Device info: what callers write about themselves, made harmless."""

import pytest

from tests.tokens.people import FIREFOX
from tokens import devices


def test_s2_21_browser_and_system_are_read_from_the_user_agent():
    told = devices.describe(FIREFOX, "192.0.2.7")

    assert told == {
        "browser": "Firefox 128",
        "system": "Linux",
        "address": "192.0.2.7",
        "user_agent": FIREFOX,
    }


@pytest.mark.parametrize(
    "hostile",
    ["", "<script>alert(1)</script>", "x" * 10_000, "a\x00b", "a\r\nSet-Cookie: x", "a\u202egnp.exe", "\ud800", "(((("],
)
def test_s2_21_a_hostile_user_agent_is_cut_and_has_no_control_characters(hostile):
    told = devices.describe(hostile, "")

    shown = told.get("user_agent", "")
    assert len(shown) <= 300
    assert shown.isprintable()
    assert set(told) <= {"browser", "system", "device", "address", "user_agent"}
