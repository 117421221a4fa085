"""The scheduled work of this floor (S0.4)."""

import subprocess
import sys
import time
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from proxies import jobs
from tests import world as worlds
from tests.databases import PROJECT, OwnDatabase
from tests.jobs import ran
from tests.world import REQUEST, World
from tokens import lifecycle, signing
from tokens.models import IssuedToken, SigningKey, TokenRequestLog


@pytest.fixture
def world(db: None) -> World:
    return worlds.build()


def test_s0_4_the_background_task_removes_expired_tokens_and_no_others(world: World) -> None:
    client = world.key_of(world.orders)
    lifecycle.issue(client, request=REQUEST, at=timezone.now() - timedelta(days=1))
    world.policy(world.orders, never_expires=True)
    never = lifecycle.issue(client, request=REQUEST, at=timezone.now() - timedelta(days=1))

    assert jobs.job_named("clean_tokens").backlog(timezone.now()) == 1
    done = ran("clean_tokens")

    assert (done["tokens"], done["refresh_keys"], done["families"]) == (1, 1, 1)
    assert IssuedToken.objects.get().expires_at is None
    assert lifecycle.verify(never.access_token, proxy="orders").good
    assert TokenRequestLog.objects.count() == 2
    assert ran("clean_tokens")["tokens"] == 0
    assert jobs.job_named("clean_tokens").backlog(timezone.now()) == 0


def test_retired_is_a_rotated_key_whose_last_token_has_expired(world: World) -> None:
    world.policy(world.orders, access=60, refresh=60, format="jwt")
    lifecycle.issue(world.key_of(world.orders), request=REQUEST)
    old = SigningKey.objects.get(environment=world.test)
    signing.rotate(world.test, by="test", at=timezone.now() - timedelta(minutes=5))
    assert ran("rotate_signing_keys") == {"published": 0, "rotated": 0, "retired": 0}
    IssuedToken.objects.update(expires_at=timezone.now())
    assert ran("rotate_signing_keys") == {"published": 0, "rotated": 0, "retired": 1}
    old.refresh_from_db()
    assert old.state == "retired"


@pytest.mark.slow
def test_s0_4_the_background_work_of_make_run_does_it_by_itself(own_database: OwnDatabase, tmp_path) -> None:
    # The embedded background work has no Redis, whichever database it works on.
    environment = {name: value for name, value in own_database.environment().items() if name != "REDIS_URL"}
    world = worlds.build()
    lifecycle.issue(world.key_of(world.orders), request=REQUEST, at=timezone.now() - timedelta(days=1))
    connection.close()
    log = tmp_path / "log"
    with log.open("wb") as out:
        background = subprocess.Popen(
            [sys.executable, "-m", "config.background"],
            cwd=PROJECT,
            env={**environment, "JOB_TICK_SECONDS": "1"},
            stdout=out,
            stderr=out,
        )
    try:
        end = time.monotonic() + 60
        while IssuedToken.objects.exists():
            assert background.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.5)
    finally:
        background.terminate()
        try:
            background.wait(20)
        except subprocess.TimeoutExpired:
            background.kill()
            background.wait()
    assert TokenRequestLog.objects.count() == 1
