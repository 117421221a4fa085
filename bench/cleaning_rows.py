"""What the cleaning benchmark cleans: grants that are over, and a tenth of them on top that live.

Run by bench/cleaning.py in processes of their own, one for each database:

    python -m bench.cleaning_rows ours|theirs fill GRANTS
    python -m bench.cleaning_rows ours|theirs clean          prints what it took as JSON
    python -m bench.cleaning_rows ours refresh CLIENT        refreshes until its input ends, prints how long they took
"""

import json
import os
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

from bench import filling
from bench.filling import NOW, Words

DAYS = 60
DAY = 86_400
REFRESHERS, REFRESH_PAUSE_SECONDS = 4, 0.02
# The figures that count for the toolkit: Django's defaults, and its refresh tokens' life as its documentation sets it.
TOOLKIT = {"REFRESH_TOKEN_EXPIRE_SECONDS": 7 * DAY}


def ours(rows: int) -> list[str]:
    """So many expired rows: a third each families, access tokens and refresh keys, which ended within 60 days.

    Returns a client and its secret.
    """
    from tests import world as worlds

    grants = rows // 3
    world = worlds.build()
    words = Words(_vendor())
    total = grants + grants // 10
    past = words.moment(NOW - timedelta(days=DAYS), f"i * {DAYS * DAY - 7_200}.0 / {grants}")
    ahead = words.moment(NOW + timedelta(days=1), "i % 1000")
    ends = {"expires_at": f"CASE WHEN i <= {grants} THEN {past} ELSE {ahead} END"}
    born = words.moment(NOW - timedelta(days=DAYS + 7), "i")
    common = {"revoked_at": "NULL", "sequence": "0"}
    filling.insert("tokens_tokenfamily", total, {**filling.families(world, words, total), **common})
    filling.insert(
        "tokens_issuedtoken", total, {**filling.tokens(world, words, total), **common, **ends, "issued_at": born}
    )
    filling.insert(
        "tokens_refreshkey", total, {**filling.refresh_keys(world, words, total), **common, **ends, "created_at": born}
    )
    world.policy(world.orders, access=3_600, refresh=7_200, count=None)
    client = world.key_of(world.orders)
    return [client.client_id, client.secret]


def theirs(rows: int) -> None:
    """So many expired rows: half access tokens, half refresh tokens that were rotated away."""
    from django.contrib.auth import get_user_model
    from django.core.management import call_command
    from oauth2_provider.models import get_application_model

    call_command("migrate", verbosity=0)
    pairs, words = rows // 2, Words(_vendor())
    total = pairs + pairs // 10
    person = get_user_model().objects.create(username="bench")
    application = get_application_model().objects.create(
        client_id="bench", client_type="confidential", authorization_grant_type="authorization-code", user=person
    )
    born = words.moment(NOW - timedelta(days=DAYS + 7), "i")
    past = words.moment(NOW - timedelta(days=DAYS), f"i * {DAYS * DAY - 7_200}.0 / {pairs}")
    ahead = words.moment(NOW + timedelta(days=1), "i % 1000")
    common = {"id": "i", "resource": "'[]'", "created": born, "updated": born}
    common |= {"application_id": str(application.pk), "user_id": str(person.pk)}
    filling.insert(
        "oauth2_provider_accesstoken",
        total,
        {
            **common,
            "token": words.hex("t", 64),
            "token_checksum": words.hex("c", 64),
            "expires": f"CASE WHEN i <= {pairs} THEN {past} ELSE {ahead} END",
            "scope": "'read'",
        },
    )
    filling.insert(
        "oauth2_provider_refreshtoken",
        total,
        {
            **common,
            "token": words.hex("r", 64),
            "token_checksum": words.hex("s", 64),
            "access_token_id": "i",
            "token_family": "gen_random_uuid()" if _vendor() == "postgresql" else "lower(hex(randomblob(16)))",
            "revoked": f"CASE WHEN i <= {pairs} THEN {past} END",
        },
    )


def _vendor() -> str:
    from django.db import connection

    return str(connection.vendor)


OURS = ("tokens_tokenfamily", "tokens_issuedtoken", "tokens_refreshkey")
THEIRS = ("oauth2_provider_accesstoken", "oauth2_provider_refreshtoken")


def _settle(tables: tuple[str, ...]) -> None:
    """As a database is after a while: vacuumed and with statistics; the next ids are free ones."""
    from django.db import connection

    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("VACUUM ANALYZE")
            for table in tables:
                cursor.execute(
                    f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) + 1 FROM {table}))"
                )
            cursor.execute("CHECKPOINT")
        else:
            cursor.execute("ANALYZE")
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _count(tables: tuple[str, ...]) -> int:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(f"SELECT count(*) FROM {table}" for table in tables))
        return sum(row[0] for row in cursor.fetchall())


def peak_kib() -> int:
    """The most memory that this process has had (Linux)."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))


class Stopwatch:
    """How long each transaction takes, from its first statement or, on SQLite, from when it has the lock."""

    def __init__(self) -> None:
        self.begun, self.longest = 0.0, 0.0

    def statement(self, execute: Callable[..., Any], sql: str, *more: Any) -> Any:
        before = time.monotonic()
        done = execute(sql, *more)
        if sql.startswith("BEGIN"):
            self.begun = time.monotonic()
        elif not self.begun:
            self.begun = before
        return done

    def window_done(self, _seen: int) -> None:
        self.longest = max(self.longest, time.monotonic() - self.begun)
        self.begun = 0.0


def clean_ours() -> dict[str, Any]:
    """Rows, seconds, growth of memory, and the longest transaction."""
    from django.db import connection

    from tokens import lifecycle

    connection.ensure_connection()
    before, watch = peak_kib(), Stopwatch()
    started = time.monotonic()
    with connection.execute_wrapper(watch.statement):
        done = lifecycle.clean(progress=watch.window_done)
    return {
        "rows": done.tokens + done.refresh_keys + done.families,
        "seconds": time.monotonic() - started,
        "grown_mb": (peak_kib() - before) / 1024,
        "longest_ms": watch.longest * 1000,
    }


def clean_theirs() -> dict[str, Any]:
    """Rows, seconds and growth of memory of `cleartokens`."""
    from django.core.management import call_command

    rows, before = _count(THEIRS), peak_kib()
    started = time.monotonic()
    call_command("cleartokens")
    seconds = time.monotonic() - started
    return {"rows": rows - _count(THEIRS), "seconds": seconds, "grown_mb": (peak_kib() - before) / 1024}


def refresh(client: list[str]) -> dict[str, Any]:
    """Some clients that each refresh again and again, through the door, until the input ends; percentiles in ms."""
    from bench.statements import basic, door, issue

    header, took, ended = basic(*client), [], threading.Event()

    def work() -> None:
        held = issue(header, "orders")
        while not ended.wait(REFRESH_PAUSE_SECONDS):
            started = time.monotonic()
            form = {"grant_type": "refresh_token", "refresh_token": held["refresh_token"]}
            status, held = door("/oauth2/token", form, header)
            assert status == 200, held
            took.append((time.monotonic() - started) * 1000)

    with ThreadPoolExecutor(REFRESHERS) as pool:
        working = [pool.submit(work) for _ in range(REFRESHERS)]
        print("ready", flush=True)
        sys.stdin.read()
        ended.set()
        for each in working:
            each.result()
    took.sort()
    return {"refreshes": len(took), "p50_ms": took[len(took) // 2], "p95_ms": took[len(took) * 95 // 100]}


def _set_up(whose: str) -> None:
    if whose == "ours":
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    else:
        from django.conf import settings

        from config.environment import postgresql, sqlite

        url = os.environ.get("DATABASE_URL")
        database = postgresql(url) if url else sqlite(Path(os.environ["DATA_DIR"]) / "toolkit.sqlite3")
        settings.configure(
            SECRET_KEY="x" * 50,
            DATABASES={"default": database},
            INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "oauth2_provider"],
            USE_TZ=True,
            DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
            OAUTH2_PROVIDER=TOOLKIT,
            VERIFY_CACHE="off",  # asked for by our way to PostgreSQL
        )
    import django

    django.setup()


def main() -> None:
    """Do what the words say."""
    whose, what, *more = sys.argv[1:]
    _set_up(whose)
    if what == "fill":
        print(json.dumps({"ours": ours, "theirs": theirs}[whose](int(more[0]))))
        _settle({"ours": OURS, "theirs": THEIRS}[whose])
    elif what == "refresh":
        print(json.dumps(refresh(json.loads(more[0]))))
    else:
        print(json.dumps({"ours": clean_ours, "theirs": clean_theirs}[whose]()))


if __name__ == "__main__":
    main()
