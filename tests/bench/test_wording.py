"""The text of the page: each goal with its figure, each missed one with its reason."""

from bench import reasons, reporting, wording
from tests.bench.test_reporting import measured


def test_the_text_names_each_goal_its_figure_and_the_machine():
    results = [measured(("ours-gunicorn", "verify"), 0, 200), measured(("peer-dot-gunicorn", "ping-bearer"), 0, 2000)]

    text = wording.text(results, {"machine": "a box"}, {"ours-gunicorn verify": 1}, rounds=1, secs=2)

    assert "| verify, SELECT (gunicorn) | DOT view | >= 8x | 10.00x / 10.00x | met |" in text
    assert "| refresh (gunicorn) | simplejwt | >= 7x (10x) | - | not measured |" in text
    assert "| ours-gunicorn | verify | 200 | 50 | 5 | 1 | 100 | 1.0 / 2.0 | 40 |" in text
    assert "* machine: a box" in text


def test_each_missed_goal_is_named_with_what_it_leaves_what_is_taken_and_why():
    results = [
        measured(("ours-granian", "verify"), 0, 300),
        measured(("peer-dot-granian", "ping-bearer"), 0, 1600),
        measured(("peer-hello-granian", "hello"), 0, 60),
    ]

    text = wording.text(results, {}, {}, rounds=1, secs=2)

    assert f"| verify, SELECT (granian) | DOT view | 200 | 300 | 60 | {reasons.CAUSES['verify']} |" in text
    assert "| verify, SELECT (granian) | bare hello | 400 |" not in text


def test_growth_is_told_the_other_way_round():
    results = [measured(("ours-million", "verify"), 0, 130), measured(("ours-gunicorn", "verify"), 0, 100)]

    assert f"| verify, 1,000,000 tokens | 10,000 | 120 | 130 | 0 | {reasons.GROWTH} |" in wording.text(
        results, {}, {}, rounds=1, secs=2
    )


def test_every_goal_that_could_be_missed_has_a_reason():
    for goal in reporting.GOALS:
        assert reasons.sentence(reporting.Judged(goal, None, "missed"))


def test_what_is_met_by_the_medians_alone_says_so_and_how_steady_the_machine_was_is_told():
    taken = (100, 100, 400)
    results = [
        each
        for turn, app_us in enumerate(taken)
        for each in (
            measured(("ours-granian", "verify"), turn, app_us),
            measured(("peer-dot-granian", "ping-bearer"), turn, 1600),
            measured(("peer-hello-granian", "hello"), turn, 20 + turn),
        )
    ]

    text = wording.text(results, {}, {}, rounds=3, secs=2)

    assert f"| verify, SELECT (granian) | DOT view | 200 | 100 | 21 | {reasons.MET_BY_MEDIANS}" in text
    assert "peer-hello-granian 20 to 22 us" in text
