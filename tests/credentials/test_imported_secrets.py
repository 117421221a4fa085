"""Secrets with the slow hash of another system: proved once, then ours; the same cost for everybody (D19, R36)."""

import base64
import hashlib
from typing import Any

import pytest

from credentials import clients, imported_secrets, slow_hashes
from credentials.errors import InvalidCredential
from credentials.models import CredentialSecret
from tests import world as worlds
from tests.databases import OwnDatabase
from tests.world import START, World, call
from tokens.lifecycle import Client

SECRET = "0123456789abcdefghijklmnopqrstuvwxyz"


def hashed(secret: str, iterations: int = 1_000, salt: str = "salt") -> str:
    found = hashlib.pbkdf2_hmac("sha256", secret.encode(), salt.encode(), iterations)
    return f"pbkdf2_sha256${iterations}${salt}${base64.b64encode(found).decode()}"


@pytest.fixture
def world(db: None) -> World:
    return worlds.build()


def opened(world: World, client_id: str = "imported", secret: str = SECRET, iterations: int = 1_000) -> Client:
    """A credential whose secret has a slow hash, ready to get tokens for orders."""
    one = clients.open_credential(
        name=client_id, client_id=client_id, slow_hash=hashed(secret, iterations), by="test", at=START
    )
    assert one.secret == ""
    return Client(client_id, secret)


def asked(client: Client) -> int:
    return call("/oauth2/token", {"grant_type": "client_credentials"}, client=client).status


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many iterations were computed, one figure each call."""
    found: list[int] = []
    compute = slow_hashes.compute

    def counted(presented: str, salt: bytes, iterations: int) -> bytes:
        found.append(max(0, iterations))
        return compute(presented, salt, iterations)

    monkeypatch.setattr(slow_hashes, "compute", counted)
    monkeypatch.setattr(imported_secrets, "compute", counted)
    return found


def test_the_hash_is_that_of_django(db: None) -> None:
    from django.contrib.auth.hashers import PBKDF2PasswordHasher

    encoded = PBKDF2PasswordHasher().encode(SECRET, "somesalt", iterations=1_000)
    parts = slow_hashes.parse(encoded)
    assert parts is not None
    assert parts.matches(SECRET)
    assert not parts.matches(SECRET + "x")


@pytest.mark.parametrize(
    "broken",
    [
        "", "pbkdf2_sha256$", "pbkdf2_sha256$1000$salt", hashed(SECRET) + "$more", hashed(SECRET).replace("1000", "0"),
        hashed(SECRET).replace("1000", "2000001"), hashed(SECRET).replace("1000", "-5"),
        hashed(SECRET).replace("1000", "1e3"), hashed(SECRET).replace("sha256", "sha1"), hashed(SECRET)[:-8],
        "pbkdf2_sha256$1000$salt$!!!!", hashed(SECRET, salt="x" * 150), "argon2$argon2id$v=19$m=1,t=1,p=1$x$y",
    ],
)  # fmt: skip
def test_what_is_no_such_hash_or_costs_too_much_is_not_taken(db: None, broken: str) -> None:
    assert slow_hashes.parse(broken) is None
    if broken:
        with pytest.raises(InvalidCredential):
            clients.open_credential(name="x", slow_hash=broken, by="test")


def test_i5_the_first_use_makes_it_ours(world: World, computed: list[int]) -> None:
    client = opened(world)
    kept = CredentialSecret.objects.get(credential__client_id="imported")
    assert asked(client) == 400, "proved, and without a target"
    # Refused all the same, so nothing was written: the next use proves it again.
    clients.deploy(kept.credential, world.test, by="test")
    world.policy(kept.credential)
    from proxies import catalogue

    catalogue.set_mode(world.orders, "credentials", by="test")
    clients.grant(to=kept.credential, target=world.orders, by="test")
    assert asked(client) == 200
    kept.refresh_from_db()
    assert len(kept.digest) == 64
    before = len(computed)
    assert asked(client) == 200
    assert len(computed) == before, "from then on it costs nothing more"


def test_everybody_who_is_refused_costs_the_same(world: World, computed: list[int]) -> None:
    opened(world, "cheap", iterations=500)
    opened(world, "dear", iterations=3_000)
    ours = world.key_of(world.orders)
    costs = {}
    for name in ("cheap", "dear", "nobody", ours.client_id):
        computed.clear()
        assert asked(Client(name, "wrong" * 10)) == 401
        costs[name] = sum(computed)
    assert set(costs.values()) == {3_000}, costs


def test_where_nothing_was_imported_nothing_is_computed(world: World, computed: list[int]) -> None:
    assert asked(Client("nobody", "wrong" * 10)) == 401
    assert asked(world.key_of(world.orders)) == 200
    assert computed == []


def test_the_right_secret_of_ours_costs_nothing_while_others_are_slow(world: World, computed: list[int]) -> None:
    opened(world)
    assert asked(world.key_of(world.orders)) == 200
    assert computed == []


def test_only_so_many_are_computed_at_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    client = opened(world)
    monkeypatch.setattr(imported_secrets, "_PATIENCE_SECONDS", 0)
    with imported_secrets._turn(), imported_secrets._turn():
        answer = call("/oauth2/token", {"grant_type": "client_credentials"}, client=client)
        assert (answer.status, answer.json["error_code"]) == (503, "authentication_busy")
        assert asked(world.key_of(world.orders)) == 200, "our own are not held up"
    assert asked(client) != 503


def test_a_retired_one_proves_nobody(world: World) -> None:
    client = opened(world)
    credential = CredentialSecret.objects.get(credential__client_id="imported").credential
    clients.rotate_secret(credential, by="test", retire_old_at=START)
    assert asked(client) == 401


def test_a_changed_key_forgets_it(world: World) -> None:
    client = opened(world)
    credential = CredentialSecret.objects.get(credential__client_id="imported").credential
    clients.change_key(credential, by="test")
    assert asked(client) == 401
    assert not imported_secrets.in_service().exists()


def prove(_index: int, secret_id: int, encoded: str) -> bool:
    return clients.keep_as_ours(secret_id, imported=encoded, secret=SECRET)


def test_of_many_first_uses_at_once_one_makes_it_ours(own_database: OwnDatabase) -> None:
    world = worlds.build()
    opened(world)
    kept = CredentialSecret.objects.get(credential__client_id="imported")
    outcomes: list[Any] = [each.get() for each in own_database.run_in_threads(6, prove, kept.pk, kept.digest)]
    assert sorted(outcomes) == [False] * 5 + [True]
