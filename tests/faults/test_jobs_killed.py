"""Every scheduled job is killed with -9 before each of its statements: nothing is lost, nothing is done twice (I11)."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.databases import OwnDatabase, cloned

pytestmark = [pytest.mark.slow, pytest.mark.timeout(420)]
# What a run says of itself; each run has its row.
OF_RUNS = {"proxies_jobrun", "proxies_scheduledjob"}


def prepare() -> None:
    """Something to do for each: expired and live tokens, a licence that ended, a key that is due, an unsealed log."""
    from django.utils import timezone

    from credentials import rotation
    from proxies.models import Environment
    from tests import world as worlds
    from tests.world import REQUEST
    from tokens import lifecycle

    now = timezone.now()
    world = worlds.build()
    client = world.key_of(world.orders)
    world.policy(world.orders, access=60, refresh=3_600, count=None, format="jwt")
    for days in range(2, 12):
        first = lifecycle.issue(client, request=REQUEST, at=now - timedelta(days=days))
        lifecycle.refresh(client, first.refresh_token or "", request=REQUEST, at=now - timedelta(days=days, seconds=-9))
    for _ in range(3):
        lifecycle.issue(client, request=REQUEST, at=now)
    ended, opened = now - timedelta(days=2), now - timedelta(days=40)
    rotation.open_connection(
        deployment_type="kubernetes", environment=world.test, by="test", name="edge", licence_ends_at=ended, at=opened
    )
    Environment.objects.update(signing_key_rotation_days=1)


def standing() -> dict[str, Any]:
    """How many rows each table has, and what the sums say: the same, however often a job was killed on its way."""
    from django.apps import apps
    from django.db.models import Sum

    from proxies.models import ChangeRecord
    from tokens.models import RequestRollup

    counts: dict[str, Any] = {
        model._meta.db_table: model._default_manager.count()
        for model in apps.get_models()
        if model._meta.managed and not model._meta.proxy and model._meta.db_table not in OF_RUNS
    }
    return counts | {
        # A wish for a run is no act of the job.
        "proxies_changerecord": ChangeRecord.objects.exclude(verb="run now").count(),
        "requests by the hour": RequestRollup.objects.aggregate(all=Sum("requests"))["all"],
    }


def names() -> list[str]:
    from proxies import jobs

    return [job.name for job in jobs.registered()]


def test_i11_b17_killed_before_each_statement_every_job_comes_to_the_same_end(
    own_database: OwnDatabase, tmp_path: Path
) -> None:
    from django.utils import timezone

    from proxies import jobs
    from tokens import sealing

    prepare()
    twin_folder = tmp_path / "twin"
    twin_folder.mkdir(mode=0o700)
    own_database.extra["DATABASE_POOL"] = "0"
    now = timezone.now()
    with cloned(twin_folder):
        before = standing()
        for name in names():
            jobs.request(name, by="test", at=now)
            run = jobs.run(name, at=now)
            assert run is not None
            assert run.outcome == "done", (name, run.trouble)
        expected = standing()
    assert expected != before, "there was nothing to do"
    kills = 0
    for name in names():
        dotted = "tests.faults.killed_jobs.killed_everywhere"
        (outcome,) = own_database.run_in_processes(1, dotted, name, now)
        kills += outcome.get()
    assert kills > 3 * len(names()), "nobody was killed"
    assert standing() == expected
    assert not sealing.check().broken
