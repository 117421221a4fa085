"""The log of a time goes to a file whole, also when it is killed on the way, and its seals are told (I10, R38, R40)."""

import csv
import gzip
import hashlib
import json
import signal
import subprocess
import sys
import tracemalloc
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from proxies.models import ChangeRecord
from tests.databases import PROJECT, OwnDatabase
from tests.tokens.commands.calling import run
from tests.tokens.test_sealing import SETTLED, superuser
from tests.world import START, World, build, later
from tokens import log_archive, log_export, sealing
from tokens.errors import LogExportRefused
from tokens.models import TokenRequestLog

ROWS = 25


@pytest.fixture
def world(db: None) -> World:
    """A row each second, but two in the fifth."""
    made = build()
    for second in [*range(ROWS - 1), 5]:
        made.issue(made.key_of(made.orders), at=second)
    return made


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_archive, "ROWS_PER_STEP", 4)
    monkeypatch.setattr(log_export, "SLICE", 3)


def opened(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def ids(path: Path) -> list[int]:
    text = opened(path).decode()
    if ".csv" in path.name:
        return [int(row["id"]) for row in csv.DictReader(text.splitlines())]
    return [json.loads(line)["id"] for line in text.splitlines()]


def expected(first: float = 0, last: float = 10**9) -> list[int]:
    rows = TokenRequestLog.objects.filter(at__gte=later(first), at__lt=later(last))
    return list(rows.order_by("at", "pk").values_list("pk", flat=True))


@pytest.mark.parametrize("name", ["log.jsonl", "log.csv", "log.jsonl.gz", "log.csv.gz"])
def test_the_whole_log_the_oldest_first(world: World, small: None, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    done = run("export_log", str(path), "--json")
    assert done.status == 0, done.err
    assert ids(path) == expected()
    assert len(expected()) == ROWS
    assert done.json["rows"] == ROWS
    assert done.json["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert sorted(each.name for each in tmp_path.iterdir()) == [name]
    assert path.stat().st_mode & 0o077 == 0
    record = ChangeRecord.objects.get(verb="export token request log")
    assert (record.actor, record.note[:13]) == ("command line", "the beginning")


def test_a_time_of_it_and_no_row_of_the_last_minutes(world: World, small: None, tmp_path: Path) -> None:
    first, last = (f"{later(at):%Y-%m-%dT%H:%M:%S}" for at in (5, 9))
    assert run("export_log", str(tmp_path / "a.jsonl"), "--from", first, "--until", last).status == 0
    assert ids(tmp_path / "a.jsonl") == expected(5, 9)
    assert len(expected(5, 9)) == 5
    # A row that is written now has not settled.
    just_now = log_archive.write(
        tmp_path / "b.jsonl", since=None, until=None, by="x", at=later(10) + sealing.SETTLED_AFTER
    )
    assert ids(tmp_path / "b.jsonl") == expected(0, 10)
    assert just_now.until == later(10)


@pytest.mark.parametrize("name", ["none.csv", "none.jsonl.gz"])
def test_a_time_without_rows_makes_a_file_without_rows(world: World, tmp_path: Path, name: str) -> None:
    assert run("export_log", str(tmp_path / name), "--until", "2020-01-01").status == 0
    assert ids(tmp_path / name) == []
    assert not ChangeRecord.objects.filter(verb="export token request log").exists()


def test_what_was_interrupted_goes_on_and_no_row_is_lost_or_doubled(
    world: World, small: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "log.csv.gz"
    for stop_at in range(1, ROWS, 3):
        written = 0

        def failing(values: Any, stop_at: int = stop_at) -> str:
            nonlocal written
            written += 1
            if written > stop_at:
                raise OSError(28, "No space left on device")
            return log_export.csv_line(values)

        with monkeypatch.context() as patched:
            patched.setitem(log_archive._LINES, "csv", failing)
            done = run("export_log", str(path))
        if done.status == 0:
            break
        assert "the same command goes on" in done.err
        assert not path.exists()
        # A killed process may leave more behind than it has kept in mind.
        with (tmp_path / "log.csv.gz.part").open("ab") as part:
            part.write(b"half a line")
    else:
        pytest.fail("it never came to its end")
    assert stop_at > log_archive.ROWS_PER_STEP
    assert ids(path) == expected()


def test_an_archive_of_another_time_a_finished_one_and_a_wrong_name_are_refused(world: World, tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    (tmp_path / "log.csv.state").write_text(
        json.dumps({"since": "", "wanted_until": "", "until": "2026-01-02T00:00:00Z"})
    )
    assert "begun for another time" in run("export_log", str(path), "--from", "2026-01-01").err
    assert run("export_log", str(path)).status == 0
    assert "is there already" in run("export_log", str(path)).err
    assert ".jsonl.gz" in run("export_log", str(tmp_path / "log.txt")).err
    assert "cannot be written" in run("export_log", str(tmp_path / "nowhere" / "log.csv")).err


def test_two_at_once_do_not_write_one_file(world: World, tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    with log_archive._part(path), pytest.raises(LogExportRefused, match="at this moment"):
        log_archive.write(path, since=None, until=None, by="x")


def test_i10_the_seals_over_the_rows_are_told_whole_or_broken(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    none = run("export_log", str(tmp_path / "none.csv"))
    assert "No seal is over these rows yet." in none.out
    monkeypatch.setattr(sealing, "ROWS_PER_SEAL", 10)
    sealing.seal(at=START)
    sealing.seal(at=START + timedelta(seconds=SETTLED))
    world.issue(world.key_of(world.orders), at=100)
    whole = run("export_log", str(tmp_path / "whole.csv"))
    assert "The seals 1 to 3 over these rows are whole; 1 of the newest rows are under none yet." in whole.out
    victim = expected()[12]
    with superuser() as cursor:
        cursor.execute("UPDATE tokens_tokenrequestlog SET outcome = 'granted', client_id = 'x' WHERE id = %s", [victim])
    part = run("export_log", str(tmp_path / "part.csv"), "--until", f"{later(4):%Y-%m-%dT%H:%M:%S}")
    assert part.status == 0  # what is broken is not among these rows
    broken = run("export_log", str(tmp_path / "broken.csv"), "--json")
    assert broken.status == 1
    assert "the content of a row was altered" in broken.err
    assert len(broken.json["broken"]) == 1


def test_r40_a_cell_that_a_spreadsheet_would_run_is_text() -> None:
    assert log_export.csv_line(["=cmd()", "+1", "a,b", None]) == "'=cmd(),'+1,\"a,b\",\r\n"


WRITE = """
import django, os, signal, sys; django.setup()
from pathlib import Path
from tokens import log_archive, log_export
log_archive.ROWS_PER_STEP, log_export.SLICE = 4, 3
def at_step(rows):
    if rows == 12:
        os.kill(os.getpid(), signal.SIGKILL)
log_archive.write(Path(sys.argv[1]), since=None, until=None, by="x", progress=at_step)
"""


def test_killed_with_9_it_goes_on_where_it_was(own_database: OwnDatabase, tmp_path: Path) -> None:
    made = build()
    for second in range(ROWS):
        made.issue(made.key_of(made.orders), at=second)
    path = tmp_path / "log.jsonl.gz"
    environment = {**own_database.environment(), "DJANGO_SETTINGS_MODULE": "config.settings"}
    command = [sys.executable, "-c", WRITE, str(path)]
    killed = subprocess.run(command, cwd=PROJECT, env=environment, check=False, timeout=60)
    assert killed.returncode == -signal.SIGKILL
    assert json.loads((tmp_path / "log.jsonl.gz.state").read_text())["rows"] == 12
    assert run("export_log", str(path)).status == 0
    assert ids(path) == expected()


@pytest.mark.slow
def test_memory_is_bounded_whatever_the_rows(own_database: OwnDatabase, tmp_path: Path) -> None:
    made = build()
    made.issue(made.key_of(made.orders))
    columns = ", ".join(connection.ops.quote_name(name) for name in log_export.COLUMNS if name != "id")
    with connection.cursor() as cursor:
        for _ in range(17):
            cursor.execute(
                f"INSERT INTO tokens_tokenrequestlog ({columns}) SELECT {columns} FROM tokens_tokenrequestlog"
            )
    rows = TokenRequestLog.objects.count()
    assert rows == 2**17
    tracemalloc.start()
    try:
        done = log_archive.write(tmp_path / "log.jsonl.gz", since=None, until=None, by="x")
        assert tracemalloc.get_traced_memory()[1] < 20 * 2**20
    finally:
        tracemalloc.stop()
    assert done.rows == rows
    with gzip.open(tmp_path / "log.jsonl.gz") as lines:
        assert sum(1 for _ in lines) == rows
    assert (tmp_path / "log.jsonl.gz").stat().st_size < rows * 100
