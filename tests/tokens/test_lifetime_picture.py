"""The picture of a policy's lifetimes: the documents' two examples first."""

from itertools import pairwise
from typing import Any

import pytest

from tests.tokens.test_policy_warnings import terms_of
from tokens.lifetime_picture import LEFT, RIGHT, WIDTH, Turn, lifetime_picture, turns_of


@pytest.mark.parametrize(
    ("changes", "turns", "goes_on"),
    [
        (
            {"refresh_token_lifetime_secs": 60},
            [Turn(0, 0, 60, 60), Turn(1, 60, 120, 120), Turn(2, 120, 180, 180), Turn(3, 180, 240, None)],
            False,
        ),
        ({}, [Turn(0, 0, 60, 180), Turn(1, 180, 240, 360), Turn(2, 360, 420, 540), Turn(3, 540, 600, None)], False),
        ({"refresh_allowed": False}, [Turn(0, 0, 60, None)], False),
        ({"refresh_count": None}, [Turn(0, 0, 60, 180), Turn(1, 180, 240, 360), Turn(2, 360, 420, 540)], True),
        ({"family_lifetime_secs": 200}, [Turn(0, 0, 60, 180), Turn(1, 180, 200, None)], False),
        ({"family_lifetime_secs": 180}, [Turn(0, 0, 60, None)], False),
        ({"refresh_count": 100}, [*(Turn(n, n * 180, n * 180 + 60, n * 180 + 180) for n in range(3)),
                                  Turn(100, 18_000, 18_060, None)], False),
        ({"never_expires": True, "refresh_allowed": False}, [], True),
    ],
    ids=str,
)  # fmt: skip
def test_s0_18_s0_19_each_turn_is_at_the_last_possible_moment(
    changes: dict[str, Any], turns: list[Turn], goes_on: bool
) -> None:
    assert turns_of(terms_of(**changes)) == (tuple(turns), goes_on)


@pytest.mark.parametrize(
    ("refresh", "sums"),
    [
        (60, ["60 + (60 - 60) + 2 x 60 = 180 s", "180 + 60 = 240 s"]),
        (180, ["60 + (180 - 60) + 2 x 180 = 540 s", "540 + 60 = 600 s"]),
    ],
)
def test_s0_18_s0_19_the_sums_are_written_as_the_documents_write_them(refresh: int, sums: list[str]) -> None:
    told = lifetime_picture(terms_of(refresh_token_lifetime_secs=refresh)).sums
    assert [each.partition(":")[0] for each in told] == sums


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"refresh_count": 1_000_000},
        {"refresh_count": None},
        {"access_token_lifetime_secs": 1, "refresh_token_lifetime_secs": 3_000_000},
        {"access_token_lifetime_secs": 3_000_000, "refresh_token_lifetime_secs": 1, "refresh_count": 2},
        {"family_lifetime_secs": 181},
        {"refresh_allowed": False},
    ],
    ids=str,
)
def test_everything_is_inside_the_picture_and_no_two_marks_are_written_over_each_other(changes: dict[str, Any]) -> None:
    picture = lifetime_picture(terms_of(**changes))
    for bar in picture.bars:
        assert bar.x >= LEFT
        assert bar.width > 0
        assert bar.x + bar.width <= WIDTH - RIGHT + 4, bar
    places = [mark.x for mark in picture.marks]
    assert places == sorted(places)
    assert all(later - earlier >= 30 for earlier, later in pairwise(places)), places
    assert picture.marks[0].label == "0"
