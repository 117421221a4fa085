"""A revocation holds on the next request, with VERIFY_CACHE=host too: two processes verify, or
introspect, while a third writes."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.db import connection

from credentials import clients, users
from proxies import catalogue
from tests import databases
from tests import world as worlds
from tests.databases import OwnDatabase
from tests.verify_cache import changes
from tests.verify_cache.board import Board
from tokens import policies, signing
from tokens.verify_cache import host

# make test-all plays each kind some dozens of times; VERIFY_CACHE_ROUNDS=500 and more for a proof.
ROUNDS = int(os.environ.get("VERIFY_CACHE_ROUNDS", "40"))
pytestmark = [pytest.mark.slow, pytest.mark.on_postgresql]
QUIET = {"VERIFY_CACHE": "host", "TOKEN_RATE_LIMIT_PER_MINUTE": "0", "CLIENT_RATE_LIMIT_PER_MINUTE": "0"}
HOUR = {"access_token_lifetime_secs": 3600, "refresh_token_lifetime_secs": 7200, "refresh_count": 100}


def build() -> dict[str, tuple[str, str]]:
    """A world whose tokens last; the clients by name."""
    world = worlds.build()
    users_own = users.create_user(username="ann", password=changes.PASSWORD, by="test")
    catalogue.change_environment(world.test, gateways_must_authenticate=False, by="test")
    world.credential("shop", world.billing)
    clients.grant(to=users_own, target=world.billing, by="test")
    for holder in (world.orders, world.commerce, world.credentials["shop"]):
        policies.set_policy(holder, by="test", **HOUR)
    signing.ensure(world.test, by="test")
    policies.set_policy(world.commerce, by="test", token_format="jwt", **HOUR)
    return {name: (client.client_id, client.secret) for name, client in world.clients.items()}


@contextmanager
def alone(own: OwnDatabase) -> Iterator[None]:
    """No session of this process is there: it does not mark, and would keep the cache off. The map goes at the end."""
    databases._disconnect()
    own.extra |= QUIET
    try:
        yield
    finally:
        host.path_for(connection.settings_dict).unlink(missing_ok=True)


QUESTIONS = [
    *(("verify", name) for name in changes.CHANGES),
    *(("introspect", name) for name in changes.CHANGES if name not in changes.TOLD_ALIKE),
]


@pytest.mark.parametrize(("door", "name"), QUESTIONS)
def test_no_answer_is_stale_after_a_write_has_returned(
    door: str, name: str, own_database: OwnDatabase, tmp_path: Path
) -> None:
    named = build()
    Board(tmp_path / "board")
    # Who introspects here loses its key in the first round.
    rounds = 1 if (door, name) == ("introspect", "change_key") else ROUNDS

    with alone(own_database):
        outcomes = own_database.run_in_processes(
            3, "tests.verify_cache.racing.race", str(tmp_path / "board"), [name], rounds, named, door
        )

    first, second, writer = (outcome.get() for outcome in outcomes)
    print(door, name, first, second, writer)
    assert writer == {"rounds": rounds, "cold": 0, "stale": 0, "unrefused": 0}
    for verifier in (first, second):
        assert verifier["stale"] == 0
        assert verifier["kept"] >= 2 * rounds
    assert connection.vendor == "postgresql"
