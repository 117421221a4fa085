"""ANY /auth/verify: what a token is worth, case by case."""

import zlib
from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from credentials import clients, secrets
from proxies import catalogue, deployment
from tests.tokens.doors.asking import REVOKE, ask_refresh, ask_token, tokens_of, verify
from tests.tokens.doors.verified import (
    IDENTITY,
    check_form,
    check_gateway_fault,
    check_good,
    check_invalid,
)
from tests.world import START, call
from tokens import lifecycle, signing
from tokens.models import IssuedToken

# --- The table --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("token_format", ["opaque", "jwt"])
def test_r18_a_good_token_is_200_with_all_four_identity_headers(world, token_format):
    world.policy(world.orders, format=token_format)
    client, access, _ = tokens_of(world)

    answered = verify(access)

    check_good(answered)
    token = IssuedToken.objects.get()
    expected = (client.client_id, client.client_id, "read write", token.jti)
    assert tuple(answered.headers[name] for name in IDENTITY) == expected


@pytest.mark.parametrize("header", [None, "", "   "])
def test_r18_without_credentials_there_is_a_bare_challenge(world, header):
    answered = verify(None) if header is None else verify(None, HTTP_AUTHORIZATION=header)

    check_form(answered)
    assert (answered.status, answered.body) == (401, b"")
    assert answered.headers["WWW-Authenticate"] == 'Bearer realm="latchkey"'


@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Bearer ",
        "Basic b3JkZXJzOnNlY3JldA==",
        "{raw}",
        "Token {raw}",
        "Bearer {raw} {raw}",
        "Bearer {raw},Bearer {raw}",
        "Bearer {raw}, Bearer {raw}",
        "Bearer {raw},{raw}",
        "Bearer\t{raw}",
        "Bearer {raw}\t",
        "Bearer {raw}\N{LATIN SMALL LETTER E WITH ACUTE}",
        "Bearer \xff\xfe",
        "Bearer {raw}\x00",
    ],
)
def test_r18_malformed_doubled_and_other_schemes_are_401_and_never_400(world, header):
    _, access, _ = tokens_of(world)

    answered = verify(None, HTTP_AUTHORIZATION=header.format(raw=access))

    if header == "Bearer {raw}\t":
        # Blanks around a header's value are none of it (RFC 9110 section 5.5).
        check_good(answered)
    else:
        check_form(answered)
        assert answered.status == 401
        assert answered.headers["WWW-Authenticate"] == 'Bearer realm="latchkey", error="invalid_token"'


@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "Bearer", "BeArEr"])
def test_r18_the_scheme_is_taken_in_any_case(world, scheme):
    _, access, _ = tokens_of(world)

    check_good(verify(None, HTTP_AUTHORIZATION=f"{scheme} {access}"))


def test_r18_an_unknown_token_is_invalid(world):
    check_invalid(verify("nonsense"), "token_not_found")
    good = "lk_at_" + "0" * 64
    check_invalid(verify(f"{good}{zlib.crc32(good.encode()):08x}"), "token_not_found")


def test_d20_a_wrong_checksum_costs_no_look_at_the_tokens(world):
    _, access, _ = tokens_of(world)
    wrong = access[:-1] + ("0" if access[-1] != "0" else "1")

    with CaptureQueriesContext(
        connection,
    ) as asked:
        check_invalid(verify(wrong), "token_not_found")

    # One look at the place, which must be known for a gateway's fault to be loud; no digest of the token in it.
    assert len(asked) <= 1
    assert not any(digest in query["sql"] for query in asked for digest in secrets.digests(wrong))


@pytest.mark.parametrize("kind", ["refresh", "secret"])
def test_d29_a_secret_of_another_kind_opens_no_api(world, kind):
    client, _, refresh = tokens_of(world)

    check_invalid(verify(refresh if kind == "refresh" else client.secret), "wrong_token_kind")


@pytest.mark.parametrize("token_format", ["opaque", "jwt"])
def test_d16_an_expired_token_is_invalid_from_its_end_on(world, token_format):
    world.policy(world.orders, access=60, format=token_format)
    with time_machine.travel(START, tick=False):
        _, access, _ = tokens_of(world)
    with time_machine.travel(START + timedelta(seconds=59), tick=False):
        check_good(verify(access))
    with time_machine.travel(START + timedelta(seconds=60), tick=False):
        check_invalid(verify(access), "token_expired")


def test_d40_a_revoked_token_is_invalid(world):
    client, access, _ = tokens_of(world)

    call(REVOKE, {"token": access}, client=client)

    check_invalid(verify(access), "token_revoked")


def test_d6_a_token_replaced_by_a_refresh_is_invalid_and_a_jwt_lives_on(world):
    client, access, refresh = tokens_of(world)
    ask_refresh(client, refresh)
    check_invalid(verify(access), "token_replaced")

    world.policy(world.orders, format="jwt")
    client, access, refresh = tokens_of(world)
    ask_refresh(client, refresh)
    check_good(verify(access))


def test_r1_a_jwt_with_a_bad_signature_is_invalid(world):
    world.policy(world.orders, format="jwt")
    _, access, _ = tokens_of(world)
    start, _, signature = access.rpartition(".")

    for broken in (signature[::-1], "A" * len(signature), signature[:-4] + "AAAA"):
        check_invalid(verify(f"{start}.{broken}"), "bad_signature")


def test_d11_an_undeployed_proxy_ends_its_tokens_for_good(world):
    _, access, _ = tokens_of(world)

    deployment.undeploy(world.orders, world.test, by="test")
    check_invalid(verify(access), "holder_undeployed")
    deployment.deploy(world.orders, world.test, by="test")
    check_invalid(verify(access), "holder_undeployed")


def test_d11_an_undeployed_credential_ends_its_tokens(world):
    access = ask_token(world.credential("shop", world.orders)).json["access_token"]
    check_good(verify(access))

    clients.undeploy(world.credentials["shop"], world.test, by="test")

    check_invalid(verify(access), "holder_undeployed")


def test_d18_a_changed_key_ends_its_tokens(world):
    _, access, _ = tokens_of(world)

    clients.change_key(world.credentials["orders"], by="test")

    check_invalid(verify(access), "holder_key_changed")


def test_d13_a_changed_environment_key_ends_the_jwts(world):
    world.policy(world.orders, format="jwt")
    _, access, _ = tokens_of(world)

    signing.change(world.test, by="test")

    check_invalid(verify(access), "signing_key_changed")


def test_i17_a_token_opens_its_own_proxy_and_a_group_token_the_members(world):
    _, own, _ = tokens_of(world)
    group = ask_token(world.key_of(world.commerce)).json["access_token"]
    catalogue.add_proxy(name="Outside", slug="outside", by="test")

    check_good(verify(own, "orders"))
    check_invalid(verify(own, "billing"), "wrong_proxy")
    check_good(verify(group, "orders"))
    check_good(verify(group, "billing"))
    check_invalid(verify(group, "outside"), "wrong_proxy")


def test_d11_a_group_token_is_refused_at_a_member_while_that_is_undeployed(world):
    group = ask_token(world.key_of(world.commerce)).json["access_token"]

    deployment.undeploy(world.billing, world.test, by="test")
    check_invalid(verify(group, "billing"), "member_undeployed")
    check_good(verify(group, "orders"))
    deployment.deploy(world.billing, world.test, by="test")
    check_good(verify(group, "billing"))


def test_i17_a_token_of_another_environment_is_refused(world):
    client = world.key_of(world.orders)
    live = ask_token(client, "/env/live/oauth2/token").json["access_token"]

    check_invalid(verify(live), "wrong_environment")
    check_good(verify(live, path="/env/live/auth/verify"))


def test_r18_a_missing_scope_is_403_and_names_what_is_needed(world):
    access = ask_token(world.key_of(world.orders), scope="read").json["access_token"]

    answered = verify(access, HTTP_X_REQUIRED_SCOPE="write read")

    check_form(answered)
    assert (answered.status, answered.json["error"]) == (403, "insufficient_scope")
    expected = 'Bearer realm="latchkey", error="insufficient_scope", scope="read write"'
    assert answered.headers["WWW-Authenticate"] == expected
    check_good(verify(access, HTTP_X_REQUIRED_SCOPE="read"))


@pytest.mark.parametrize("asked", ['a"b', "a\\b", "caf\xe9", "\u20ac", "a\x00b", "a\r\nSet-Cookie: x=1", "\x7f"])
def test_r18_whatever_scope_is_asked_for_nothing_breaks_out_of_the_challenge(world, asked):
    _, access, _ = tokens_of(world)

    answered = verify(access, HTTP_X_REQUIRED_SCOPE=asked)

    check_form(answered)
    assert answered.status == 403
    assert "Set-Cookie" not in answered.headers
    assert answered.headers["WWW-Authenticate"].count('"') == 6


@pytest.mark.parametrize("slug", ["nowhere", "", " ", "a,b", "orders,orders", "orders, billing", "Orders!", "x" * 81])
def test_a_gateway_that_names_no_proxy_or_an_unknown_one_gets_400(world, slug):
    _, access, _ = tokens_of(world)

    answered = verify(access, slug)

    check_gateway_fault(answered)
    assert not slug.strip() or slug.encode() not in answered.body


def test_a_gateway_that_names_nothing_gets_400_whatever_the_token(world):
    _, access, _ = tokens_of(world)

    check_gateway_fault(verify(access, None))
    check_gateway_fault(verify(None, None))


def test_an_unknown_environment_is_a_fault_of_the_gateway(world):
    _, access, _ = tokens_of(world)

    answered = verify(access, path="/env/nowhere/auth/verify")

    check_form(answered)
    check_gateway_fault(answered)


def test_i13_where_the_portal_cannot_tell_it_says_503(world, monkeypatch):
    _, access, _ = tokens_of(world)
    for trouble in (RuntimeError("a secret detail"), MemoryError()):
        monkeypatch.setattr(lifecycle, "verify", lambda *_, _trouble=trouble, **__: (_ for _ in ()).throw(_trouble))

        answered = verify(access)

        check_form(answered)
        assert (answered.status, answered.json["error"]) == (503, "server_error")
        assert b"detail" not in answered.body
