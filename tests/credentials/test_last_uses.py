"""When a secret or a key was last used: forward only, at most once a minute, never on the request's path (D36)."""

from __future__ import annotations

from typing import Any

import pytest

from bench import statements
from credentials import client_keys, clients, last_uses
from credentials.models import CredentialKey, CredentialSecret
from tests import world as worlds
from tests.tokens import proofs
from tests.world import START, World, call, later
from tokens import sightings
from tokens.lifecycle import Client


@pytest.fixture
def world(db: None) -> World:
    return worlds.build()


def times() -> list[Any]:
    return list(CredentialSecret.objects.order_by("pk").values_list("last_used_at", flat=True))


def test_each_of_two_secrets_has_its_own_time(world: World) -> None:
    old = world.key_of(world.orders)
    credential = world.credentials["orders"]
    new = Client(old.client_id, clients.rotate_secret(credential, by="ada", at=START))
    first, second = credential.secrets.order_by("pk")

    world.issue(old, at=10)
    world.issue(new, at=200)
    sightings.flush()

    for secret in (first, second):
        secret.refresh_from_db()
    assert (first.last_used_at, second.last_used_at) == (later(10), later(200))


@pytest.mark.parametrize("path", ["/oauth2/token", "/oauth2/introspect", "/oauth2/revoke"])
def test_every_endpoint_counts_as_a_use_and_a_refused_one_does_not(world: World, path: str) -> None:
    client = world.key_of(world.orders)
    form = {"grant_type": "client_credentials", "token": "x"}
    call(path, form, client=Client(client.client_id, "lk_cs_wrong"))
    sightings.flush()
    assert CredentialSecret.objects.exclude(last_used_at=None).count() == 0
    call(path, form, client=client)
    sightings.flush()
    assert CredentialSecret.objects.exclude(last_used_at=None).count() == 1


def test_it_moves_forward_only_and_at_most_once_a_minute(world: World) -> None:
    secret = world.credentials["orders"].secrets.get()
    (key,) = client_keys.add_keys(world.credentials["orders"], proofs.public_pem(proofs.private_key()), by="ada")

    def record(at: float) -> int:
        return last_uses.record(secrets={secret.pk: later(at)}, keys={key.pk: later(at)})

    assert [record(at) for at in (100, 100, 130, 50, 160, 161, 0)] == [2, 0, 0, 0, 0, 2, 0]
    assert CredentialKey.objects.get().last_used_at == later(161)


def test_nothing_is_written_on_the_requests_path(world: World) -> None:
    client = world.key_of(world.orders)
    with statements.counted() as seen:
        world.issue(client)
    assert not [sql for sql in seen if sql.lstrip().startswith("UPDATE credentials_")]
    assert set(times()) == {None}
