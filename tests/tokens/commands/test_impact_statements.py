"""Counting what an act would end stays cheap, however much there is to end (D12)."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests import world as worlds
from tests.world import World, later
from tokens.impact import impact


@pytest.fixture
def world(db: None) -> World:
    return worlds.build()


def statements(world: World) -> int:
    with CaptureQueriesContext(connection) as seen:
        impact(proxy=world.orders, environment=world.test, at=later(1))
    return len(seen)


def test_d12_many_tokens_are_counted_in_as_few_statements_as_one(world: World) -> None:
    world.issue(world.key_of(world.orders))
    one = statements(world)
    for _ in range(20):
        world.issue(world.key_of(world.orders))
    assert impact(proxy=world.orders, at=later(1)).opaque == 21
    assert statements(world) == one <= 3
