"""Behind `make test` and `make test-all`: the suite on every database at hand, and one closing line over all of it.

    python -m tests.run quick|full [pytest arguments]      run
    python -m tests.run sum FILE                           the closing line over runs that wrote into
    LATCHKEY_TEST_TALLY=FILE

Tests marked `browser` or `gateway` run in the first round alone.

TEST_DATABASE_URL and TEST_REDIS_URL name a PostgreSQL and a Redis to test with; without them local ones are looked
for. Empty: none. The databases that the tests make there have names of their own and go again.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

HEAVY = ("browser", "gateway", "fault", "slow")
# Run in the first round alone, on SQLite: a gateway or a browser sees the portal's answers and not its database.
ONCE = frozenset(("browser", "gateway"))
NO_TESTS_COLLECTED = 5


@dataclass
class Round:
    name: str
    environment: dict[str, str]
    status: int = 0


@dataclass
class Plan:
    rounds: list[Round]
    left_out: list[str] = field(default_factory=list)


def postgresql() -> tuple[str | None, str]:
    """The address to test with, or None and why not."""
    import psycopg

    url = os.environ.get("TEST_DATABASE_URL")
    if url == "":
        return None, "TEST_DATABASE_URL is empty"
    try:
        at = (url or "postgres://postgres@127.0.0.1:5432/postgres").replace("postgres://", "postgresql://", 1)
        base, _, _ = at.rpartition("/")
        psycopg.connect(f"{base}/postgres", connect_timeout=3).close()
    except psycopg.Error as error:
        return None, f"no PostgreSQL answers: {str(error).strip().splitlines()[-1]}"
    # A name of our own: two runs on one machine don't meet.
    return url or f"{base}/latchkey_{os.getpid()}", ""


def redis() -> tuple[str | None, str]:
    import redis as client

    url = os.environ.get("TEST_REDIS_URL")
    if url == "":
        return None, "TEST_REDIS_URL is empty"
    url = url or "redis://127.0.0.1:6379/0"
    try:
        with client.Redis.from_url(url, socket_connect_timeout=3) as connection:
            connection.ping()
    except client.RedisError as error:
        return None, f"no Redis answers: {error}"
    return url, ""


def plan() -> Plan:
    database_url, no_database = postgresql()
    redis_url, no_redis = redis()
    rounds = [Round("SQLite", {})]
    again = {"LATCHKEY_TEST_ONLY_DATABASE": "1"}  # tests/conftest.py: tables of values were run in the first round
    if database_url and redis_url:
        named = {"DATABASE_URL": database_url, "REDIS_URL": redis_url}
        rounds.append(Round("PostgreSQL and Redis", {**named, **again}))
    elif database_url:
        rounds.append(Round("PostgreSQL", {"DATABASE_URL": database_url, **again}))
    elif redis_url:
        rounds.append(Round("SQLite and Redis", {"REDIS_URL": redis_url, **again}))
    left_out = [f"{name}: {why}" for name, why in (("PostgreSQL", no_database), ("Redis", no_redis)) if why]
    return Plan(rounds, left_out)


def chosen(which: str, *, first: bool) -> str:
    """Which tests a round runs, by their marks. What is left out is not even collected as a skip."""
    marked = " or ".join(HEAVY)
    if which != "full":
        return f"not ({marked})"
    return marked if first else f"({marked}) and not ({' or '.join(sorted(ONCE))})"


def run(this: Round, which: str, arguments: list[str], tally: Path, *, first: bool) -> None:
    print(f"\n##### {this.name}", flush=True)
    expression = chosen(which, first=first)
    # What starts servers and browsers of its own has the machine to itself.
    workers = [] if which == "full" else ["-n", os.environ.get("TEST_WORKERS", "2")]
    command = [sys.executable, "-m", "pytest", *workers, "-m", expression, *arguments]
    base = {key: value for key, value in os.environ.items() if key not in {"DATABASE_URL", "REDIS_URL"}}
    environment = {**base, **this.environment, "LATCHKEY_TEST_TALLY": str(tally)}
    if not first:
        environment["LATCHKEY_LATER_ROUND"] = "1"  # what brings databases of its own ran in the first
    this.status = subprocess.run(command, env=environment, check=False).returncode
    if this.status == NO_TESTS_COLLECTED:
        this.status = 0


def counted(tally: Path) -> Counter[str]:
    total: Counter[str] = Counter()
    if tally.exists():
        for line in tally.read_text(encoding="utf-8").splitlines():
            total.update(json.loads(line))
    return total


def closing_line(total: Counter[str], seconds: float) -> str:
    """As pytest writes its own, over all rounds."""
    names = {"failed": "failed", "passed": "passed", "skipped": "skipped", "xfailed": "xfailed", "xpassed": "xpassed"}
    words = [f"{total[kind]} {name}" for kind, name in names.items() if total[kind]]
    if errors := total["error"]:
        words.append(f"{errors} error{'s' if errors > 1 else ''}")
    text = f" {', '.join(words) or 'no tests ran'} in {seconds:.2f}s "
    return text.center(80, "=")


def main(which: str, arguments: list[str]) -> int:
    if which == "sum":
        path = Path(arguments[0])
        print(closing_line(counted(path), time.time() - float(os.environ.get("LATCHKEY_STARTED", time.time()))))
        return 0
    started = time.monotonic()
    todo = plan()
    outer = os.environ.get("LATCHKEY_TEST_TALLY")
    with tempfile.TemporaryDirectory() as folder:
        tally = Path(folder) / "tally"
        for each in todo.rounds:
            run(each, which, arguments, tally, first=each is todo.rounds[0])
        total = counted(tally)
        if outer and tally.exists():
            with Path(outer).open("a", encoding="utf-8") as file:
                file.write(tally.read_text(encoding="utf-8"))
    failed = [each.name for each in todo.rounds if each.status]
    print()
    for reason in todo.left_out:
        print(f"Not tested: {reason}")
    if which == "quick":
        print(f"Not tested: {', '.join(HEAVY)} (make test-all)")
    if failed:
        print(f"Failed on: {', '.join(failed)}")
    strict = bool(todo.left_out) and os.environ.get("FAIL_ON_SKIP", "") not in {"", "0"}
    if strict:
        print("FAIL_ON_SKIP is set, and not everything was there to test with.")
    print(closing_line(total, time.monotonic() - started), flush=True)
    return 1 if failed or strict else 0


if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in {"quick", "full", "sum"}:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], sys.argv[2:]))
