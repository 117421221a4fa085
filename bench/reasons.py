"""Why a goal is missed: what it leaves, what is taken, what of that is the bare server's, and where the rest goes.

The times are of the run itself; the sentences say what a profile of that path shows, and hold for each of its goals.
"""

import statistics
from collections.abc import Iterable

from bench.reporting import Judged, Measured

_EXCHANGE = "one exchange with PostgreSQL, most of it in the kernel"
CAUSES = {
    "verify": f"{_EXCHANGE}; the rest is Python spread over rules, headers, request id, metrics and sightings, no part"
    " above a tenth: the prototype that the goal was set by has none of them",
    "introspect": f"{_EXCHANGE}; then as verify, and the form, the proof of the client's secret, JSON and the limiter",
    "token": "two exchanges with PostgreSQL and one with Redis; family, token, refresh key and log row are written, and"
    " the limiter counts by address and by client, where the toolkit writes one row and no log",
    "refresh": "two exchanges with PostgreSQL and one with Redis; four tables are written, with the indexes that the"
    " admin's lists and the log's filters read",
    "verify-hit": "the server's own part; then request id, metrics, the sighting, a digest of what was asked",
    "introspect-hit": "the server's own part; then as a kept verification, and the body",
}
_INSIDE = "SQLite runs inside the process, so all that the database does counts as the application's"
_READS = f"{_INSIDE}: the SELECT is over a dozen tables, where the toolkit's are over one or two"
_WRITES = f"{_INSIDE}: four tables with their indexes in one transaction, and the limiter's count in another"
ON_SQLITE = {"verify": _READS, "introspect": _READS, "token": _WRITES, "refresh": _WRITES}
MET_BY_MEDIANS = "met by the medians, and not in each round; "
GROWTH = "the plan is the same and reads one row of each index; indexes are deeper, and their pages colder"


def sentence(judged: Judged) -> str:
    """Where the time of a goal's path goes."""
    target, operation = judged.goal.cheap
    if judged.goal.most:
        return GROWTH
    return ON_SQLITE[operation] if target == "ours-sqlite" else CAUSES[operation]


def rows(all_judged: Iterable[Judged], results: list[Measured]) -> list[list[str]]:
    """A row for each goal that is missed: medians over the rounds, in microseconds."""
    return [_row(judged, results) for judged in all_judged if judged.word == "missed"]


def _row(judged: Judged, results: list[Measured]) -> list[str]:
    goal = judged.goal
    if goal.most:
        left, taken = _median(results, goal.cheap) * goal.least, _median(results, goal.dear)
    else:
        left, taken = _median(results, goal.dear) * goal.scale / goal.least, _median(results, goal.cheap)
    server = "peer-hello-granian" if "granian" in goal.cheap[0] else "ours-hello-gunicorn"
    hello = _median(results, (server, "hello"))
    said = (MET_BY_MEDIANS if taken <= left else "") + sentence(judged)
    return [goal.path, goal.over, f"{left:.0f}", f"{taken:.0f}", f"{hello:.0f}", said]


def steadiness(results: list[Measured]) -> str:
    """How far the rounds lie apart where the same work is done: what is within it is the machine's."""
    found = []
    for target in ("ours-hello-gunicorn", "peer-hello-gunicorn", "peer-hello-granian"):
        times = [each.app_us for each in results if each.key == (target, "hello")]
        if times:
            found.append(f"{target} {min(times):.0f} to {max(times):.0f} us")
    return f"How steady the machine was, by a bare hello over the rounds: {', '.join(found) or 'not measured'}."


def _median(results: list[Measured], key: tuple[str, str]) -> float:
    found = [each.app_us for each in results if each.key == key]
    return statistics.median(found) if found else 0.0
