"""How values look, and that what a stranger sent stays text."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from proxies.adminkit import badge, copyable, moment, state_badge
from proxies.adminkit.display import columns
from proxies.models import ApiProxy


def test_a_time_is_utc_from_the_server_wherever_it_came_from() -> None:
    east = datetime(2026, 1, 1, 14, 30, 5, tzinfo=timezone(timedelta(hours=2)))
    shown = str(moment(east))
    assert shown == '<time datetime="2026-01-01T12:30:05Z" title="2026-01-01 12:30:05 UTC">2026-01-01 12:30</time>'
    assert "data-relative" in str(moment(east, relative=True))
    assert "12:30:05</time>" in str(moment(east, seconds=True))
    assert moment(None) == "-"


@pytest.mark.parametrize(
    ("state", "kind"),
    [("live", "good"), ("expiring", "warn"), ("expired", "quiet"), ("revoked", "bad"), ("odd", "info")],
)
def test_the_colour_follows_from_the_word(state: str, kind: str) -> None:
    assert str(state_badge(state)) == f'<span class="badge badge-{kind}">{state}</span>'


def test_b45_values_are_escaped_in_text_and_attributes() -> None:
    hostile = '"><script>alert(1)</script>'
    for shown in (badge("good", hostile), copyable(hostile), copyable(hostile, shown=100)):
        assert "<script" not in shown
        assert '""' not in shown


def test_a_long_value_is_cut_and_copied_whole() -> None:
    shown = str(copyable("0123456789abcdef", shown=6))
    assert ">012345…<" in shown
    assert 'data-copy-text="0123456789abcdef"' in shown
    assert copyable("") == "-"


def test_times_and_yes_no_become_columns_that_sort_and_are_always_the_same() -> None:
    class Screen:
        def mode(self) -> None: ...

    names = ("name", "created_at", "accept_token_in_url", "mode", "no_field")
    shown = columns(ApiProxy, names, own=Screen)
    assert shown == columns(ApiProxy, names, own=Screen)
    assert [each if isinstance(each, str) else "column" for each in shown] == [
        "name",
        "column",
        "column",
        "mode",
        "no_field",
    ]
    made = shown[1]
    assert callable(made)
    assert (made.__name__, made.admin_order_field) == ("created_at", "created_at")  # type: ignore[attr-defined]
    proxy = ApiProxy(created_at=datetime(2026, 1, 1, tzinfo=UTC), accept_token_in_url=True)
    assert "2026-01-01 00:00" in made(proxy)
    assert callable(shown[2])
    assert "yes" in shown[2](proxy)
