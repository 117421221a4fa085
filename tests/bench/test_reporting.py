"""From results to the page: ratios are taken round by round, the least one counts, nothing measured is no success."""

import json

import pytest

from bench import reporting
from bench.reporting import Goal, Judged, Measured, Ratio

A, B = ("a", "do"), ("b", "do")


def measured(key: tuple[str, str], turn: int, app_us: float) -> Measured:
    return Measured(*key, turn, 100.0, 1.0, 2.0, app_us, 50.0, 5.0, 40.0, 0)


def test_the_harness_json_is_read_and_what_went_wrong_is_counted():
    row = {
        "target": "a", "op": "do", "round": 0, "rps": 10.0, "p50_ms": 1.0, "p99_ms": 9.0, "cpu_us": 7.0, "pg_us": 3.0,
        "redis_us": 1.0, "rss_mb": 20.0, "non2xx": 2, "sock_err": 1, "n": 5,
    }  # fmt: skip

    (found,) = reporting.read(json.dumps({"runs": [row]}))

    assert found == Measured("a", "do", 0, 10.0, 1.0, 9.0, 7.0, 3.0, 1.0, 20.0, 3)
    with pytest.raises(KeyError):
        reporting.read(json.dumps({"runs": [{"target": "a"}]}))


def test_a_ratio_is_taken_within_each_round_and_a_round_without_both_is_left_out():
    results = [
        measured(A, 0, 100), measured(B, 0, 10),
        measured(A, 1, 90), measured(B, 1, 30),
        measured(A, 2, 400), measured(B, 2, 100),
        measured(A, 3, 5),
    ]  # fmt: skip

    assert reporting.ratio(results, A, B) == Ratio(3.0, 4.0, 3)
    assert reporting.ratio(results, A, ("c", "do")) is None
    assert reporting.ratio([measured(A, 0, 100), measured(B, 0, 0)], A, B) is None


@pytest.mark.parametrize(
    ("least", "stretch", "word"),
    [(3.0, 0.0, "met"), (3.1, 0.0, "missed"), (2.0, 3.0, "met, stretch too"), (2.0, 3.5, "met")],
)
def test_a_goal_is_judged_by_its_worst_round(least, stretch, word):
    results = [measured(A, 0, 300), measured(B, 0, 100), measured(A, 1, 900), measured(B, 1, 100)]

    assert Goal("do", "a", A, B, least, stretch).judged(results).word == word


def test_growth_is_judged_by_its_greatest_round_and_nothing_measured_is_no_success():
    results = [measured(A, 0, 110), measured(B, 0, 100), measured(A, 1, 125), measured(B, 1, 100)]
    goal = Goal("do", "b", A, B, 1.2, most=True)

    judged = goal.judged(results)

    assert judged.word == "missed"
    assert judged.found is not None
    assert judged.found.least == pytest.approx(1.25)
    assert goal.judged(results[:2]).word == "met"
    assert goal.judged([]) == Judged(goal, None, "not measured")


def test_every_goal_compares_targets_that_are_run():
    from bench import peers, targets

    ours = {(each.name, name) for each in peers.ours(peers.CHECKOUT) for name in each.operations}
    theirs = {(name, each) for name, (_, operations) in targets.PEERS.items() for each in operations}
    on_sqlite = {(targets.ON_SQLITE, each) for each in targets.ON_SQLITE_OPERATIONS}
    known = ours | theirs | on_sqlite | {("ours-hello-gunicorn", "hello")}

    assert {key for goal in (*reporting.GOALS, *reporting.ALSO) for key in (goal.dear, goal.cheap)} <= known


def test_the_table_says_where_answers_were_not_the_expected_ones():
    bad = Measured("a", "do", 0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 7)

    assert "7 unexpected answers" in reporting.costs([bad], {})


def test_the_peers_statements_are_read_from_what_the_harness_prints():
    said = (
        "dot ping                   200   1 statements: SELECT\n"
        "sjwt refresh                200  13 statements: X\n"
        "dot refresh 500  9 statements: X"
    )

    found = reporting.counted_by_peers(said)

    assert found == {
        "peer-dot-gunicorn ping-bearer": 1,
        "peer-dot-granian ping-bearer": 1,
        "peer-simplejwt refresh": 13,
    }
