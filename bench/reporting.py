"""From the harness' results to the page: ratios round by round, goals met and missed, tables in Markdown.

Everything here is a function of what was measured. Times are CPU microseconds for each request unless said otherwise:
on a machine that is shared they and their ratios within one round can be trusted, requests a second cannot.
"""

import json
import re
import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Measured:
    """One operation of one target in one round."""

    target: str
    operation: str
    round: int
    rate: float
    p50_ms: float
    p99_ms: float
    app_us: float
    database_us: float
    redis_us: float
    memory_mb: float
    refused: int

    @property
    def key(self) -> tuple[str, str]:
        """Target and operation."""
        return self.target, self.operation


def read(text: str) -> list[Measured]:
    """The harness' JSON. Raises KeyError where it is another version's."""
    return [
        Measured(
            each["target"], each["op"], each["round"], each["rps"], each["p50_ms"], each["p99_ms"], each["cpu_us"],
            each["pg_us"], each["redis_us"], each["rss_mb"], each["non2xx"] + each["sock_err"],
        )
        for each in json.loads(text)["runs"]
    ]  # fmt: skip


@dataclass(frozen=True)
class Ratio:
    """How many times the first costs what the second costs, over the rounds in which both were measured."""

    least: float
    median: float
    rounds: int


def ratio(results: Iterable[Measured], dear: tuple[str, str], cheap: tuple[str, str]) -> Ratio | None:
    """CPU of `dear` over CPU of `cheap`, round by round, or None where no round has both."""
    by: dict[tuple[str, str], dict[int, list[float]]] = {}
    for each in results:
        by.setdefault(each.key, {}).setdefault(each.round, []).append(each.app_us)
    first, second = by.get(dear, {}), by.get(cheap, {})
    found = [
        statistics.median(first[turn]) / statistics.median(second[turn])
        for turn in sorted(first.keys() & second.keys())
        if statistics.median(second[turn]) > 0
    ]
    return Ratio(min(found), statistics.median(found), len(found)) if found else None


@dataclass(frozen=True)
class Goal:
    """A row of the goals: what `dear` costs over what `cheap` costs, at least this much in every round.

    `scale` 100 says it in per cent. `most` is for growth, where less is better and the greatest round counts.
    """

    path: str
    over: str
    dear: tuple[str, str]
    cheap: tuple[str, str]
    least: float
    stretch: float = 0.0
    scale: int = 1
    most: bool = False

    def judged(self, results: list[Measured]) -> "Judged":
        """Whether it is met, and by how much."""
        if self.most:
            back = ratio(results, self.cheap, self.dear)
            found = None if back is None else Ratio(1 / back.least, 1 / back.median, back.rounds)
        else:
            found = ratio(results, self.dear, self.cheap)
        if found is None:
            return Judged(self, None, "not measured")
        if self.most:
            return Judged(self, found, "met" if found.least <= self.least else "missed")
        met = found.least * self.scale >= self.least
        if met and self.stretch and found.least * self.scale >= self.stretch:
            return Judged(self, found, "met, stretch too")
        return Judged(self, found, "met" if met else "missed")


@dataclass(frozen=True)
class Judged:
    """A goal with what was found."""

    goal: Goal
    found: Ratio | None
    word: str

    def row(self) -> list[str]:
        """Its cells."""
        goal = self.goal
        unit = " %" if goal.scale == 100 else "x"
        wanted = f"{'<=' if goal.most else '>='} {goal.least:g}{unit}" + (
            f" ({goal.stretch:g}{unit})" if goal.stretch else ""
        )
        if self.found is None:
            return [goal.path, goal.over, wanted, "-", self.word]
        least, median = (value * goal.scale for value in (self.found.least, self.found.median))
        digits = 0 if goal.scale == 100 else 2
        return [goal.path, goal.over, wanted, f"{least:.{digits}f}{unit} / {median:.{digits}f}{unit}", self.word]


def _goals() -> list[Goal]:
    found: list[Goal] = []
    for server, peer in (("gunicorn", "peer-dot-gunicorn"), ("granian", "peer-dot-granian")):
        our, hello = f"ours-{server}", ("ours-hello-gunicorn" if server == "gunicorn" else "peer-hello-granian")
        kept, there = f"ours-cache-{server}", f"({server})"
        found += [
            Goal(f"verify, SELECT {there}", "bare hello", (hello, "hello"), (our, "verify"), 15, scale=100),
            Goal(f"verify, SELECT {there}", "DOT view", (peer, "ping-bearer"), (our, "verify"), 8),
            Goal(f"verify, kept {there}", "bare hello", (hello, "hello"), (kept, "verify-hit"), 45, 60, 100),
            Goal(
                f"verify, kept {there}", "DOT view", (peer, "ping-bearer"), (kept, "verify-hit"),
                8 if server == "gunicorn" else 30,
            ),
            Goal(f"introspect {there}", "DOT", (peer, "introspect-bearer"), (our, "introspect"), 15),
            Goal(f"introspect, kept {there}", "DOT", (peer, "introspect-bearer"), (kept, "introspect-hit"), 50),
            Goal(f"introspect, kept {there}", "oidc-provider in memory", ("peer-oidc-provider", "introspect"),
                 (kept, "introspect-hit"), 2.5),
            Goal(f"refresh {there}", "DOT", (peer, "refresh-plain"), (our, "refresh"), 10, 15),
            Goal(f"refresh {there}", "simplejwt", ("peer-simplejwt", "refresh"), (our, "refresh"), 7, 10),
            Goal(f"client credentials, opaque {there}", "DOT", (peer, "token-cc-plain"), (our, "token"), 6, 8),
        ]  # fmt: skip
    found += [
        Goal(f"{name}, 1,000,000 tokens", "10,000", ("ours-million", name), ("ours-gunicorn", name), 1.2, most=True)
        for name in ("verify", "introspect", "refresh")
    ]  # fmt: skip
    return found


def _embedded() -> list[Goal]:
    """The same for the embedded installation: SQLite on both sides."""
    our, peer, there = "ours-sqlite", "peer-dot-sqlite", "(SQLite)"
    return [
        Goal(f"verify, SELECT {there}", "bare hello", ("ours-hello-gunicorn", "hello"), (our, "verify"), 15, scale=100),
        Goal(f"verify, SELECT {there}", "DOT view", (peer, "ping-bearer"), (our, "verify"), 8),
        Goal(f"introspect {there}", "DOT", (peer, "introspect-bearer"), (our, "introspect"), 15),
        Goal(f"refresh {there}", "DOT", (peer, "refresh-plain"), (our, "refresh"), 10, 15),
        Goal(f"client credentials, opaque {there}", "DOT", (peer, "token-cc-plain"), (our, "token"), 6, 8),
    ]


GOALS = [*_goals(), *_embedded()]
# Not goals, but asked for: how the rest compares.
ALSO = (
    Goal("login refresh", "simplejwt", ("peer-simplejwt", "refresh"), ("ours-gunicorn", "renew"), 1),
    Goal("revoke", "DOT", ("peer-dot-gunicorn", "revoke-plain"), ("ours-gunicorn", "revoke"), 1),
    Goal("introspect, SELECT (granian)", "oidc-provider in memory", ("peer-oidc-provider", "introspect"),
         ("ours-granian", "introspect"), 1),
    Goal("refresh (granian)", "oidc-provider in memory", ("peer-oidc-provider", "refresh"),
         ("ours-granian", "refresh"), 1),
)  # fmt: skip


def table(head: list[str], rows: Iterable[list[str]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def costs(results: list[Measured], statements: Mapping[str, int]) -> str:
    """What each operation of each target takes: the median over the rounds."""
    by: dict[tuple[str, str], list[Measured]] = {}
    for each in results:
        by.setdefault(each.key, []).append(each)

    def middle(found: list[Measured], name: str) -> float:
        return float(statistics.median(getattr(each, name) for each in found))

    rows = []
    for (target, operation), found in sorted(by.items()):
        wrong = max(each.refused for each in found)
        counted = statements.get(f"{target} {operation}")
        rows.append(
            [
                target,
                operation,
                f"{middle(found, 'app_us'):,.0f}",
                f"{middle(found, 'database_us'):,.0f}",
                f"{middle(found, 'redis_us'):,.0f}",
                "" if counted is None else str(counted),
                f"{middle(found, 'rate'):,.0f}",
                f"{middle(found, 'p50_ms'):.1f} / {middle(found, 'p99_ms'):.1f}",
                f"{middle(found, 'memory_mb'):.0f}" + (f", {wrong} unexpected answers" if wrong else ""),
            ]
        )
    head = ["target", "operation", "app us", "PostgreSQL us", "Redis us", "SQL", "req/s", "p50 / p99 ms", "memory MB"]
    return table(head, rows)


def counted_by_peers(text: str) -> dict[str, int]:
    """Statements of the peers' operations, from what the harness' micro/queries.py prints."""
    known = {
        ("dot", "ping"): "peer-dot-{} ping-bearer",
        ("dot", "introspect-bearer"): "peer-dot-{} introspect-bearer",
        ("dot", "token-cc"): "peer-dot-{} token-cc-plain",
        ("dot", "refresh"): "peer-dot-{} refresh-plain",
        ("dot", "revoke"): "peer-dot-{} revoke-plain",
        ("sjwt", "verify"): "peer-simplejwt verify",
        ("sjwt", "refresh"): "peer-simplejwt refresh",
    }
    found: dict[str, int] = {}
    for which, name, count in re.findall(r"^(dot|sjwt) (\S+)\s+200\s+(\d+) statements", text, re.MULTILINE):
        if (label := known.get((which, name))) is not None:
            found |= {label.format(server): int(count) for server in ("gunicorn", "granian")}
    return found
