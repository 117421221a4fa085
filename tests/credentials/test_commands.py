"""Credentials by command. A secret is printed by the command that makes it and by no other."""

from datetime import date, timedelta

import pytest
from django.utils import timezone

from credentials import clients
from credentials.models import Credential, CredentialSecret, Grant
from proxies import catalogue
from proxies.commandkit import NOT_CONFIRMED
from tests import world as worlds
from tests.tokens.commands.calling import run
from tests.world import REQUEST, World
from tokens import lifecycle, policies
from tokens.lifecycle import Client


@pytest.fixture
def world(db: None) -> World:
    made = worlds.build()
    made.policy(made.orders, access=600, refresh=600)
    return made


@pytest.fixture
def shop(world: World) -> Client:
    """A credential of its own that may use billing, all by command."""
    opened = run("open_credential", "shop", "--client-id", "shop-client", "--json").json
    catalogue.set_mode(world.billing, "credentials", by="test")
    assert run("grant", "shop", "billing", "--scopes", "read", "--expires-on", "2100-01-01").status == 0
    assert run("deploy_credential", "shop-client").status == 0
    policies.set_policy(Credential.objects.get(client_id="shop-client"), by="test")
    return Client(opened["client_id"], opened["client_secret"])


def test_a_credential_opened_granted_and_deployed_by_command_gets_a_token(world: World, shop: Client) -> None:
    answer = lifecycle.issue(shop, request=REQUEST)
    assert answer.scope == "read"
    assert lifecycle.verify(answer.access_token, proxy="billing").good
    assert Grant.objects.get().expires_on == date(2100, 1, 1)


def test_the_key_of_a_proxy_is_opened_once(world: World) -> None:
    catalogue.add_proxy(name="New", slug="new", by="test")
    done = run("open_credential", "--key-of", "new")
    assert "client secret  lk_cs_" in done.out
    assert Credential.objects.get(proxy__slug="new").name == "key of New"
    again = run("open_credential", "--key-of", "new")
    assert again.status == 1
    assert "lk_cs_" not in again.out + again.err
    assert run("open_credential").status == 1


def test_rotating_a_secret_ends_nothing_and_retires_the_old_one_when_told(world: World) -> None:
    old = world.key_of(world.orders)
    token = lifecycle.issue(old, request=REQUEST).access_token
    raw = run("rotate_secret", old.client_id, "--retire-old-in-days", "7", "--json").json["client_secret"]
    for secret in (old.secret, raw):
        lifecycle.issue(Client(old.client_id, secret), request=REQUEST)
    assert lifecycle.verify(token, proxy="orders").good
    first = CredentialSecret.objects.filter(credential__client_id=old.client_id).order_by("pk").first()
    assert first is not None
    assert first.retire_at is not None
    assert abs(first.retire_at - timezone.now() - timedelta(days=7)) < timedelta(minutes=1)
    assert run("rotate_secret", old.client_id).status == 1, "two secrets at most"


def test_changing_a_key_shows_what_ends_and_wants_the_name(world: World) -> None:
    old = world.key_of(world.orders)
    token = lifecycle.issue(old, request=REQUEST).access_token
    refused = run("change_key", old.client_id)
    assert refused.status == NOT_CONFIRMED
    assert "1  Live OAuth2 (opaque) tokens" in refused.err
    assert "lk_cs_" not in refused.out + refused.err
    done = run("change_key", old.client_id, "--new-client-id", "orders-new", "--json", typed="key of Orders\n")
    assert done.json["client_id"] == "orders-new"
    assert lifecycle.verify(token, proxy="orders").reason == "holder_key_changed"
    lifecycle.issue(Client("orders-new", done.json["client_secret"]), request=REQUEST)


def test_undeploying_a_credential_ends_its_tokens_for_good(world: World, shop: Client) -> None:
    token = lifecycle.issue(shop, request=REQUEST).access_token
    assert run("undeploy_credential", "shop").status == NOT_CONFIRMED
    assert run("undeploy_credential", "shop", "--yes").status == 0
    assert run("undeploy_credential", "shop", "--yes").status == 1
    assert run("deploy_credential", "shop").status == 0
    assert lifecycle.verify(token, proxy="billing").reason == "holder_undeployed"


def test_a_deactivated_credential_is_refused_while_it_is_so(world: World, shop: Client) -> None:
    token = lifecycle.issue(shop, request=REQUEST).access_token
    done = run("deactivate_credential", "shop", "--note", "holiday", typed="shop\n")
    assert done.status == 0
    assert "1  Live OAuth2 (opaque) tokens" in done.err
    assert not lifecycle.verify(token, proxy="billing").good
    assert run("reactivate_credential", "shop").status == 0
    assert lifecycle.verify(token, proxy="billing").good


def test_a_name_that_two_credentials_have_is_not_guessed(world: World) -> None:
    for _ in range(2):
        clients.open_credential(name="twin", by="test")
    assert "More than one credential is named twin" in run("rotate_secret", "twin").err
    assert "no credential" in run("rotate_secret", "nobody").err
