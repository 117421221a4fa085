"""What goes into the page between the marks: goals, what is missed and why, and costs."""

from collections.abc import Mapping

from bench import reasons, reporting
from bench.reporting import Measured


def text(
    results: list[Measured],
    machine: Mapping[str, str],
    statements: Mapping[str, int],
    *,
    rounds: int,
    secs: int,
) -> str:
    """What goes between the marks."""
    heading = ["path", "over", "goal (stretch)", "found: minimum / median", ""]
    judged = [goal.judged(results) for goal in reporting.GOALS]
    also = [[*each.judged(results).row()[:2], each.judged(results).row()[3]] for each in reporting.ALSO]
    lines = [f"* {name}: {what}" for name, what in machine.items()]
    how = f"Measured by `make bench ROUNDS={rounds} SECS={secs}`; 16 connections, the server on a core of its own."
    return "\n\n".join(
        (
            how,
            "\n".join(lines),
            reasons.steadiness(results),
            "Goals, by CPU of the application for each request; of growth the greatest round counts:",
            reporting.table(heading, [each.row() for each in judged]),
            "Missed. App us, medians: what the goal leaves, what is taken, of it a bare hello on that server; and why:",
            reporting.table(["path", "over", "left", "taken", "hello", "where it goes"], reasons.rows(judged, results)),
            "Beside those:",
            reporting.table(["path", "over", "minimum / median"], also),
            "What each costs, medians; `ours-...` is the portal, and `SQL` its statements or the peer's:",
            reporting.costs(results, statements),
        )
    )
