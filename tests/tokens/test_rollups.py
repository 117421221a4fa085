"""Hourly sums of the request log, the same however often they are made."""

from contextlib import suppress

import pytest
from django.db.models import Sum

from credentials.errors import CredentialError
from proxies import jobs
from tests import world as worlds
from tests.jobs import ran
from tests.world import World, later
from tokens import rollups
from tokens.lifecycle import Client
from tokens.models import RequestRollup, TokenRequestLog

HOUR = 3600


@pytest.fixture
def world(db: None) -> World:
    return worlds.build()


def told() -> list[tuple[int, str, str, str, int]]:
    rows = RequestRollup.objects.order_by("hour", "action", "outcome", "proxy", "reason")
    return [
        (int((row.hour - later(0)).total_seconds()), row.action, row.outcome, row.proxy, row.requests) for row in rows
    ]


def test_requests_are_counted_by_hour_and_kind(world):
    client = world.key_of(world.orders)
    first = world.issue(client, at=0)
    world.issue(client, at=59 * 60)
    world.refresh(client, first.refresh_token, at=30)
    world.issue(world.key_of(world.billing), at=HOUR)
    rollups.roll_up(at=later(2 * HOUR))
    assert told() == [
        (0, "issue", "granted", "orders", 2),
        (0, "refresh", "granted", "orders", 1),
        (HOUR, "issue", "granted", "billing", 1),
    ]
    row = RequestRollup.objects.get(proxy="billing")
    assert (row.environment, row.client_id) == ("test", world.key_of(world.billing).client_id)
    logged = TokenRequestLog.objects.get(proxy="billing")
    assert row.duration_ms == row.longest_ms == logged.duration_ms


def test_refusals_are_counted_by_reason_and_unknown_client_ids_as_one(world):
    for name in ("nobody", "no one", "nemo"):
        with suppress(CredentialError):
            world.issue(Client(name, "wrong"))
    with suppress(CredentialError):
        world.issue(Client(world.key_of(world.orders).client_id, "wrong"))
    rollups.roll_up(at=later(0))
    counts = RequestRollup.objects.filter(reason="client_auth_failed", outcome="refused")
    assert dict(counts.values_list("client_id", "requests")) == {"": 3, world.key_of(world.orders).client_id: 1}


def test_a_second_run_changes_nothing_and_an_open_hour_is_counted_anew(world):
    world.issue(world.key_of(world.orders))
    assert rollups.roll_up(at=later(10)) == (1, 1)
    kept = list(RequestRollup.objects.values())
    assert rollups.roll_up(at=later(20)) == (0, 0)
    assert list(RequestRollup.objects.values()) == kept
    world.issue(world.key_of(world.orders), at=30)
    assert rollups.roll_up(at=later(40)) == (1, 1)
    assert told() == [(0, "issue", "granted", "orders", 2)]
    world.issue(world.key_of(world.orders), at=HOUR)
    rollups.roll_up(at=later(HOUR))
    world.issue(world.key_of(world.orders), at=HOUR - 1)  # of a host whose clock is behind
    rollups.roll_up(at=later(HOUR + 1))
    assert told() == [(0, "issue", "granted", "orders", 3), (HOUR, "issue", "granted", "orders", 1)]


def test_hours_without_requests_are_passed_over_and_none_is_forgotten(world):
    for hour in (0, 5, 5_000):
        world.issue(world.key_of(world.orders), at=hour * HOUR)
    assert jobs.job_named("roll_up_log").backlog(later(0)) == 3
    assert ran("roll_up_log") == {"hours": 3, "counts": 3}
    assert jobs.job_named("roll_up_log").backlog(later(0)) == 0
    assert RequestRollup.objects.aggregate(all=Sum("requests"))["all"] == TokenRequestLog.objects.count()
