"""ANY /auth/verify: how a gateway asks, and where it names the proxy."""

import pytest

from tests.tokens.doors.asking import VERIFY, ask_token, tokens_of, verify
from tests.tokens.doors.verified import UNREADABLE, check_form, check_gateway_fault, check_good, check_invalid
from tests.world import call

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
    # HEAD does what GET does.
    type(grant).objects.filter(pk=grant.pk).update(disallowed_methods="GET")
    assert [verify(access, HTTP_X_ORIGINAL_METHOD=name).status for name in ("HEAD", "GET", "POST")] == [403, 403, 200]


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
