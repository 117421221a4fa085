"""ANY /auth/verify: the forward-auth contract, case by case."""

import zlib
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from credentials import clients, secrets
from proxies import catalogue, deployment
from tests.tokens.doors.asking import REVOKE, VERIFY, ask_refresh, ask_token, rows, tokens_of, verify
from tests.world import START, Answered, call
from tokens import lifecycle, sightings, signing
from tokens.models import IssuedToken

IDENTITY = ("X-Token-Subject", "X-Token-Client", "X-Token-Scopes", "X-Token-Id")


class Unreadable:
    """A body that must never be asked for."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError("the body was read")


UNREADABLE: dict[str, Any] = {"wsgi.input": Unreadable()}


@pytest.fixture(autouse=True)
def _nothing_seen_before():
    sightings._seen.clear()
    yield
    sightings._seen.clear()


def check_form(answered: Answered) -> None:
    """What holds for every answer of this door."""
    assert answered.status in {200, 400, 401, 403, 503}
    assert answered.headers["Cache-Control"] == "no-store"
    assert answered.headers["Content-Length"] == str(len(answered.body))
    assert {"Set-Cookie", "Location", "Vary"}.isdisjoint(answered.headers)
    assert len(answered.body) < 300
    for name, value in answered.headers.items():
        assert all(" " <= mark <= "~" for mark in value), name
    if answered.status != 200:
        assert set(IDENTITY).isdisjoint(answered.headers)


def check_good(answered: Answered) -> None:
    check_form(answered)
    assert (answered.status, answered.body) == (200, b""), answered.body
    assert "WWW-Authenticate" not in answered.headers
    assert all(answered.headers[name] for name in IDENTITY)


def check_invalid(answered: Answered, error_code: str) -> None:
    check_form(answered)
    assert (answered.status, answered.json) == (401, {"error": "invalid_token", "error_code": error_code})
    assert answered.headers["WWW-Authenticate"] == 'Bearer realm="latchkey", error="invalid_token"'


def check_gateway_fault(answered: Answered) -> None:
    check_form(answered)
    assert (answered.status, answered.json["error"]) == (400, "invalid_request")
    assert "WWW-Authenticate" not in answered.headers


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


# --- Any method, any Host, no body ------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"])
def test_any_method_gets_the_same_answer_and_the_body_is_never_read(world, method):
    _, access, _ = tokens_of(world)

    for raw, status in ((access, 200), ("nonsense", 401)):
        answered = call(
            VERIFY,
            method=method,
            HTTP_AUTHORIZATION=f"Bearer {raw}",
            HTTP_X_PROXY="orders",
            CONTENT_TYPE="multipart/form-data",
            CONTENT_LENGTH="1000000",
            **UNREADABLE,
        )
        assert answered.status == status
        assert method != "HEAD" or answered.body == b""


@pytest.mark.parametrize("host", ["api.example.com", "evil.example", "", "a b", "127.0.0.1:1", "x" * 300])
def test_any_host_is_answered(world, host):
    _, access, _ = tokens_of(world)

    check_good(verify(access, HTTP_HOST=host, HTTP_X_FORWARDED_HOST=host, HTTP_X_FORWARDED_PROTO="http"))


def test_r19_a_token_is_taken_from_the_header_only(world):
    _, access, _ = tokens_of(world)

    for environ in (
        {"query": f"access_token={access}"},
        {"HTTP_COOKIE": f"access_token={access}; token={access}"},
        {"form": {"access_token": access}},
        {"HTTP_X_FORWARDED_URI": f"/?access_token={access}"},
    ):
        answered = verify(None, **environ)
        assert (answered.status, answered.headers["WWW-Authenticate"]) == (401, 'Bearer realm="latchkey"')


def test_r31_identity_comes_from_the_token_and_never_from_the_request(world):
    client, access, _ = tokens_of(world)

    answered = verify(
        access, HTTP_X_TOKEN_SUBJECT="root", HTTP_X_TOKEN_CLIENT="root", HTTP_X_TOKEN_SCOPES="all", HTTP_X_TOKEN_ID="1"
    )

    check_good(answered)
    assert (answered.headers["X-Token-Subject"], answered.headers["X-Token-Scopes"]) == (client.client_id, "read write")


def test_a_method_that_the_grant_disallows_is_403_by_what_a_trusted_gateway_says_of_the_client(world, settings):
    settings.TRUSTED_GATEWAYS = ["192.0.2.7"]
    shop = world.credential("shop", world.orders)
    access = ask_token(shop).json["access_token"]
    grant = world.credentials["shop"].grants.get()
    type(grant).objects.filter(pk=grant.pk).update(disallowed_methods="DELETE")

    check_good(verify(access, HTTP_X_FORWARDED_METHOD="GET"))
    for name in ("HTTP_X_FORWARDED_METHOD", "HTTP_X_ORIGINAL_METHOD"):
        answered = verify(access, **{name: "delete"})
        check_form(answered)
        assert answered.status == 403


def test_r31_a_method_that_nobody_trusted_tells_is_not_believed_and_such_a_grant_stays_closed(world):
    shop = world.credential("shop", world.orders)
    access = ask_token(shop).json["access_token"]
    type(world.credentials["shop"]).objects.get(name="shop").grants.update(disallowed_methods="DELETE")

    assert verify(access, HTTP_X_FORWARDED_METHOD="GET").status == 403
    assert verify(access).status == 403


# --- Where the proxy is named -----------------------------------------------------------------------------------------


def test_by_default_only_the_header_names_the_proxy(world):
    _, access, _ = tokens_of(world)

    check_gateway_fault(verify(access, None, path=f"{VERIFY}/orders"))
    check_gateway_fault(verify(access, None, query="proxy=orders"))
    check_good(verify(access, "orders", path=f"{VERIFY}/billing", query="proxy=billing"))
    check_invalid(verify(access, "billing", path=f"{VERIFY}/orders", query="proxy=orders"), "wrong_proxy")


def test_header_beats_path_beats_query_where_all_are_on(world, settings):
    settings.VERIFY_SOURCES = ["header", "path", "query"]
    _, access, _ = tokens_of(world)

    check_good(verify(access, "orders", path=f"{VERIFY}/billing", query="proxy=billing"))
    check_invalid(verify(access, "billing", path=f"{VERIFY}/orders", query="proxy=orders"), "wrong_proxy")
    check_good(verify(access, None, path=f"{VERIFY}/orders", query="proxy=billing"))
    check_invalid(verify(access, None, path=f"{VERIFY}/billing", query="proxy=orders"), "wrong_proxy")
    check_good(verify(access, None, query="proxy=orders"))
    # A source that is used and wrong is a fault; the next one does not mend it.
    check_gateway_fault(verify(access, "", path=f"{VERIFY}/orders", query="proxy=orders"))
    check_gateway_fault(verify(access, None, path=f"{VERIFY}//orders", query="proxy=orders"))


def test_in_path_mode_the_header_and_the_query_are_the_client_s_and_say_nothing(world, settings):
    settings.VERIFY_SOURCES = ["path"]
    access = ask_token(world.key_of(world.orders), scope="read").json["access_token"]

    check_invalid(verify(access, "orders", path=f"{VERIFY}/billing", query="proxy=orders"), "wrong_proxy")
    check_good(verify(access, "billing", path=f"{VERIFY}/orders", query="proxy=billing"))
    check_gateway_fault(verify(access, "orders"))
    check_gateway_fault(verify(access, "orders", path=f"{VERIFY}/"))
    # Nor can the client ask for fewer or more scopes than the gateway.
    check_good(verify(access, None, path=f"{VERIFY}/orders", HTTP_X_REQUIRED_SCOPE="write", query="scope=write"))


@pytest.mark.parametrize(
    "path", ["/orders", "/orders/", "/orders/v1/items/7", "/orders//", "/orders/../billing", "/orders/\xff\x00"]
)
def test_in_path_mode_the_first_segment_counts_and_the_rest_is_the_client_s(world, settings, path):
    settings.VERIFY_SOURCES = ["path"]
    _, access, _ = tokens_of(world)

    check_good(verify(access, None, path=VERIFY + path))
    check_good(verify(access, None, path=f"/env/test{VERIFY}{path}"))


@pytest.mark.parametrize("path", ["//orders", "/../orders", "/%6frders", "/orders%2Fbilling", "/ord ers", "/\xff"])
def test_in_path_mode_a_first_segment_that_is_no_slug_is_a_fault(world, settings, path):
    settings.VERIFY_SOURCES = ["path"]
    _, access, _ = tokens_of(world)

    check_gateway_fault(verify(access, None, path=VERIFY + path))


@pytest.mark.parametrize(
    "query", ["proxy=orders&proxy=orders", "proxy=orders&proxy=billing", "proxy=", "proxy=%FF", "other=orders", "proxy"]
)
def test_in_query_mode_anything_but_one_slug_is_a_fault(world, settings, query):
    settings.VERIFY_SOURCES = ["query"]
    _, access, _ = tokens_of(world)

    check_gateway_fault(verify(access, None, query=query))
    check_good(verify(access, None, query="proxy=orders"))


def test_required_scopes_have_the_same_precedence(world, settings):
    settings.VERIFY_SOURCES = ["header", "query"]
    access = ask_token(world.key_of(world.orders), scope="read").json["access_token"]

    check_good(verify(access, HTTP_X_REQUIRED_SCOPE="read", query="scope=write"))
    assert verify(access, HTTP_X_REQUIRED_SCOPE="write", query="scope=read").status == 403
    assert verify(access, query="scope=write").status == 403
    check_good(verify(access, query="scope=read"))
    check_gateway_fault(verify(access, query="scope=read&scope=read"))


# --- What is left behind: nothing but the time of use -----------------------------------------------------------------


def test_d25_verify_leaves_no_row_and_writes_nothing(world):
    _, access, _ = tokens_of(world)
    before = rows()

    with CaptureQueriesContext(connection) as asked:
        for raw in (access, "nonsense", None):
            verify(raw)
        verify(access, "billing")
        verify(access, HTTP_X_REQUIRED_SCOPE="everything")

    assert rows() == before
    assert all(query["sql"].lstrip().startswith("SELECT") for query in asked)
    assert IssuedToken.objects.get().last_used_at is None


def test_d25_last_used_moves_when_the_sightings_are_written(world):
    with time_machine.travel(START, tick=False):
        _, access, _ = tokens_of(world)
        verify(access, REMOTE_ADDR="192.0.2.99")
    assert sightings.flush() == 1
    token = IssuedToken.objects.get()
    expected = (START, "orders", "192.0.2.99")
    assert (token.last_used_at, token.last_used_proxy, token.last_used_address) == expected

    for seconds, moved in ((30, 0), (59, 0), (61, 1), (40, 0)):
        with time_machine.travel(START + timedelta(seconds=seconds), tick=False):
            sightings.seen(token.pk, proxy="orders", address="192.0.2.99")
        assert sightings.flush() == moved, seconds
    token.refresh_from_db()
    assert token.last_used_at == START + timedelta(seconds=61)


def test_d25_a_refused_call_is_no_use(world):
    _, access, _ = tokens_of(world)

    verify(access, "billing")
    verify(access, HTTP_X_REQUIRED_SCOPE="everything")

    assert sightings.flush() == 0


@pytest.mark.parametrize("address", ["", "unix:", "fe80::1%eth0", "not an address"])
def test_d25_an_odd_address_of_the_caller_loses_nobody_s_time_of_use(world, address):
    _, access, _ = tokens_of(world)

    check_good(verify(access, REMOTE_ADDR=address))

    assert sightings.flush() == 1
    assert IssuedToken.objects.get().last_used_at is not None


def test_i18_the_address_of_use_is_believed_from_trusted_proxies_only(world, settings):
    _, access, _ = tokens_of(world)

    def used_from(peer: str, forwarded: str) -> str | None:
        IssuedToken.objects.update(last_used_at=None, last_used_address=None)
        verify(access, REMOTE_ADDR=peer, HTTP_X_FORWARDED_FOR=forwarded)
        sightings.flush()
        return IssuedToken.objects.get().last_used_address

    assert used_from("192.0.2.1", "203.0.113.5") == "192.0.2.1"
    settings.TRUSTED_PROXIES = ["192.0.2.0/24"]
    assert used_from("192.0.2.1", "203.0.113.5") == "203.0.113.5"
    assert used_from("192.0.2.1", "198.51.100.1, 203.0.113.5, 192.0.2.2") == "203.0.113.5"
    assert used_from("192.0.2.1", "nonsense") == "192.0.2.1"
    assert used_from("203.0.113.9", "198.51.100.1") == "203.0.113.9"


def test_a_user_name_that_no_header_can_carry_is_percent_encoded():
    from tokens.doors.verify import visible

    assert visible("anna") == "anna"
    assert visible("b\xe9a o'neil\r\n") == "b%C3%A9a%20o'neil%0D%0A"
    assert visible("100%") == "100%25"
