"""Cleaning beside django-oauth-toolkit's `cleartokens`, in one run, on the same number of expired rows.

    python -m bench.cleaning [--rows 1000000] [--only postgresql|sqlite] [--write]

Each database is new and goes again: SQLite in a scratch folder, and the PostgreSQL of TEST_DATABASE_URL or of this
host. Ours is measured twice, alone and while clients refresh. With --write the figures go into docs/performance.md. A
goal that is missed ends in status 1.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from bench import page

GOAL_TIMES, GOAL_MB, GOAL_LONGEST_MS, GOAL_P95_MS = 6.0, 50.0, 100.0, 1_000.0
# ruff: noqa: E501 - a document's lines are longer
SECTION = """
## Cleaning

{rows:,} expired rows and a tenth as many live ones, in one run of `make bench-cleaning`. Latchkey's are families, access tokens and
refresh keys in equal parts; the toolkit's are access tokens and rotated refresh tokens, removed by its own `cleartokens`. Both work on the
same server with the same settings. *Meanwhile* is a second run, in which four clients refresh all the time.

| | {names} |
|---|{rule}
{lines}

Measured on {machine}. The goals: {times:.0f} times `cleartokens`, at most {mb:.0f} MB more memory whatever the rows, on PostgreSQL no
transaction above {longest:.0f} ms, and refreshes meanwhile below {p95:.0f} ms (p95). SQLite has one writer: a refresh may have to wait for
as long as a window of the cleaning takes.
"""


class Measured(NamedTuple):
    """One database: figures of `clean` for each, and of ours while clients refresh."""

    vendor: str
    theirs: dict[str, Any]
    ours: dict[str, Any]
    meanwhile: dict[str, Any]
    refreshes: dict[str, Any]

    @property
    def times(self) -> float:
        """How many rows a second we remove for each of theirs."""
        return rate(self.ours) / rate(self.theirs)

    def missed(self) -> list[str]:
        """The goals that were not reached."""
        longest = max(self.ours["longest_ms"], self.meanwhile["longest_ms"])
        goals = {
            f"{self.times:.1f} times cleartokens": self.times >= GOAL_TIMES,
            f"{self.ours['grown_mb']:.0f} MB": self.ours["grown_mb"] <= GOAL_MB,
            f"a transaction of {longest:.0f} ms": self.vendor == "sqlite" or longest <= GOAL_LONGEST_MS,
            f"refreshes of {self.refreshes['p95_ms']:.0f} ms": self.refreshes["p95_ms"] <= GOAL_P95_MS,
        }
        return [f"{self.vendor}: {goal}" for goal, reached in goals.items() if not reached]


def rate(figures: dict[str, Any]) -> float:
    """Rows a second."""
    return float(figures["rows"] / figures["seconds"])


@contextmanager
def _place(vendor: str) -> Iterator[dict[str, str]]:
    """A database of one's own that goes again: the environment that leads to it."""
    quiet = {
        "TOKEN_RATE_LIMIT_PER_MINUTE": "0", "CLIENT_RATE_LIMIT_PER_MINUTE": "0", "DATABASE_STATEMENT_TIMEOUT_MS": "0",
        "REDIS_URL": "",
    }  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="latchkey-bench-") as folder:
        environment = {**os.environ, **quiet, "DATA_DIR": folder}
        environment.pop("DATABASE_URL", None)
        if vendor == "sqlite":
            yield environment
            return
        import psycopg

        from tests.run import postgresql

        url, why = postgresql()
        if url is None:
            raise SystemExit(why)
        base, _, _ = url.rpartition("/")
        name = f"latchkey_bench_{os.getpid()}"
        with psycopg.connect(f"{base.replace('postgres://', 'postgresql://', 1)}/postgres", autocommit=True) as wire:
            wire.execute(f'CREATE DATABASE "{name}"')
            try:
                yield {**environment, "DATABASE_URL": f"{base}/{name}"}
            finally:
                wire.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def _do(environment: dict[str, str], *words: str) -> str:
    command = [sys.executable, "-m", "bench.cleaning_rows", *words]
    return subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout


def _fill(environment: dict[str, str], rows: int) -> str:
    subprocess.run([sys.executable, "manage.py", "migrate", "--verbosity", "0"], env=environment, check=True)
    return _do(environment, "ours", "fill", str(rows)).splitlines()[-1]


def measure(vendor: str, rows: int) -> Measured:
    """Fill and clean three databases, one after the other."""
    with _place(vendor) as environment:
        _do(environment, "theirs", "fill", str(rows))
        theirs = json.loads(_do(environment, "theirs", "clean"))
    print(f"{vendor}: cleartokens {rate(theirs):,.0f} rows/s", flush=True)
    with _place(vendor) as environment:
        _fill(environment, rows)
        ours = json.loads(_do(environment, "ours", "clean"))
    print(f"{vendor}: Latchkey {rate(ours):,.0f} rows/s, {ours}", flush=True)
    with _place(vendor) as environment:
        client = _fill(environment, rows)
        clients = subprocess.Popen(
            [sys.executable, "-m", "bench.cleaning_rows", "ours", "refresh", client],
            env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert clients.stdout is not None
        clients.stdout.readline()
        meanwhile = json.loads(_do(environment, "ours", "clean"))
        refreshes = json.loads(clients.communicate(timeout=60)[0])
    print(f"{vendor}: meanwhile {refreshes}, {meanwhile}", flush=True)
    return Measured(vendor, theirs, ours, meanwhile, refreshes)


def section(measured: list[Measured], rows: int) -> str:
    """What docs/performance.md says about it."""
    lines = {
        "`cleartokens`, rows a second": lambda each: f"{rate(each.theirs):,.0f}",
        "Latchkey, rows a second": lambda each: f"{rate(each.ours):,.0f}",
        "... times `cleartokens`": lambda each: f"{each.times:.1f}",
        "`cleartokens`, more memory at its peak": lambda each: f"{each.theirs['grown_mb']:.0f} MB",
        "Latchkey, more memory at its peak": lambda each: f"{each.ours['grown_mb']:.0f} MB",
        "Longest transaction": lambda each: f"{each.ours['longest_ms']:.0f} ms",
        "Meanwhile: rows a second": lambda each: f"{rate(each.meanwhile):,.0f}",
        "Meanwhile: longest transaction": lambda each: f"{each.meanwhile['longest_ms']:.0f} ms",
        "Meanwhile: a refresh, p50 / p95": lambda each: (
            f"{each.refreshes['p50_ms']:.0f} / {each.refreshes['p95_ms']:.0f} ms"
        ),
    }
    return SECTION.format(
        rows=rows,
        names=" | ".join({"postgresql": "PostgreSQL", "sqlite": "SQLite"}[each.vendor] for each in measured),
        rule="---|" * len(measured),
        lines="\n".join(f"| {name} | {' | '.join(map(line, measured))} |" for name, line in lines.items()),
        machine=page.machine(),
        times=GOAL_TIMES,
        mb=GOAL_MB,
        longest=GOAL_LONGEST_MS,
        p95=GOAL_P95_MS,
    )


def main(argv: list[str] | None = None) -> int:
    """Measure, print, and tell what was missed."""
    parser = argparse.ArgumentParser(prog="bench.cleaning", description="Cleaning beside cleartokens.")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--only", choices=("postgresql", "sqlite"))
    parser.add_argument("--write", action="store_true", help="put the figures into docs/performance.md")
    found = parser.parse_args(argv)
    vendors = [found.only] if found.only else ["postgresql", "sqlite"]
    measured = [measure(vendor, found.rows) for vendor in vendors]
    text = section(measured, found.rows)
    print(text)
    if found.write:
        page.write_section("cleaning", text)
    missed = [goal for each in measured for goal in each.missed()]
    for goal in missed:
        print(f"MISSED {goal}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
