"""Eight clients write at once, each from a process of its own: nobody hears that the database is locked."""

import json
from typing import Any

import pytest

from tests import world as worlds
from tests.databases import OwnDatabase
from tests.world import call
from tokens.lifecycle import Client
from tokens.models import IssuedToken, TokenRequestLog

WRITERS, TURNS = 8, 12


def write(_index: int, client_id: str, secret: str) -> list[int]:
    """Issue, refresh and revoke through the doors, in turn; every status."""
    client = Client(client_id, secret)
    statuses = []
    for _ in range(TURNS):
        issued = call("/oauth2/token", {"grant_type": "client_credentials", "audience": "orders"}, client=client)
        statuses.append(issued.status)
        raw: dict[str, Any] = json.loads(issued.body)
        form = {"grant_type": "refresh_token", "refresh_token": raw["refresh_token"]}
        statuses.append(call("/oauth2/token", form, client=client).status)
        statuses.append(call("/oauth2/revoke", {"token": raw["refresh_token"]}, client=client).status)
    return statuses


@pytest.mark.slow
def test_i23_eight_writing_clients_are_all_served(own_database: OwnDatabase) -> None:
    world = worlds.build()
    client = world.key_of(world.orders)

    outcomes = own_database.run_in_processes(
        WRITERS, "tests.tokens.test_writers_at_once.write", client.client_id, client.secret
    )

    assert [outcome.get() for outcome in outcomes] == [[200] * 3 * TURNS] * WRITERS
    assert IssuedToken.objects.count() == 2 * WRITERS * TURNS
    assert TokenRequestLog.objects.filter(outcome="granted").count() == 3 * WRITERS * TURNS
