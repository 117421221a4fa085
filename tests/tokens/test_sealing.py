"""The log is gap-evident: whoever alters, adds or takes out a row is found out, and where (I10)."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import pairwise
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext

from proxies import jobs
from tests import world as worlds
from tests.databases import OwnDatabase
from tests.jobs import ran
from tests.tokens.commands.calling import run
from tests.world import REQUEST, World, later
from tokens import lifecycle, sealing
from tokens.models import LogMark, LogSeal, TokenRequestLog

SETTLED = sealing.SETTLED_AFTER.total_seconds()


@pytest.fixture
def world(db: None) -> World:
    return worlds.build()


def log(world: World, rows: int) -> None:
    for _ in range(rows):
        world.issue(world.key_of(world.orders))


def rolled_back(world: World) -> None:
    """A request whose transaction came to nothing, but has taken an id where the database has a sequence."""
    with suppress(RuntimeError), transaction.atomic():
        log(world, 1)
        raise RuntimeError


def sealed(at: float = 0) -> sealing.Sealed:
    """Note, wait, seal."""
    sealing.seal(at=later(at))
    return sealing.seal(at=later(at + SETTLED))


@contextmanager
def superuser(table: str = "tokens_tokenrequestlog") -> Iterator[Any]:
    """What only the owner of the database can do: go past the triggers."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # or pending events would keep the table from being altered
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        else:
            cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s", [table])
            kept = cursor.fetchall()
            for name, _ in kept:
                cursor.execute(f"DROP TRIGGER {name}")
        yield cursor
        if connection.vendor == "postgresql":
            cursor.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_rows")
            cursor.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_table")
        else:
            for _, sql in kept:
                cursor.execute(sql)


def why(done: sealing.Checked) -> list[tuple[int, str]]:
    return [(each.number, each.why) for each in done.broken]


def ids() -> list[int]:
    return list(TokenRequestLog.objects.order_by("pk").values_list("pk", flat=True))


def test_i10_settled_rows_are_sealed_in_a_chain_without_a_gap(world, monkeypatch):
    monkeypatch.setattr(sealing, "ROWS_PER_SEAL", 3)
    log(world, 7)
    assert sealed() == sealing.Sealed(3, 7)
    seals = list(LogSeal.objects.order_by("number"))
    assert [seal.number for seal in seals] == [1, 2, 3]
    assert seals[0].first_id == 1
    assert seals[-1].last_id == ids()[-1]
    assert [seal.rows for seal in seals] == [3, 3, 1]
    for before, after in pairwise(seals):
        assert after.first_id == before.last_id + 1
        assert after.previous_hash == before.hash
    done = sealing.check()
    assert (done.seals, done.rows, done.broken) == (3, 7, [])


def test_i10_nothing_is_sealed_before_it_has_settled_and_nothing_twice(world):
    log(world, 2)
    assert sealing.seal(at=later(0)) == sealing.Sealed(0, 0)
    log(world, 1)  # after the note: for the next time
    assert sealing.seal(at=later(SETTLED - 1)) == sealing.Sealed(0, 0)
    assert sealing.seal(at=later(SETTLED)) == sealing.Sealed(1, 2)
    assert sealing.seal(at=later(SETTLED + 1)) == sealing.Sealed(0, 0)
    assert sealing.seal(at=later(2 * SETTLED)) == sealing.Sealed(1, 1)
    assert sealing.seal(at=later(9 * SETTLED)) == sealing.Sealed(0, 0)
    assert sealing.waiting(up_to=10) == 0


def test_i10_a_gap_of_rolled_back_transactions_is_no_alarm(world):
    log(world, 2)
    rolled_back(world)
    log(world, 1)
    sealed()
    assert sealing.check().broken == []


@pytest.mark.parametrize(
    ("deed", "told"),
    [
        ("DELETE FROM tokens_tokenrequestlog WHERE id = %s", "1 of 3 rows are gone."),
        ("UPDATE tokens_tokenrequestlog SET outcome = 'refused' WHERE id = %s", "the content of a row was altered."),
        ("UPDATE tokens_tokenrequestlog SET duration_ms = 0.5 WHERE id = %s", "the content of a row was altered."),
        ("UPDATE tokens_tokenrequestlog SET id = id + 1000000 WHERE id = %s", "1 of 3 rows are gone."),
    ],
)
def test_i10_whoever_goes_past_the_triggers_is_found_out_and_the_range_is_named(world, monkeypatch, deed, told):
    monkeypatch.setattr(sealing, "ROWS_PER_SEAL", 3)
    log(world, 9)
    sealed()
    victim = ids()[4]
    with superuser() as cursor:
        cursor.execute(deed, [victim])
    done = sealing.check()
    assert why(done) == [(2, told)]
    assert done.broken[0].first_id <= victim <= done.broken[0].last_id


def test_i10_a_row_put_into_a_gap_is_found_out(world):
    log(world, 1)
    gap = ids()[-1] + 1
    rolled_back(world)
    if connection.vendor == "sqlite":  # which gives the number of a rolled back row out again
        row = TokenRequestLog.objects.get(pk=gap - 1)
        row.pk = gap + 1
        row.save(force_insert=True)
    else:
        log(world, 1)
    sealed()
    forged = TokenRequestLog.objects.latest("pk")
    forged.pk = gap
    forged.save(force_insert=True)
    assert why(sealing.check()) == [(1, "1 rows were added.")]


def test_i10_seals_refuse_to_be_changed_as_the_log_does(world):
    log(world, 1)
    sealed()
    attempts = ["UPDATE tokens_logseal SET rows = 0", "DELETE FROM tokens_logseal"]
    attempts += (
        ["TRUNCATE tokens_logseal", "SET LOCAL session_replication_role = replica; DELETE FROM tokens_logseal"]
        if connection.vendor == "postgresql"
        else ["REPLACE INTO tokens_logseal SELECT * FROM tokens_logseal"]
    )
    for attempt in attempts:
        with pytest.raises(DatabaseError, match="permanent"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(attempt)
    assert LogSeal.objects.count() == 1


def test_i10_altered_missing_and_forged_seals_are_found_out(world, monkeypatch):
    monkeypatch.setattr(sealing, "ROWS_PER_SEAL", 2)
    log(world, 8)
    sealed()
    with superuser("tokens_logseal") as cursor:
        cursor.execute("UPDATE tokens_logseal SET rows = 1 WHERE number = 2")
        cursor.execute("DELETE FROM tokens_logseal WHERE number = 3")
    assert why(sealing.check()) == [
        (2, "the seal itself was altered."),
        (2, "1 rows were added."),
        (4, "seals 3 to 3 before it are gone."),
    ]


def test_i10_who_has_the_database_but_not_the_key_cannot_seal_again(world, settings):
    log(world, 3)
    sealed()
    with superuser() as cursor:
        cursor.execute("DELETE FROM tokens_tokenrequestlog WHERE id = %s", [ids()[1]])
    forged = LogSeal.objects.get()
    forged.rows, forged.rows_hash = sealing._rows(forged)
    forged.hash = sealing._hash(forged)
    forged.signature = sealing._sign(forged.hash, b"guessed")[1]
    with superuser("tokens_logseal"):
        forged.save()
    assert why(sealing.check()) == [(1, "the seal was not made by this installation.")]


def test_i10_the_keys_may_be_rotated_the_newest_seal_vouches_for_all(world, settings):
    log(world, 1)
    sealed()
    old = settings.TOKEN_HASH_KEYS
    settings.TOKEN_HASH_KEYS = [b"n" * 32, *old]
    log(world, 1)
    sealed(9 * SETTLED)
    assert sealing.check().broken == []
    settings.TOKEN_HASH_KEYS = [b"n" * 32]
    assert sealing.check().broken == []
    settings.TOKEN_HASH_KEYS = [b"m" * 32]
    assert why(sealing.check()) == [
        (2, "the newest seal was signed with a key that is not in TOKEN_HASH_KEYS, so nothing vouches for the chain.")
    ]


def test_i10_the_jobs_seal_and_check_in_turn_and_fail_with_the_range(world, monkeypatch):
    monkeypatch.setattr(sealing, "ROWS_PER_SEAL", 1)
    monkeypatch.setattr("tokens.jobs.SEALS_CHECKED", 2)
    log(world, 5)
    assert jobs.job_named("seal_log").backlog(later(0)) == 5
    ran("seal_log")
    LogMark.objects.update(noted_at=later(0))
    assert ran("seal_log") == {"seals": 5, "rows": 5}
    assert jobs.job_named("seal_log").backlog(later(0)) == 0
    assert [ran("check_log")["rows"] for _ in range(4)] == [2, 2, 1, 2]
    with superuser() as cursor:
        cursor.execute("DELETE FROM tokens_tokenrequestlog WHERE id IN (%s, %s)", [ids()[2], ids()[4]])
    jobs.request("check_log", by="test")
    failed = jobs.run("check_log")
    assert failed is not None
    assert failed.outcome == "failed"
    assert (
        failed.trouble
        == f"Rows {LogSeal.objects.get(number=3).first_id} to {ids()[2] - 1} (seal 3): 1 of 1 rows are gone."
    )


def test_i10_the_command_names_what_is_wrong(world):
    log(world, 3)
    assert "There are no seals yet." in run("check_log").out
    sealed()
    good = run("check_log", "--json")
    assert good.status == 0
    assert (good.json["seals"], good.json["rows"], good.json["broken"]) == (1, 3, [])
    assert good.json["newest"]["hash"] == LogSeal.objects.get().hash
    with superuser() as cursor:
        cursor.execute("DELETE FROM tokens_tokenrequestlog WHERE id = %s", [ids()[1]])
    bad = run("check_log")
    assert bad.status == 1
    assert f"Rows 1 to {ids()[-1]} (seal 1): 1 of 3 rows are gone." in bad.err
    assert run("check_log", "--from", "2").status == 0


def _seal(index: int) -> sealing.Sealed:
    return sealing.seal(at=later(SETTLED))


def test_i10_sealing_beside_itself_makes_one_chain(own_database: OwnDatabase, monkeypatch):
    monkeypatch.setattr(sealing, "ROWS_PER_SEAL", 2)
    world = worlds.build()
    log(world, 20)
    sealing.seal(at=later(0))
    made = [each.get().seals for each in own_database.run_in_threads(4, _seal)]
    assert sum(made) == LogSeal.objects.count() == 10
    done = sealing.check()
    assert (done.rows, done.broken) == (20, [])


def test_i10_a_row_committed_late_under_a_smaller_id_is_under_the_seal(own_database: OwnDatabase):
    if connection.vendor == "sqlite":
        world = worlds.build()
        log(world, 2)  # one writer at a time: no id is ever committed late
        sealed()
        assert sealing.check().rows == 2
        return
    world = worlds.build()
    client = world.key_of(world.orders)

    def call(index: int) -> None:
        if index:
            started.wait(30)
            lifecycle.issue(client, request=REQUEST)  # a greater id, committed first
            sealing.seal(at=later(0))
            noted.set()
            return
        with transaction.atomic():
            lifecycle.issue(client, request=REQUEST)
            started.set()
            noted.wait(30)

    started, noted = threading.Event(), threading.Event()
    for outcome in own_database.run_in_threads(2, call):
        outcome.get()
    assert sealing.seal(at=later(SETTLED)).rows == 2
    assert sealing.check().broken == []


def test_i10_nothing_is_sealed_inside_a_token_s_transaction(world):
    sealed()
    with CaptureQueriesContext(connection) as asked:
        log(world, 1)
    assert not [query for query in asked.captured_queries if "logseal" in query["sql"] or "logmark" in query["sql"]]
