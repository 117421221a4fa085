"""Keys and methods of a credential by command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from credentials.models import Credential, CredentialKey
from proxies.commandkit import NOT_CONFIRMED
from tests import world as worlds
from tests.tokens import proofs
from tests.tokens.commands.calling import run
from tests.tokens.doors.asking import TOKEN, ask_token, verify
from tests.world import World, call


@pytest.fixture
def world(db: None) -> World:
    made = worlds.build()
    made.policy(made.orders, access=3_600)
    return made


@pytest.fixture
def shop(world: World) -> Credential:
    return world.credentials["orders"]


def test_a_client_moves_from_a_secret_to_a_private_key_by_command(shop: Credential, tmp_path: Path) -> None:
    key, file = proofs.private_key(), tmp_path / "public.pem"
    file.write_text(proofs.public_pem(key))

    added = run("client_key", "add", shop.client_id, str(file), "--kid", "2026-11", "--json").json
    assert [each["kid"] for each in added["keys"]] == ["2026-11"]
    done = run("client_methods", shop.client_id, "private_key_jwt")

    assert (done.status, done.out.strip()) == (0, "key of Orders may use: private_key_jwt.")
    form = proofs.form(proofs.assertion(shop.client_id, key, head={"kid": "2026-11"}))
    assert call(TOKEN, {"grant_type": "client_credentials", **form}).status == 200


def test_keys_are_listed_and_read_from_standard_input(shop: Credential) -> None:
    assert "No key or certificate." in run("client_key", "list", shop.client_id).out
    made = proofs.certificate("shop.example")
    listed = run("client_key", "add", shop.client_id, "-", piped=made.pem)
    assert listed.status == 0
    assert "certificate  ES256  until " in listed.out
    told = run("client_key", "list", shop.client_id, "--json").json
    assert told["keys"][0]["subject"] == "CN=shop.example,O=Example"
    assert told["auth_methods"] == ["client_secret_basic", "client_secret_post"]


def test_algorithms_and_authorities(shop: Credential, tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    file.write_text(proofs.public_pem(proofs.private_key("RS256")))
    assert run("client_key", "add", shop.client_id, str(file), "--algorithms", "PS256,PS512").status == 0
    assert CredentialKey.objects.get().algorithms == "PS256 PS512"
    file.write_text(proofs.certificate("CA", authority=True).pem)
    assert "authority  -" in run("client_key", "add", shop.client_id, str(file), "--authority").out


def test_what_is_wrong_is_said(shop: Credential, tmp_path: Path) -> None:
    private = tmp_path / "private.pem"
    private.write_text(proofs.private_pem(proofs.private_key()))
    refused = run("client_key", "add", shop.client_id, str(private), "--json")
    assert refused.status == 1
    assert refused.json["error"] == "unusable_key"
    assert "stays with the client" in refused.err
    assert run("client_key", "add", shop.client_id).status == 2
    assert "cannot be read" in run("client_key", "add", shop.client_id, str(tmp_path / "nothing")).err
    assert "no key 'x' in service" in run("client_key", "remove", shop.client_id, "x").err
    assert run("client_methods", shop.client_id, "tls_client_auth").status == 1
    for words in (["client_methods", shop.client_id, "none"], ["client_methods", shop.client_id]):
        assert run(*words).status != 0


def test_a_method_that_is_off_here_is_set_and_said(shop: Credential, settings: Any) -> None:
    words = ("client_methods", shop.client_id, "tls_client_auth", "--certificate-name", "dns:shop.example")
    assert "Off in this installation: tls_client_auth." in run(*words).err
    settings.CLIENT_CERTIFICATE_HEADER = "X-Client-Certificate"
    assert run(*words).err == ""


def test_d18_removing_a_key_ends_tokens_only_where_it_is_said_and_confirmed(world: World, shop: Credential) -> None:
    client = world.key_of(world.orders)
    jwks = {"keys": [{**json.loads(_jwk(number)), "kid": name} for number, name in enumerate(("first", "second"))]}
    assert run("client_key", "add", shop.client_id, "-", piped=json.dumps(jwks)).status == 0
    access = ask_token(client).json["access_token"]

    assert run("client_key", "remove", shop.client_id, "first").status == 0
    assert verify(access).status == 200
    asked = run("client_key", "remove", shop.client_id, "second", "--end-tokens")
    assert asked.status == NOT_CONFIRMED
    assert "1  Live OAuth2 (opaque) tokens" in asked.err
    assert verify(access).status == 200
    assert run("client_key", "remove", shop.client_id, "second", "--end-tokens", typed="key of Orders\n").status == 0
    assert verify(access).json["error_code"] == "holder_key_changed"
    assert not CredentialKey.objects.filter(removed_at=None).exists()


def _jwk(number: int) -> str:
    import jwt

    return str(jwt.algorithms.ECAlgorithm.to_jwk(proofs.private_key("ES256", number).public_key()))
