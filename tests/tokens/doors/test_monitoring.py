"""/healthz, /readyz and /metrics: what they say, and to whom (R42)."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from proxies.models import ScheduledJob
from tests.world import Answered, World
from tokens import doors, monitoring, signing
from tokens.doors import monitoring as door
from tokens.models import TokenRequestLog

PATHS = ("/healthz", "/readyz", "/metrics")


def visit(path: str, *, peer: str = "127.0.0.1", method: str = "GET", **environ: Any) -> Answered | None:
    """What a caller gets; None where there is no such page for it."""
    told: list[Any] = []
    environ |= {"PATH_INFO": path, "REMOTE_ADDR": peer, "REQUEST_METHOD": method, "SERVER_PORT": "8000"} | environ
    found = doors.find_for(path, environ)
    if found is None:
        return None
    body = b"".join(doors.serve(found, environ, lambda status, headers: told.extend((status, headers))))
    return Answered(int(told[0].split()[0]), dict(told[1]), body)


def seen(path: str, **environ: Any) -> Answered:
    found = visit(path, **environ)
    assert found is not None
    return found


@pytest.fixture(autouse=True)
def forget() -> None:
    door._STATE.forget()
    forget_checks()


def forget_checks() -> None:
    for check in monitoring.CHECKS.values():
        if isinstance(check, monitoring._Remembered):
            check.fine_until = 0.0


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("peer", "environ", "allowed"),
    [
        ("127.0.0.1", {}, True),
        ("::1", {}, True),
        ("192.0.2.1", {}, False),
        ("unix:", {}, False),
        ("", {}, False),
        # Behind a proxy that nobody told us about the peer says nothing.
        ("127.0.0.1", {"HTTP_X_FORWARDED_FOR": "127.0.0.1"}, False),
        ("127.0.0.1", {"HTTP_X_FORWARDED_FOR": "192.0.2.1"}, False),
        ("127.0.0.1", {"HTTP_X_FORWARDED_FOR": ""}, False),
        ("127.0.0.1", {"HTTP_FORWARDED": "for=192.0.2.1"}, False),
        ("127.0.0.1", {"HTTP_VIA": "1.1 edge"}, False),
        ("127.0.0.1", {"HTTP_X_REAL_IP": "192.0.2.1"}, False),
        # Behind one that is trusted the caller counts.
        ("10.0.0.1", {"HTTP_X_FORWARDED_FOR": "192.0.2.1"}, False),
        ("10.0.0.1", {"HTTP_X_FORWARDED_FOR": "10.9.9.9"}, True),
        ("10.0.0.1", {"HTTP_X_FORWARDED_FOR": "10.9.9.9, 192.0.2.1"}, False),
    ],
)
def test_r42_monitoring_is_there_for_its_networks_and_for_nobody_else(
    db: None, settings, path, peer, environ, allowed
) -> None:
    settings.TRUSTED_PROXIES = ["10.0.0.0/24"]
    settings.MONITORING_NETWORKS = ["127.0.0.0/8", "::1/128", "10.9.0.0/16"]
    assert (visit(path, peer=peer, **environ) is not None) is allowed


def test_r42_with_a_listener_of_its_own_monitoring_is_only_there(db: None, settings) -> None:
    settings.MONITORING_PORT = 9100
    assert visit("/healthz") is None
    assert seen("/healthz", SERVER_PORT="9100").status == 200
    assert visit("/healthz", SERVER_PORT="9100", peer="192.0.2.1") is None


def test_the_public_doors_are_there_whoever_asks(db: None) -> None:
    assert doors.find_for("/auth/verify", {"REMOTE_ADDR": "192.0.2.1"}) == doors.find("/auth/verify")


@pytest.mark.parametrize("path", PATHS)
def test_monitoring_is_read_only_and_never_cached(db: None, path) -> None:
    assert seen(path, method="POST").status == 405
    assert seen(path, method="HEAD").body == b""
    assert seen(path).headers["Cache-Control"] == "no-store"


def test_a_live_process_asks_nobody(db: None, django_assert_num_queries) -> None:
    with django_assert_num_queries(0):
        assert seen("/healthz").json == {"status": "ok"}


def test_a_ready_installation_says_so_and_leaves_nothing_behind(world: World) -> None:
    before = TokenRequestLog.objects.count()
    answered = seen("/readyz")
    assert answered.status == 200
    assert answered.json == {"status": "ok", "database": "ok", "migrations": "ok", "keys": "ok", "log": "ok"}
    assert TokenRequestLog.objects.count() == before


def test_i9_a_log_that_takes_no_row_is_not_ready(world: World, monkeypatch) -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(
                "CREATE TRIGGER full BEFORE INSERT ON tokens_tokenrequestlog BEGIN SELECT RAISE(ABORT, 'full'); END"
            )
        else:
            cursor.execute("ALTER TABLE tokens_tokenrequestlog ADD CONSTRAINT full_ CHECK (status > 0) NOT VALID")
    answered = seen("/readyz")
    assert (answered.status, answered.json["log"]) == (503, "the database refuses it")


def test_pending_migrations_and_wrong_keys_are_not_ready(world: World, settings, monkeypatch) -> None:
    signing.ensure(world.test, by="test")
    assert seen("/readyz").status == 200
    forget_checks()
    settings.KEY_ENCRYPTION_KEYS = [(settings.KEY_ENCRYPTION_KEYS[0][0], b"x" * 32)]
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'tokens' AND name LIKE '0002%%'", [])
    answered = seen("/readyz")
    assert answered.status == 503
    assert answered.json["migrations"] == "1 migrations have not run"
    assert answered.json["keys"].startswith("a sealed value cannot be opened")


def test_i13_a_database_that_is_away_is_not_ready_and_its_figures_are_left_out(db: None, monkeypatch) -> None:
    def away(*_args: object, **_more: object) -> Any:
        raise OperationalError("no route to host 10.1.2.3")

    with monkeypatch.context() as patched:
        patched.setattr(connection, "ensure_connection", away)
        patched.setattr(monitoring, "measures", away)
        answered = seen("/readyz")
        figures = seen("/metrics").body.decode()
    assert (answered.status, answered.json) == (503, {"status": "unavailable", "database": "cannot be reached"})
    assert "latchkey_database_up 0.0" in figures
    assert "latchkey_requests_total" in figures
    assert "10.1.2.3" not in figures


def test_the_figures_of_the_database(world: World) -> None:
    signing.ensure(world.test, by="test")
    world.issue(world.key_of(world.orders))  # its time was over long ago
    seen("/metrics")
    ScheduledJob.objects.filter(name="clean_tokens").update(last_run_at=timezone.now() - timedelta(seconds=100))
    door._STATE.forget()
    figures = dict(
        line.rsplit(" ", 1) for line in seen("/metrics").body.decode().splitlines() if not line.startswith("#")
    )
    assert figures["latchkey_database_up"] == "1.0"
    assert float(figures["latchkey_oldest_expired_seconds"]) > 3600
    assert 0 <= float(figures['latchkey_signing_key_age_seconds{environment="test"}']) < 100
    assert 100 <= float(figures['latchkey_job_age_seconds{job="clean_tokens"}']) < 200
    assert float(figures['latchkey_job_backlog{job="clean_tokens"}']) == 1
    assert float(figures['latchkey_job_failed{job="clean_tokens"}']) == 0


def test_however_many_look_the_database_is_asked_every_few_seconds(db: None, django_assert_num_queries) -> None:
    seen("/metrics")
    with django_assert_num_queries(0):
        for _ in range(5):
            seen("/metrics")
