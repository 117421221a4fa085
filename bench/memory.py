"""Memory at a million tokens: the worker under every job, the commands that read or write everything, the importers.

    DATABASE_URL=postgres://... REDIS_URL=redis://... python -m bench.memory [--rows 1000000] [--write]

Works on a test database of its own. Memory is the peak of what a process held resident, as Linux counts it: for the
worker, of its parent and its child; for a command, of the command.
"""

import argparse
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from bench import admin, page

CHECKOUT = Path(__file__).resolve().parent.parent
START_SECONDS, JOB_SECONDS = 60.0, 900.0
# An import asks about each token, so it takes its time; its memory is that of a page, whatever there is.
IMPORTED_SHARE = 10
# Where imported tokens land.
PLACE = (
    ("add_proxy", "imported", "--scopes", "read write groups"),
    ("set_mode", "imported", "credentials", "--yes"),
    ("deploy", "imported"),
)
OUTSTANDING = "token_blacklist_outstandingtoken"


@dataclass(frozen=True)
class Line:
    """One process and its peak."""

    what: str
    peak_mb: float
    seconds: float

    @property
    def cells(self) -> str:
        """As a row of the page's table."""
        return f"| {self.what} | {self.peak_mb:.0f} | {self.seconds:.0f} |"


def command(*words: str, environment: Mapping[str, str], what: str = "") -> Line:
    """Run a management command to its end. Raises SystemExit where it fails."""
    started = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "manage.py", *words], cwd=CHECKOUT, env=environment, stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"manage.py {' '.join(words)} ended with {process.returncode}")
    return Line(what or f"`manage.py {words[0]}`", usage.ru_maxrss / 1024, time.monotonic() - started)


def _children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _peak_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024


@contextmanager
def worker(environment: Mapping[str, str]) -> Iterator["subprocess.Popen[bytes]"]:
    """A worker as in production, with one child."""
    command = [sys.executable, "-m", "celery", "-A", "config", "worker", "--concurrency", "1"]
    process = subprocess.Popen(
        command, cwd=CHECKOUT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def jobs_in_worker(environment: Mapping[str, str]) -> Line:
    """Every scheduled job, one after the other, in one child. Raises SystemExit where one fails or hangs."""
    from proxies import jobs
    from proxies.models import JobRun
    from proxies.tasks import run_job

    started = time.monotonic()
    jobs.enlist()
    with worker(environment) as process:
        for job in jobs.registered():
            jobs.request(job.name, by="bench")
            before = JobRun.objects.filter(job=job.name).exclude(finished_at=None).count()
            run_job.apply_async((job.name,))
            until = time.monotonic() + JOB_SECONDS
            while JobRun.objects.filter(job=job.name).exclude(finished_at=None).count() == before:
                if time.monotonic() > until or process.poll() is not None:
                    raise SystemExit(f"{job.name} does not end")
                time.sleep(0.2)
            last = JobRun.objects.filter(job=job.name).latest("started_at")
            print(f"  {job.name}: {last.outcome} {last.counts}", flush=True)
        (child,) = _children(process.pid)
        peaks = _peak_mb(process.pid), _peak_mb(child)
    return Line(f"worker, parent {peaks[0]:.0f} MB and child, every job", max(peaks), time.monotonic() - started)


def _sources(folder: Path, rows: int) -> Iterator[tuple[tuple[str, ...], dict[str, str], str]]:
    """Databases of the other packages with so many tokens: the command's words, its environment, its name."""
    from tests.tokens.importing import simplejwt_project, sources, toolkit
    from tests.tokens.importing.multiplied import multiply

    path = folder / "toolkit.sqlite3"
    other = sources.made(toolkit.MODULE, f"sqlite:///{path}")
    multiply(path, rows)
    asked: tuple[str, ...] = ("import_oauth_toolkit", "--target", "imported", "--until", "2099-12-31")
    yield asked, {"SOURCE_DATABASE_URL": other.url}, f"import of {rows:,} pairs of the toolkit"
    path = folder / "simplejwt.sqlite3"
    other = sources.made(simplejwt_project.MODULE, f"sqlite:///{path}")
    key = folder / "key"
    key.write_text(simplejwt_project.KEY)
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(
            f"INSERT INTO {OUTSTANDING} (id, user_id, jti, token, created_at, expires_at) WITH RECURSIVE n(i) AS"
            " (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) SELECT n.i + 1000000, user_id,"
            f" printf('%032x', n.i + 1000000), token, created_at, expires_at FROM n, {OUTSTANDING} t WHERE t.id = 1",
            (rows,),
        )
    asked = ("import_simplejwt", "--target", "imported", "--until", "2099-12-31", "--key-file", str(key))
    yield asked, {"SOURCE_DATABASE_URL": other.url}, f"import of {rows:,} tokens of simplejwt"


def measure(rows: int, folder: Path, environment: Mapping[str, str]) -> Iterator[Line]:
    """All of it, the lines as they come."""
    yield command("clean_tokens", "--dry-run", environment=environment, what="`manage.py clean_tokens --dry-run`")
    yield command("check_log", environment=environment)
    yield command("export_log", str(folder / "log.jsonl.gz"), environment=environment)
    yield jobs_in_worker(environment)
    for each in PLACE:
        command(*each, environment=environment)
    for words, more, what in _sources(folder, rows // IMPORTED_SHARE):
        yield command(*words, environment={**environment, **more}, what=what)


def section(lines: list[Line], rows: int) -> str:
    """What goes between the marks."""
    head = (
        "## Memory at size\n\n"
        f"On PostgreSQL with {rows:,} access tokens, as many refresh tokens and keys of people, and as many log rows.\n"
        f"The peak of what each process held. Made by `python -m bench.memory --write` ({page.machine()}).\n\n"
        "| process | peak, MB | seconds |\n|---|---|---|\n"
    )
    return head + "\n".join(line.cells for line in lines)


def main(argv: list[str] | None = None) -> int:
    """Fill, measure, drop."""
    parser = argparse.ArgumentParser(prog="bench.memory", description="Memory of worker, commands and importers.")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--write", action="store_true", help="put the figures into docs/performance.md")
    found = parser.parse_args(argv)
    if "DATABASE_URL" not in os.environ or "REDIS_URL" not in os.environ:
        parser.error("name a PostgreSQL as DATABASE_URL and a Redis as REDIS_URL")
    with tempfile.TemporaryDirectory(prefix="latchkey-memory-") as made:
        folder = Path(made)
        given = urlsplit(os.environ["DATABASE_URL"])
        admin.prepare(folder, found.rows, found.rows, keep=False)
        from django.db import connection

        name = str(connection.settings_dict["NAME"])
        environment = {**os.environ, "DATABASE_URL": urlunsplit(given._replace(path=f"/{name}")), "DATABASE_POOL": "1"}
        lines = []
        try:
            for line in measure(found.rows, folder, environment):
                print(line.cells, flush=True)
                lines.append(line)
        finally:
            connection.creation.destroy_test_db(name, verbosity=0)
        if found.write:
            page.write_section("memory", section(lines, found.rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
