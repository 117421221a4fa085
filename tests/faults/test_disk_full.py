"""The disk is full, of PostgreSQL's tables, of its write-ahead log, of SQLite: 503, nothing half written, back at once.

PostgreSQL gets a true ENOSPC: a few megabytes of memory are mounted as a disk and filled.
"""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.db.backends.signals import connection_created

from tests.databases import OwnDatabase
from tests.faults import checks
from tests.faults.honest import RECOVERY_SECONDS, Crowd
from tests.faults.installation import Installation
from tests.faults.processes import unprivileged, wait_for
from tests.tokens.doors.asking import ask_refresh, ask_token, verify
from tests.tokens.doors.test_storage_away import state
from tests.world import build
from tokens.lifecycle import Client

pytestmark = [pytest.mark.fault, pytest.mark.slow, pytest.mark.timeout(180)]
TABLES = "tokens_tokenfamily tokens_issuedtoken tokens_refreshkey tokens_tokenrequestlog"
UNTIL_FULL_SECONDS = 30.0


@contextmanager
def small_disk(megabytes: int) -> Iterator[Path]:
    """Of the account that PostgreSQL runs as."""
    account = unprivileged()
    folder = Path(tempfile.mkdtemp(prefix="latchkey-faults-disk-"))
    options = f"size={megabytes}m,mode=700,uid={account['user']},gid={account['group']}"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)
        folder.rmdir()


def fill(disk: Path) -> Path:
    """A file that takes all the room there is."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (1 << 16, 1 << 12):
            with suppress(OSError):
                while True:
                    file.write(bytes(size))
    assert shutil.disk_usage(disk).free < 1 << 12
    return ballast


@contextmanager
def tables_on(disk: Path, portal: Installation) -> Iterator[None]:
    """The tables of tokens and the request log, with their indexes, on the small disk; the rest has room."""
    indexes = "SELECT indexname FROM pg_indexes WHERE tablename = ANY(%s)"

    def move(to: str) -> None:
        for table in TABLES.split():
            portal.database.ask(f"ALTER TABLE {table} SET TABLESPACE {to}")
        for (index,) in portal.database.ask(indexes, TABLES.split()):
            portal.database.ask(f'ALTER INDEX "{index}" SET TABLESPACE {to}')

    place = disk / "tables"
    place.mkdir(mode=0o700)
    account = unprivileged()
    os.chown(place, int(str(account["user"])), int(str(account["group"])))
    portal.database.ask(f"CREATE TABLESPACE small LOCATION '{place}'")
    move("small")
    try:
        yield
    finally:
        move("pg_default")
        portal.database.ask("CHECKPOINT")
        portal.database.ask("DROP TABLESPACE small")


@contextmanager
def log_on(disk: Path, portal: Installation) -> Iterator[None]:
    """The write-ahead log on the small disk, as a link: without it nothing at all can be written."""
    log, place = portal.database.folder / "data" / "pg_wal", disk / "wal"

    def move(source: Path, target: Path) -> None:
        portal.database.stop()
        shutil.copytree(source, target, dirs_exist_ok=True)
        subprocess.run(["chown", "-R", "--reference", disk, target], check=True)

    portal.database.stop()
    move(log, place)
    shutil.rmtree(log)
    log.symlink_to(place)
    portal.database.start()
    try:
        yield
    finally:
        portal.database.stop()
        log.unlink()
        move(place, log)
        portal.database.start()


PLACES: dict[str, Callable[[Path, Installation], AbstractContextManager[None]]] = {
    "tables": tables_on,
    "write-ahead log": log_on,
}


def use_up_the_log(portal: Installation) -> None:
    """Segments that are there already are used again, so a full disk alone would be felt much later."""
    with pytest.raises(psycopg.OperationalError):
        portal.database.ask("SELECT pg_logical_emit_message(true, 'test', repeat('x', 64000000))")


def start_again(portal: Installation) -> None:
    """A server that gave up is started again by its service manager."""
    if portal.database.process is not None and portal.database.process.poll() is not None:
        portal.database.process = None
        portal.database.start()


@pytest.mark.small_disk
@pytest.mark.parametrize("place", PLACES)
def test_i13_i23_a_full_disk_of_postgresql_is_503_and_five_seconds_after_there_is_room_all_is_well(
    portal: Installation, crowd: Crowd, place: str
) -> None:
    with small_disk(64) as disk, PLACES[place](disk, portal):
        crowd.wait_until_served()
        crowd.statuses()
        ballast = fill(disk)
        if place != "tables":
            use_up_the_log(portal)
        wait_for("the disk is never full", lambda: refused(crowd) > 5, UNTIL_FULL_SECONDS)
        time.sleep(2)
        during = crowd.statuses()
        assert set(during) <= {200, 503}, during
        if place == "tables":
            assert during[200] > 0, "what only reads goes on"
            assert checks.violations(portal.database) == []
        started = time.monotonic()
        ballast.unlink()
        start_again(portal)
        crowd.wait_until_served()
        assert time.monotonic() - started < RECOVERY_SECONDS + 1
        assert checks.violations(portal.database) == []


def refused(crowd: Crowd) -> int:
    """Requests of tokens that were answered with 503."""
    return sum(member.seen[action, 503] for member in crowd.members for action in ("issue", "refresh", "revoke"))


def test_i13_i23_a_full_disk_of_sqlite_is_503_and_the_next_request_with_room_is_served(
    own_database: OwnDatabase, settings: Any
) -> None:
    settings.TOKEN_RATE_LIMIT_PER_MINUTE = settings.CLIENT_RATE_LIMIT_PER_MINUTE = 1_000_000
    world = build()
    world.policy(world.orders, access=3600, refresh=7200, count=None)
    client = world.key_of(world.orders)
    first = ask_token(client)
    assert first.status == 200, first.body
    with no_more_pages():
        fill_up(client)
        before = state()
        assert ask_refresh(client, first.json["refresh_token"]).status == 503
        assert state() == before
    assert ask_refresh(client, first.json["refresh_token"]).status == 200, "the refresh token is lost (I23, I26)"
    assert ask_token(client).status == 200
    assert verify(first.json["access_token"]).status == 401, "replaced (D6)"


@contextmanager
def no_more_pages() -> Iterator[None]:
    """SQLite's own limit, in every connection that is opened meanwhile: one that has failed is not used again."""

    def limit(connection: Any, **_: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA max_page_count = {pages}")

    with connection.cursor() as cursor:
        (pages,) = cursor.execute("PRAGMA page_count").fetchone()
    connection.close()
    connection_created.connect(limit)
    try:
        yield
    finally:
        connection_created.disconnect(limit)
        connection.close()


def fill_up(client: Client) -> None:
    """Until five requests in a row were refused, each of them whole."""
    full = 0
    for turn in range(2_000):
        before = state() if turn % 25 == 0 or full else None
        answered = ask_token(client)
        if answered.status == 200:
            full = 0
            continue
        assert answered.status == 503, answered.body
        assert b"disk" not in answered.body
        if before is not None:
            assert state() == before, "something was written by halves"
            full += 1
        if full == 5:
            break
    assert full == 5, "it was never full"
    for name, query in checks.EMPTY.items():
        with connection.cursor() as cursor:
            assert cursor.execute(query).fetchall() == [], name
