"""What docs/performance.md is told of the admin's lists."""

from bench.admin import Line, Measured, section

LINES = [
    Line("dashboard", Measured(12.4, 4)),
    Line("grants", Measured(5, 5)),
    Line("grants ?use=never", Measured(640.6, 7)),
    Line("grants, search nobody", Measured(9, 9)),
]


def test_a_list_is_told_by_its_slowest_page_and_a_page_above_the_limit_by_its_name() -> None:
    text = section(LINES, "PostgreSQL", "10 tokens")
    assert "| dashboard | 1 | 12 | `as it opens` | 4 |" in text
    assert "| grants | 3 | 641 | `?use=never` | 9 |" in text
    assert "Above 500 ms: grants ?use=never." in text


def test_where_no_page_is_late_that_is_said() -> None:
    assert "No page takes 500 ms." in section(LINES[:2], "PostgreSQL", "10 tokens")
