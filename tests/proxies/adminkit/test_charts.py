"""A chart is arithmetic: where each bar begins and ends, and what it says."""

import pytest

from proxies.adminkit import charts
from proxies.adminkit.charts import Column, stacked, top_of


@pytest.mark.parametrize(
    ("highest", "top"),
    [(0, 4), (3, 4), (4, 4), (5, 6), (7, 8), (9, 10), (10, 10), (11, 20), (35, 40), (60, 60), (99, 100), (101, 200),
     (1_000_000, 1_000_000), (1_200_000, 2_000_000)],
)  # fmt: skip
def test_the_scale_ends_at_a_round_number_above_the_highest_bar(highest: int, top: int) -> None:
    assert top_of(highest) == top
    assert top_of(highest) >= highest


def test_pieces_stand_upon_each_other_and_reach_the_sum() -> None:
    chart = stacked("Requests", ("issued", "refused"), [Column("12:00", (6, 2)), Column("13:00", (0, 8))])
    bottom, top = charts.HEIGHT - charts.BOTTOM, charts.TOP
    first, second = chart.bars
    issued, refused = first.pieces
    assert issued.y + issued.height == bottom
    assert refused.y + refused.height == issued.y
    assert refused.y == top  # the sum is 8, and so is the top of the scale
    assert [(piece.series, piece.y) for piece in second.pieces] == [(2, top)]
    assert second.x > first.x + first.width


def test_a_bar_says_what_it_is_and_the_table_says_the_same() -> None:
    chart = stacked("Requests", ("issued", "refused"), [Column("12:00", (1200, 2), "/log", "12")])
    assert chart.bars[0].title == "12:00: 1,200 issued, 2 refused"
    assert (chart.bars[0].url, chart.bars[0].label) == ("/log", "12")
    assert chart.rows == (("12:00", (1200, 2)),)
    assert chart.legend == [(1, "issued", 1200), (2, "refused", 2)]
    assert [line.label for line in chart.scale] == ["0", "500", "1k", "1.5k", "2k"]


@pytest.mark.parametrize("columns", [[], [Column("12:00", (0, 0))]])
def test_nothing_is_drawn_as_nothing(columns: list[Column]) -> None:
    chart = stacked("Requests", ("issued", "refused"), columns)
    assert chart.empty
    assert all(not bar.pieces for bar in chart.bars)
