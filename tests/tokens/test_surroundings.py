"""What the doctor finds around the portal, each with what to do about it."""

import os
import socket
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from proxies import jobs
from proxies.models import JobRun, ScheduledJob
from tests.tokens.test_redis_counts import fake, say
from tokens import surroundings
from tokens.statements import server


@pytest.fixture(autouse=True)
def production(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything right; each test spoils one thing."""
    settings.DATA_DIR, settings.EMBEDDED, settings.GENERATED_SECRETS = tmp_path, False, []
    settings.PUBLIC_URL, settings.HTTPS, settings.DEBUG = "https://portal.example.com", True, False
    settings.ALLOWED_HOSTS, settings.TRUSTED_PROXIES = ["portal.example.com"], ["10.0.0.1"]
    for name in surroundings.SECRETS:
        monkeypatch.delenv(f"{name}_FILE", raising=False)


def said(found: Any) -> str:
    return "\n".join(f"{'!' if each.is_problem else '-'} {each.what} {each.todo}" for each in found)


def test_an_installation_that_is_right_is_told_nothing() -> None:
    assert said(surroundings.installation()) == ""


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (
            {"PUBLIC_URL": "http://portal.example.com", "HTTPS": False},
            "! PUBLIC_URL is http://portal.example.com, without",
        ),
        (
            {"PUBLIC_URL": "https://localhost:8000"},
            "! PUBLIC_URL is https://localhost:8000, which nobody else can reach",
        ),
        ({"PUBLIC_URL": "https://127.0.0.1"}, "nobody else can reach"),
        ({"ALLOWED_HOSTS": ["*"]}, "! ALLOWED_HOSTS takes any name"),
        ({"TRUSTED_PROXIES": []}, "- PUBLIC_URL is https and no proxy is trusted"),
        ({"TRUSTED_PROXIES": ["0.0.0.0/0"]}, "! TRUSTED_PROXIES holds 0.0.0.0/0"),
        ({"TRUSTED_GATEWAYS": ["::/0"]}, "! TRUSTED_GATEWAYS holds ::/0"),
        ({"MONITORING_NETWORKS": ["0.0.0.0/0"]}, "! MONITORING_NETWORKS holds"),
        ({"GENERATED_SECRETS": ["SECRET_KEY"]}, "! SECRET_KEY were made here"),
        ({"DEBUG": True}, "! DEBUG is on"),
        ({"WEBHOOK_ALLOW_HTTP": True}, "- WEBHOOK_ALLOW_HTTP is on: reminders may go to an http:// address"),
        (
            {"MAIL_IS_ON": True, "EMAIL_BACKEND": "django.core.mail.backends.console.EmailBackend"},
            "! EMAIL_URL delivers no mail, it only shows it.",
        ),
        ({"TOKEN_RATE_LIMIT_PER_MINUTE": 0}, "- An address may ask for tokens without limit"),
    ],
)
def test_each_switch_that_is_wrong_is_named(settings, spoil, words) -> None:
    for name, value in spoil.items():
        setattr(settings, name, value)
    assert words in said(surroundings.installation())


def test_the_embedded_portal_may_be_local_and_plain(settings) -> None:
    settings.WEBHOOK_ALLOW_HTTP = True
    settings.EMBEDDED, settings.PUBLIC_URL, settings.HTTPS = True, "http://127.0.0.1:8000", False
    assert said(surroundings.installation()) == ""


@pytest.mark.parametrize(
    ("mode", "found"), [(0o600, False), (0o400, False), (0o644, True), (0o640, True), (0o604, True)]
)
def test_secrets_that_others_can_read_are_found(settings, tmp_path, monkeypatch, mode, found) -> None:
    (tmp_path / "secrets").mkdir()
    monkeypatch.setattr(surroundings, "_others_read", lambda path: path.stat().st_mode & 0o044)
    for path in (tmp_path / "secrets" / "secret_key", tmp_path / "elsewhere"):
        path.write_text("x")
        path.chmod(mode)
    monkeypatch.setenv("TOKEN_HASH_KEYS_FILE", str(tmp_path / "elsewhere"))
    told = said(surroundings.installation())
    assert told.count("! Others on this machine can read") == (2 if found else 0)
    assert ("chmod 600" in told) is found


def test_a_folder_that_keeps_others_out_protects_what_is_in_it(tmp_path) -> None:
    tmp_path.chmod(0o700)
    (tmp_path / "key").write_text("x")
    (tmp_path / "key").chmod(0o444)
    assert not surroundings._others_read(tmp_path / "key")
    assert surroundings._others_read(Path("/etc/passwd"))


def test_a_disk_that_is_nearly_full_is_found(monkeypatch) -> None:
    monkeypatch.setattr(surroundings, "LEAST_FREE_BYTES", 2**60)
    assert "MB are free at" in said(surroundings.installation())


def test_clocks_that_are_apart_are_found(db: None, monkeypatch) -> None:
    assert abs(server.clock() - timezone.now()) < timedelta(seconds=60)
    monkeypatch.setattr(server, "clock", lambda: timezone.now() - timedelta(seconds=90))
    assert "! The clocks of this machine and of the database are 90 seconds apart" in said(surroundings.database())


def test_i8_a_role_that_owns_the_log_is_named(db: None) -> None:
    told = said(surroundings.database())
    assert ("owns the request log" in told) is (connection.vendor == "postgresql")


def test_i8_a_role_that_only_uses_the_log_is_not(db: None) -> None:
    if connection.vendor != "postgresql":
        return
    role = f"user_{os.getpid()}"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE ROLE {role}")
        cursor.execute(f"SET LOCAL ROLE {role}")
        assert not server.owns_the_log()


def test_i7_a_server_that_may_forget_is_a_problem(db: None) -> None:
    if connection.vendor != "postgresql":
        assert server.careless() == []
        return
    assert server.careless() == []
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = off")
    assert server.careless() == ["synchronous_commit=off"]


def test_jobs_that_are_late_or_failed_are_named_and_paused_ones_are_not(db: None, settings) -> None:
    settings.REDIS_URL = ""
    assert "No scheduled job has run yet" in said(surroundings.neighbours())
    jobs.enlist()
    ScheduledJob.objects.update(last_run_at=timezone.now())
    assert said(surroundings.neighbours()) == ""
    long_ago = timezone.now() - timedelta(days=30)
    ScheduledJob.objects.filter(name="clean_tokens").update(last_run_at=long_ago)
    assert "! These jobs are late: clean_tokens." in said(surroundings.neighbours())
    ScheduledJob.objects.filter(name="clean_tokens").update(paused_at=timezone.now())
    assert said(surroundings.neighbours()) == ""
    JobRun.objects.create(job="expire_licences", started_at=timezone.now(), outcome="failed", trouble="ValueError in x")
    assert "! The last run of expire_licences failed: ValueError in x" in said(surroundings.neighbours())


def test_a_redis_that_is_away_or_throws_messages_away_is_named(db: None, settings) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        settings.REDIS_URL = f"redis://127.0.0.1:{holder.getsockname()[1]}/0"
        assert "! Redis does not answer" in said(surroundings.neighbours())
    text = b"# Memory\r\nmaxmemory:1000\r\nmaxmemory_policy:allkeys-lru\r\n"
    with fake(say(b"$%d\r\n%s\r\n" % (len(text), text))) as (url, _):
        settings.REDIS_URL = url + "?protocol=2"
        told = said(surroundings.neighbours())
    assert "Redis throws keys away when it is full (allkeys-lru)" in told or "Redis does not answer" in told
