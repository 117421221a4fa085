"""The worker, one of its children and the beat of production are killed with -9 while jobs run, broker Redis.

As compose.yaml and the systemd units start them. When they are back every job has done its work once (I11), and no
process of theirs is left behind.
"""

import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.config.test_portal import gone, processes_of
from tests.databases import PROJECT
from tests.faults.installation import Installation
from tests.faults.processes import children, send, wait_for

pytestmark = [pytest.mark.fault, pytest.mark.slow, pytest.mark.timeout(120)]

COMMANDS = {"worker": ["worker", "--concurrency", "2"], "beat": ["beat", "--pidfile="]}
ROUNDS = (("worker", "beat"), ("child",), ("worker",), ("beat", "worker"))
SLOW = (
    "tokens_tokenfamily tokens_issuedtoken tokens_refreshkey tokens_requestrollup tokens_logseal"
    " tokens_signingkey credentials_connectiontoken tokens_reminder"
)
UNDER_WAY = """
    SELECT pid, query_start FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'"""
RUNNING = "SELECT count(*) FROM proxies_scheduledjob WHERE held_until > now()"
UNDONE = """
    SELECT name FROM proxies_scheduledjob s WHERE held_until IS NOT NULL OR requested_at IS NOT NULL OR NOT EXISTS (
        SELECT 1 FROM proxies_jobrun r WHERE r.job = s.name AND r.outcome = 'done')"""
# A run that began before the one before had ended; both clocks are read a moment before what they tell of is stored.
AT_ONCE = """
    SELECT a.job, a.id, b.id FROM proxies_jobrun a JOIN proxies_jobrun b ON a.job = b.job AND a.id < b.id
    WHERE b.started_at < a.finished_at - interval '1 second'"""
# No request is missing in the sums, and none is in them twice.
MISCOUNTED = """
    SELECT hour, sum(requests) FROM tokens_requestrollup r GROUP BY hour HAVING sum(requests) <> (
        SELECT count(*) FROM tokens_tokenrequestlog l WHERE date_trunc('hour', l.at) = r.hour)"""


@dataclass
class Background:
    """Worker and beat of one database, and what the database says of their work."""

    portal: Installation
    data: Path
    name: str = "swept"
    parts: "dict[str, subprocess.Popen[bytes]]" = field(default_factory=dict)

    def ask(self, sql: str, *parameters: object) -> list[tuple[object, ...]]:
        return self.portal.database.ask(sql, *parameters, name=self.name)

    def sweeps(self, verb: str, name: str = "swept") -> str:
        return self.portal.run("-m", "tests.faults.sweeps", verb, DATABASE_URL=self.portal.database.url(name))

    def start(self, parts: tuple[str, ...] = ("worker", "beat")) -> None:
        """Those of them that do not run."""
        environment = self.portal.environment(
            DATABASE_URL=self.portal.database.url(self.name),
            REDIS_URL=f"redis://127.0.0.1:{self.portal.redis.port}/1",
            DATA_DIR=str(self.data),
            JOB_TICK_SECONDS="1",
        )
        for part in parts:
            if part not in self.parts:
                with (self.data.parent / f"{part}.log").open("ab") as log:
                    self.parts[part] = subprocess.Popen(
                        [sys.executable, "-m", "celery", "-A", "config", *COMMANDS[part]],
                        cwd=PROJECT, env=environment, stdout=log, stderr=log,
                    )  # fmt: skip

    def wish(self) -> None:
        """Every job is to run now, as an administrator could say."""
        self.ask("UPDATE proxies_scheduledjob SET requested_at = now(), requested_by = 'test'")

    def kill(self, who: tuple[str, ...], chance: random.Random) -> None:
        """kill -9; what they held is then as free as it is two minutes later, when their leases have run out."""
        worker = self.parts["worker"].pid
        if who == ("child",):
            victims = [chance.choice(children(worker))]
            dead = list(victims)
        else:
            victims = [self.parts[part].pid for part in who]
            dead = [*victims, *(children(worker) if "worker" in who else [])]
        send(victims, signal.SIGKILL)
        under_way = set(self.ask(UNDER_WAY))
        for part in who:
            if part in self.parts:
                self.parts.pop(part).wait(10)
        wait_for("children outlive their parent", lambda: not set(dead) & set(processes_of(self.data)), 5)
        # A statement that is under way at the server ends long before a lease does.
        wait_for("statements of the dead go on", lambda: not under_way & set(self.ask(UNDER_WAY)), 15)
        like = [f"%:{pid}:%" for pid in dead]
        self.ask("UPDATE proxies_scheduledjob SET held_until = now() WHERE holder LIKE ANY(%s)", like)

    def told(self) -> str:
        """The ends of their logs."""
        return "\n".join(log.read_text()[-1500:] for log in self.data.parent.glob("*.log"))

    def end(self) -> None:
        for process in self.parts.values():
            process.kill()
            process.wait(10)
        send(processes_of(self.data), signal.SIGKILL)


@contextmanager
def slow_statements(background: Background) -> Iterator[None]:
    """Each writing statement of a job takes a while, so that a kill finds one under way: nothing of the product is
    changed for it.
    """
    background.ask("""
        CREATE FUNCTION fault_slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            PERFORM pg_sleep(0.3); RETURN NULL;
        END $$""")
    for table in SLOW.split():
        background.ask(
            f"CREATE TRIGGER fault_slow AFTER INSERT OR UPDATE OR DELETE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION fault_slow()"
        )
    yield
    background.ask("DROP FUNCTION fault_slow CASCADE")


@pytest.fixture
def background(portal: Installation, tmp_path: Path) -> Iterator[Background]:
    """A database with work for each job, and a twin of it, in which nobody is killed."""
    made = Background(portal, tmp_path / "background")
    made.data.mkdir(mode=0o700)
    portal.database.ask("CREATE DATABASE swept", name="postgres")
    try:
        portal.run("manage.py", "migrate", "--verbosity", "0", DATABASE_URL=portal.database.url("swept"))
        made.sweeps("prepare")
        portal.database.ask("CREATE DATABASE twin TEMPLATE swept", name="postgres")
        yield made
    finally:
        made.end()
        for name in ("swept", "twin"):
            portal.database.ask(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)", name="postgres")


def test_i11_b17_worker_and_beat_killed_while_jobs_run_lose_nothing_and_do_nothing_twice(
    background: Background,
) -> None:
    before = json.loads(background.sweeps("standing"))
    background.sweeps("sweep", "twin")
    expected = json.loads(background.sweeps("standing", "twin"))
    assert expected != before, "there was nothing to do"
    chance = random.Random(11)
    with slow_statements(background):
        for who in ROUNDS:
            background.start()
            wait_for("no job runs", lambda: background.ask(RUNNING)[0][0], 30)
            time.sleep(chance.uniform(0, 1))
            background.kill(who, chance)
            background.wish()
    background.start()
    try:
        wait_for("some jobs are never done", lambda: not background.ask(UNDONE), 40)
    except TimeoutError as late:
        raise AssertionError(f"{background.ask(UNDONE)}\n{background.told()}") from late

    assert background.ask("SELECT count(*) FROM proxies_jobrun WHERE outcome = 'interrupted'")[0][0], (
        "nobody was killed"
    )
    assert background.ask("SELECT job, trouble FROM proxies_jobrun WHERE outcome = 'failed'") == []
    assert background.ask(AT_ONCE) == []
    assert background.ask(MISCOUNTED) == []
    assert json.loads(background.sweeps("standing")) == expected
    background.portal.run("manage.py", "check_log", DATABASE_URL=background.portal.database.url("swept"))

    background.parts["worker"].kill()
    background.parts["beat"].kill()
    assert gone(background.data, 5), "something of them lives on"


def test_b17_a_worker_killed_in_the_moment_in_which_it_forks_leaves_no_child(
    portal: Installation, tmp_path: Path
) -> None:
    """A child asks the kernel for a signal at its parent's death a moment after it was made: too late here."""
    started = Background(portal, tmp_path / "background", "portal")
    started.data.mkdir(mode=0o700)
    try:
        for _ in range(3):
            started.start(("worker",))
            worker = started.parts.pop("worker")
            children_of = Path(f"/proc/{worker.pid}/task/{worker.pid}/children")
            end = time.monotonic() + 30
            while not children_of.read_text():
                assert time.monotonic() < end, started.told()
            worker.kill()
            worker.wait(10)
            assert gone(started.data, 5), "a child outlives its parent"
    finally:
        started.end()
