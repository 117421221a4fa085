"""POST /oauth2/introspect (RFC 7662): what may be told, to whom, and nothing else."""

from datetime import timedelta

import pytest
import time_machine

from credentials import clients
from proxies import deployment
from tests.tokens.doors.asking import (
    INTROSPECT,
    REVOKE,
    ask_refresh,
    ask_token,
    check_error,
    check_headers,
    last_row,
    rows,
    tokens_of,
)
from tests.world import START, Answered, call
from tokens import policies, signing
from tokens.lifecycle import Client
from tokens.models import TokenPolicy

INACTIVE = b'{"active":false}'


def introspect(client: Client | None, raw: str, path: str = INTROSPECT, **form: str) -> Answered:
    return call(path, {"token": raw, **form}, client=client)


@pytest.mark.parametrize("token_format", ["opaque", "jwt"])
def test_r20_the_client_itself_is_told_all_about_a_live_access_token(world, settings, token_format):
    world.policy(world.orders, access=60, refresh=180, count=3, format=token_format)
    with time_machine.travel(START, tick=False):
        client, access, _ = tokens_of(world)
        answered = introspect(client, access)

    assert answered.status == 200
    check_headers(answered)
    told = answered.json
    jti = told.pop("jti")
    assert isinstance(jti, str)
    assert told == {
        "active": True,
        "iss": settings.PUBLIC_URL,
        "sub": client.client_id,
        "client_id": client.client_id,
        "aud": "https://orders.example/api",
        "scope": "read write",
        "token_type": "Bearer",
        "iat": int(START.timestamp()),
        "exp": int(START.timestamp()) + 60,
    }
    assert told["active"] is True
    assert type(told["iat"]) is type(told["exp"]) is int


def test_r20_a_refresh_token_is_told_apart_from_an_access_token(world):
    client, _, refresh = tokens_of(world)

    told = introspect(client, refresh).json

    assert (told["active"], told["token_type"]) == (True, "refresh_token")


def test_r20_a_token_that_never_expires_has_no_exp(world):
    world.policy(world.orders, never_expires=True)
    client = world.key_of(world.orders)

    told = introspect(client, ask_token(client).json["access_token"]).json

    assert told["active"] is True
    assert "exp" not in told


def test_r20_the_caller_must_prove_itself(world):
    client, access, _ = tokens_of(world)
    before = rows()

    refused = introspect(Client(client.client_id, "wrong"), access)
    check_error(refused, 401, "invalid_client", "client_auth_failed")
    assert refused.headers["WWW-Authenticate"] == 'Basic realm="latchkey"'
    nobody = introspect(None, access)
    check_error(nobody, 401, "invalid_client", "client_auth_failed")
    assert "WWW-Authenticate" not in nobody.headers
    in_form = introspect(None, access, client_id=client.client_id, client_secret=client.secret)
    assert in_form.json["active"] is True

    assert rows() == before + 2
    assert (last_row().action, last_row().outcome, last_row().status) == ("introspect", "refused", 401)


def test_d24_introspection_leaves_no_row_where_the_caller_proved_itself(world):
    client, access, _ = tokens_of(world)
    before = rows()

    introspect(client, access)
    introspect(client, "unknown")
    introspect(world.key_of(world.billing), access)

    assert rows() == before


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
def test_r20_post_only(world, method):
    client, access, _ = tokens_of(world)

    answered = call(INTROSPECT, {"token": access}, client=client, method=method, query=f"token={access}")

    assert (answered.status, answered.headers["Allow"]) == (405, "POST")
    assert b"active" not in answered.body


def test_r20_a_token_in_the_url_is_refused(world):
    client, access, _ = tokens_of(world)

    check_error(call(INTROSPECT, {}, client=client, query=f"token={access}"), 400, "invalid_request", None)


@pytest.mark.parametrize("hint", ["refresh_token", "access_token", "nonsense"])
def test_r20_the_hint_is_a_hint(world, hint):
    client, access, refresh = tokens_of(world)

    assert introspect(client, access, token_type_hint=hint).json["token_type"] == "Bearer"
    assert introspect(client, refresh, token_type_hint=hint).json["token_type"] == "refresh_token"


@pytest.mark.parametrize("raw", ["unknown", "lk_at_" + "0" * 72, "a.b.c", "lk_ct_" + "0" * 72])
def test_r20_of_an_unknown_token_it_says_inactive_and_nothing_else(world, raw):
    answered = introspect(world.key_of(world.orders), raw)

    assert (answered.status, answered.body) == (200, INACTIVE)
    check_headers(answered)


# --- Inactive, whatever the reason ------------------------------------------------------------------------------------


def revoked(world, client, access, refresh):
    call(REVOKE, {"token": refresh}, client=client)


def replaced(world, client, access, refresh):
    ask_refresh(client, refresh)


def undeployed(world, client, access, refresh):
    deployment.undeploy(world.orders, world.test, by="test")


def undeployed_and_deployed_again(world, client, access, refresh):
    deployment.undeploy(world.orders, world.test, by="test")
    deployment.deploy(world.orders, world.test, by="test")


@pytest.mark.parametrize("ended", [revoked, replaced, undeployed, undeployed_and_deployed_again])
def test_r20_an_ended_access_token_is_inactive_and_nothing_else_is_said(world, ended):
    client, access, refresh = tokens_of(world)

    ended(world, client, access, refresh)

    assert introspect(client, access).body == INACTIVE


@pytest.mark.parametrize("token_format", ["opaque", "jwt"])
def test_r20_an_expired_token_is_inactive_from_its_end_on(world, token_format):
    world.policy(world.orders, access=60, refresh=180, count=3, format=token_format)
    with time_machine.travel(START, tick=False):
        client, access, refresh = tokens_of(world)
    for seconds, active, refreshable in ((59, True, True), (60, False, True), (180, False, False)):
        with time_machine.travel(START + timedelta(seconds=seconds), tick=False):
            assert introspect(client, access).json["active"] is active
            assert introspect(client, refresh).json["active"] is refreshable


def test_r20_a_jwt_of_a_changed_environment_key_is_inactive(world):
    world.policy(world.orders, format="jwt")
    client, access, refresh = tokens_of(world)

    signing.change(world.test, by="test")

    assert [introspect(client, raw).body for raw in (access, refresh)] == [INACTIVE, INACTIVE]


def test_r20_a_token_from_before_a_key_change_is_inactive(world):
    client, access, _ = tokens_of(world)

    secret = clients.change_key(world.credentials["orders"], by="test")

    assert introspect(Client(client.client_id, secret), access).body == INACTIVE


@pytest.mark.parametrize("how", ["rotated", "exhausted", "family revoked"])
def test_d4_a_refresh_token_that_cannot_refresh_is_inactive(world, how):
    world.policy(world.orders, access=60, refresh=180, count=1)
    client, _, refresh = tokens_of(world)
    if how == "family revoked":
        call(REVOKE, {"token": refresh}, client=client)
    else:
        successor = ask_refresh(client, refresh).json["refresh_token"]
        assert introspect(client, successor).json["active"] is True
        if how == "exhausted":
            ask_refresh(client, successor)
            refresh = successor

    assert introspect(client, refresh).body == INACTIVE


# --- Who is told (D40) ------------------------------------------------------------------------------------------------


def test_d40_the_key_of_the_proxy_a_token_is_for_is_told_and_every_other_client_is_not(world):
    shop = world.credential("shop", world.orders)
    access = ask_token(shop).json["access_token"]
    another = world.credential("another", world.orders)

    assert introspect(shop, access).json["client_id"] == shop.client_id
    told = introspect(world.key_of(world.orders), access)
    assert told.json["client_id"] == shop.client_id
    for stranger in (world.key_of(world.billing), world.key_of(world.commerce), another):
        answered = introspect(stranger, access)
        assert (answered.status, answered.body) == (200, INACTIVE)


def test_d40_the_key_of_a_group_is_told_of_the_group_s_tokens_and_a_member_s_key_is_not(world):
    shop = world.credential("shop", world.commerce)
    access = ask_token(shop).json["access_token"]

    assert introspect(world.key_of(world.commerce), access).json["active"] is True
    assert introspect(world.key_of(world.orders), access).body == INACTIVE


def test_d40_a_token_of_another_environment_is_inactive_here(world):
    client, access, _ = tokens_of(world)

    assert introspect(client, access, "/env/live/oauth2/introspect").body == INACTIVE
    assert introspect(client, access, "/env/test/oauth2/introspect").json["active"] is True


def test_r20_the_issuer_told_is_the_environment_s_own(world, settings):
    client = world.key_of(world.orders)
    access = ask_token(client, "/env/live/oauth2/token").json["access_token"]

    told = call("/env/live/oauth2/introspect", {"token": access}, client=client, HTTP_HOST="evil.example").json

    assert told["iss"] == f"{settings.PUBLIC_URL}/env/live"


def test_an_unknown_environment_is_404(world):
    answered = introspect(world.key_of(world.orders), "x", "/env/nowhere/oauth2/introspect")

    check_error(answered, 404, "invalid_request", "unknown_environment")


def test_r20_no_token_is_a_malformed_request(world):
    check_error(call(INTROSPECT, {}, client=world.key_of(world.orders)), 400, "invalid_request", None)


def test_d5_switching_refresh_off_makes_the_refresh_token_inactive(world):
    client, access, refresh = tokens_of(world)

    policies.suspend(TokenPolicy.objects.get(proxy=world.orders), by="test")

    assert introspect(client, access).json["active"] is True
    assert introspect(client, refresh).body == INACTIVE
