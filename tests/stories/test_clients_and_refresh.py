"""S3's lines about refresh tokens and authenticated clients, each by the doors that a client sees."""

from __future__ import annotations

from typing import Any

import pytest

from credentials import client_keys, clients
from tests import world as worlds
from tests.tokens import proofs
from tests.tokens.commands.calling import run
from tests.tokens.configuration.applying import apply
from tests.tokens.doors.asking import REVOKE, TOKEN, ask_refresh, ask_token, verify
from tests.world import World, call
from tokens import policies, policy_warnings
from tokens.lifecycle import Client
from tokens.models import RefreshKey, TokenPolicy


@pytest.fixture
def world(db: None) -> World:
    return worlds.build()


@pytest.mark.parametrize("token_format", ["opaque", "jwt"])
def test_s3_1_a_policy_includes_a_refresh_token_or_not(world: World, token_format: str) -> None:
    client = world.key_of(world.orders)
    world.policy(world.orders, format=token_format, refresh_allowed=True)
    granted = ask_token(client).json
    assert ask_refresh(client, granted["refresh_token"]).status == 200

    world.policy(world.orders, format=token_format, refresh_allowed=False)
    without = ask_token(client).json
    assert "refresh_token" not in without
    assert verify(without["access_token"]).status == 200
    # Switched off, it is off for those that were handed out before as well (D5).
    again = ask_refresh(client, ask_token(client).json.get("refresh_token", granted["refresh_token"]))
    assert again.json["error"] == "invalid_grant"


@pytest.mark.parametrize("token_format", ["opaque", "jwt"])
def test_s3_4_the_token_of_an_assertion_is_validated_at_every_use(world: World, token_format: str) -> None:
    world.policy(world.orders, format=token_format)
    credential, key = world.credentials["orders"], proofs.private_key()
    clients.set_methods(credential, ["private_key_jwt"], by="test")
    client_keys.add_keys(credential, proofs.public_pem(key), by="test")
    form = proofs.form(proofs.assertion(credential.client_id, key), grant_type="client_credentials")
    access = call(TOKEN, form).json["access_token"]

    assert verify(access).status == 200
    assert verify(access, "billing").status == 401
    assert verify(access[:-1] + ("A" if access[-1] != "A" else "B")).status == 401
    call(REVOKE, {"token": access, **proofs.form(proofs.assertion(credential.client_id, key))})
    assert verify(access).status == 401


def test_s3_13_client_credentials_is_a_flow_and_the_lifetime_of_its_tokens_is_configured(world: World) -> None:
    told = call("/.well-known/openid-configuration", method="GET").json
    assert "client_credentials" in told["grant_types_supported"]
    client = world.key_of(world.orders)
    for lifetime in (60, 900):
        world.policy(world.orders, access=lifetime)
        assert ask_token(client).json["expires_in"] == lifetime
    token = world.issue(client)
    assert world.good(token, at=899)
    assert not world.good(token, at=900)


def test_s3_14_d42_refresh_token_lifetime_secs_is_optional_and_in_seconds(world: World, settings: Any) -> None:
    """By its name in configuration files; left out it is the installation's default."""
    client = world.key_of(world.orders)

    def lifetime() -> int:
        token = world.issue(client)
        assert token.refresh_token is not None
        return RefreshKey.objects.latest("pk").lifetime_secs

    apply("proxies:\n  orders:\n    policy: {refresh_token_lifetime_secs: 240}\n")
    assert TokenPolicy.objects.get(proxy=world.orders).refresh_token_lifetime_secs == 240
    assert lifetime() == 240
    settings.REFRESH_TOKEN_LIFETIME_SECONDS = 4_000
    policies.set_policy(world.orders, by="test")
    assert lifetime() == 4_000
    assert run("set_policy", "orders", "--refresh-lifetime", "300").status == 0
    assert lifetime() == 300


def test_s3_15_with_a_refresh_token_a_short_access_token_needs_nobody_to_come_again(world: World) -> None:
    """A minute at a time, through an hour, without the client's being set up anew."""
    world.policy(world.orders, access=60, refresh=180, count=60)
    client = world.key_of(world.orders)
    token = world.issue(client)
    for minute in range(1, 61):
        token = world.refresh(client, token.refresh_token, at=minute * 60 - 1)
        assert world.good(token, at=minute * 60 + 58)


@pytest.mark.parametrize("token_format", ["opaque", "jwt"])
def test_s3_16_a_refresh_token_can_be_invalidated(world: World, token_format: str) -> None:
    world.policy(world.orders, format=token_format)
    client = world.key_of(world.orders)
    granted = ask_token(client).json

    assert call(REVOKE, {"token": granted["refresh_token"]}, client=client).status == 200

    refused = ask_refresh(client, granted["refresh_token"])
    assert (refused.status, refused.json["error_code"]) == (400, "refresh_token_revoked")
    assert verify(granted["access_token"]).status == 401, "and with it what descends from it (RFC 7009)"


def test_s3_17_a_refresh_token_has_a_lifetime_of_its_own(world: World) -> None:
    world.policy(world.orders, access=60, refresh=180)
    client = world.key_of(world.orders)
    token = world.issue(client)
    assert not world.good(token, at=61)
    assert world.refresh(client, token.refresh_token, at=179).access_token
    other = world.issue(client)
    with pytest.raises(Exception, match="expired"):
        world.refresh(client, other.refresh_token, at=180)


def test_s3_18_it_is_longer_than_that_of_the_access_token_by_default_and_who_makes_it_shorter_is_told(
    world: World,
) -> None:
    """A shorter one is allowed (D8): then a client must refresh while its access token is still good."""
    terms = policies.defaults()
    assert terms["refresh_token_lifetime_secs"] > terms["access_token_lifetime_secs"]
    assert not [text for text in policy_warnings.policy_warnings(terms) if "does not outlive" in text]
    shorter = run("set_policy", "orders", "--lifetime", "60", "--refresh-lifetime", "60")
    assert "does not outlive the access token" in shorter.out + shorter.err


@pytest.mark.parametrize("token_format", ["opaque", "jwt"])
def test_s3_19_the_client_attaches_the_token_it_keeps_to_every_request(world: World, token_format: str) -> None:
    world.policy(world.orders, format=token_format)
    kept = ask_token(world.key_of(world.orders)).json["access_token"]
    assert [verify(kept).status for _ in range(5)] == [200] * 5
    assert verify(None).status == 401, "nothing is remembered of the requests before"


def test_s3_20_it_is_sent_as_a_bearer_token_in_the_authorization_header_and_in_no_other_way(world: World) -> None:
    granted = ask_token(world.key_of(world.orders)).json
    access = granted["access_token"]
    assert granted["token_type"] == "Bearer"
    for header in (f"Bearer {access}", f"bearer {access}"):
        assert verify(None, HTTP_AUTHORIZATION=header).status == 200
    for header in (access, f"Token {access}", f"Basic {access}", f"Bearer {access} {access}", f"Bearer={access}"):
        assert verify(None, HTTP_AUTHORIZATION=header).status == 401
    assert verify(None, query=f"access_token={access}").status == 401
    assert verify(None, HTTP_COOKIE=f"access_token={access}", HTTP_X_ACCESS_TOKEN=access).status == 401


def test_s3_10_only_who_is_authenticated_and_valid_comes_through(world: World) -> None:
    """Each reason why a client is not: unknown, wrong, past its day, switched off, not granted."""
    shop = world.credential("shop", world.orders)
    access = ask_token(shop).json["access_token"]
    assert verify(access).status == 200
    assert ask_token(Client("nobody", shop.secret)).status == 401
    assert ask_token(Client(shop.client_id, "lk_cs_wrong")).status == 401
    assert ask_token(None).status == 401

    credential = world.credentials["shop"]
    clients.deactivate(credential, by="test")
    assert (ask_token(shop).status, verify(access).status) == (400, 401)
    clients.reactivate(credential, by="test")
    assert (ask_token(shop).status, verify(access).status) == (200, 200)
    clients.withdraw(credential.grants.get(), by="test")
    assert (ask_token(shop).json["error"], verify(access).status) == ("invalid_target", 401)
