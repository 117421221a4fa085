"""How many SQL statements an operation takes: few, and the same however many tokens there are."""

from typing import Any

import pytest

from bench import statements
from credentials import client_keys, clients
from proxies import catalogue
from tests.tokens import proofs
from tokens.lifecycle import Client
from tokens.models import IssuedToken

MANY = 300


@pytest.fixture(autouse=True)
def _limiter_apart(settings):
    settings.TOKEN_RATE_LIMIT_PER_MINUTE = settings.CLIENT_RATE_LIMIT_PER_MINUTE = 0


def measure(client: Client) -> dict[str, list[str]]:
    return statements.measure(client.client_id, client.secret, "orders")


@pytest.mark.parametrize("holder", ["key", "credential"])
def test_each_operation_takes_few_statements_and_no_more_with_many_tokens(world, token_format, holder):
    client = world.key_of(world.orders) if holder == "key" else world.credential("shop", world.orders, world.billing)
    world.policy(world.orders if holder == "key" else world.credentials["shop"], format=token_format)

    few = measure(client)
    header = statements.basic(client.client_id, client.secret)
    for _ in range(MANY):
        statements.issue(header, "orders")
    assert IssuedToken.objects.count() > MANY
    many = measure(client)

    for name, limit in statements.LIMITS.items():
        assert len(few[name]) <= limit, few[name]
    assert many == few


def test_verify_only_reads_and_introspect_as_well(world, token_format):
    world.policy(world.orders, format=token_format)

    found = measure(world.key_of(world.orders))

    for name in ("verify", "introspect"):
        assert all(sql.lstrip().startswith("SELECT") for sql in found[name]), found[name]


def test_a_group_of_many_members_takes_no_more(world, token_format):
    world.policy(world.commerce, format=token_format)
    client = world.key_of(world.commerce)

    def count() -> dict[str, int]:
        header = statements.basic(client.client_id, client.secret)
        with statements.counted() as issued:
            token = statements.issue(header, "commerce")
        bearer = {"HTTP_AUTHORIZATION": f"Bearer {token['access_token']}", "HTTP_X_PROXY": "orders"}
        with statements.counted() as verified:
            assert statements.door("/auth/verify", {}, bearer)[0] == 200
        return {"issue": len(issued), "verify": len(verified)}

    count()
    few = count()
    for n in range(30):
        catalogue.add_member(world.commerce, catalogue.add_proxy(name=f"P{n}", slug=f"p{n}", by="test"), by="test")

    assert count() == few


def test_an_assertion_takes_one_statement_more_and_a_certificate_none(world, token_format, settings):
    settings.CLIENT_CERTIFICATE_HEADER, settings.TRUSTED_GATEWAYS = "X-Client-Certificate", ["192.0.2.7"]
    world.policy(world.orders, format=token_format)
    credential, own = world.credentials["orders"], proofs.certificate()
    # Ten keys in service, as many as there may be, take no more than one.
    client_keys.add_keys(credential, own.pem, by="test")
    for number in range(9):
        client_keys.add_keys(credential, proofs.public_pem(proofs.private_key("ES256", number)), by="test")
    clients.set_methods(credential, ["private_key_jwt", "self_signed_tls_client_auth"], by="test")

    def by_assertion() -> tuple[dict[str, str], dict[str, str]]:
        return proofs.form(proofs.assertion(credential.client_id, own.key)), {}

    def by_certificate() -> tuple[dict[str, str], dict[str, str]]:
        return {"client_id": credential.client_id}, {"HTTP_X_CLIENT_CERTIFICATE": own.escaped}

    def count(prove: Any, path: str, **more: str) -> tuple[int, dict[str, Any]]:
        form, headers = prove()
        with statements.counted() as seen:
            status, answer = statements.door(path, {**form, **more}, headers)
        assert status == 200, answer
        return len(seen), answer

    for prove, more in ((by_assertion, 1), (by_certificate, 0)):
        count(prove, "/oauth2/token", grant_type="client_credentials")
        issued, answer = count(prove, "/oauth2/token", grant_type="client_credentials")
        refresh = answer["refresh_token"]
        refreshed, answer = count(prove, "/oauth2/token", grant_type="refresh_token", refresh_token=refresh)
        introspected, _ = count(prove, "/oauth2/introspect", token=answer["access_token"])
        assert issued <= statements.LIMITS["issue"] + more
        assert refreshed <= statements.LIMITS["refresh"] + more
        assert introspected <= statements.LIMITS["introspect"] + more
