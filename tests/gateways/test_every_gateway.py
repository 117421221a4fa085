"""What holds at each gateway that has an example in deploy/, whether it asks the portal or validates by itself."""

import pytest

from tests.gateways.checks import IDENTITY, TWINS, challenge, identity, told
from tests.gateways.conftest import Edge
from tests.gateways.gateways import KINDS
from tests.gateways.portal import Portal
from tests.gateways.upstream import Api
from tests.wire import raw

pytestmark = [pytest.mark.gateway, pytest.mark.parametrize("edge", KINDS, indirect=True)]

FORGED = [
    *((name, "root") for name in (*IDENTITY, *TWINS, "X-TOKEN-SUBJECT")),
    ("X-Proxy", "billing"),
    ("X_Proxy", "billing"),
    ("X-Required-Scope", ""),
    ("X_Required_Scope", "admin"),
    ("X-Gateway-Token", "lk_ct_x"),
    ("X_Gateway_Token", "lk_ct_x"),
    ("X-Gateway-Type", "kubernetes"),
    ("X-Gateway-Instance", "evil"),
    ("Remote-User", "root"),
    ("OIDC_CLAIM_sub", "root"),
    ("OAUTH2_CLAIM_sub", "root"),
    ("OIDC-CLAIM-scope", "read"),
    ("Forwarded", "for=203.0.113.1"),
    ("Cookie", "a=b"),
]


@pytest.fixture(autouse=True)
def _jwts(portal: Portal) -> None:
    portal.formats("jwt")


def test_r31_nothing_that_the_client_says_of_itself_has_any_effect(portal: Portal, edge: Edge) -> None:
    orders = portal.world.orders
    access, foreign, narrow = (
        portal.token(orders),
        portal.token(portal.world.billing),
        portal.token(orders, scope="write"),
    )
    expected = identity(edge["orders"].ask(access))
    for one in FORGED:
        assert identity(edge["orders"].ask(access, "/items", one)) == expected, one
        # Nor does it open anything that is closed.
        assert edge["orders"].ask(foreign, "/items", one).status == 401, one
        assert edge["orders"].ask(narrow, "/items", one).status == 403, one
        assert edge["orders"].ask(None, "/items", one).status == 401, one
    assert identity(edge["orders"].ask(access, "/items", *FORGED)) == expected


@pytest.mark.parametrize("first", ["close", "keep-alive", "Upgrade"])
def test_r31_the_client_cannot_have_the_identity_taken_out_as_if_it_were_for_one_hop(
    portal: Portal, edge: Edge, first: str
) -> None:
    """RFC 9110 section 7.6.1: a proxy removes the headers that Connection names. An API without them may see nobody."""
    access = portal.token(portal.world.orders)
    expected = identity(edge["orders"].ask(access))
    of_the_gateway = ("Authorization", "X-Gateway-Token", "X-Forwarded-Method, X-Forwarded-Uri", "X-Original-URI")
    for named in (", ".join(IDENTITY), "X-Token-Subject", "x-token-scopes", *of_the_gateway):
        for headers in ([f"{first}, {named}"], [first, named], [named, first]):
            heard = edge["orders"].ask(access, "/items", *(("Connection", value) for value in headers))
            if heard.status == 200:
                assert identity(heard) == expected, headers
                assert named.lower() not in told(heard).get("connection", "").lower(), "the next proxy would do it"
            else:
                assert heard.status in (400, 401, 403), headers


def test_neither_the_client_s_token_nor_the_gateway_s_own_reaches_the_api(portal: Portal, edge: Edge) -> None:
    access = portal.token(portal.world.orders)
    heard = edge["orders"].ask(access)
    for secret in (access, portal.gateway_token, portal.world.key_of(portal.world.orders).secret):
        assert secret.encode() not in heard.body
    assert not [name for name in told(heard) if name.startswith(("x-gateway", "x-original", "oidc", "oauth2"))]


def test_the_api_gets_each_method_with_its_body_and_query_and_answers_for_itself(portal: Portal, edge: Edge) -> None:
    access = portal.token(portal.world.orders)
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        body = b"x" * 20_000
        heard = edge["orders"].ask(access, "/items?a=1&a=2", ("Content-Type", "text/plain"), method=method, body=body)
        assert heard.status == 200, method
        assert (heard.json["method"], heard.json["path"], len(heard.json["body"])) == (method, "/items?a=1&a=2", 20_000)
    assert edge["orders"].ask(access, method="HEAD").status == 200
    assert edge["orders"].ask(None, method="HEAD").status == 401
    for status in (401, 403, 404, 500, 503):
        # What the API itself refuses is the API's own answer, without a challenge of anybody else's.
        heard = edge["orders"].ask(access, f"/status/{status}")
        assert challenge(heard) == (status, None)
        assert heard.json["path"] == f"/status/{status}"


def test_any_host_is_answered_and_the_api_is_told_which(portal: Portal, edge: Edge) -> None:
    access = portal.token(portal.world.orders)
    for host in ("api.example.com", "evil.example:8443"):
        assert told(edge["orders"].ask(access, "/items", ("Host", host)))["host"] == host


def test_no_path_of_the_gateway_s_own_is_open_to_clients(portal: Portal, edge: Edge) -> None:
    access = portal.token(portal.world.orders)
    for path in ("/_latchkey", "/auth/verify/orders", "/auth/verify", "/@forbidden"):
        heard = edge["orders"].ask(access, path)
        # It is the API's, or nobody's.
        assert heard.status == 404 or heard.json["path"] == path
        assert not [name for name, _ in heard.pairs if name.lower() in IDENTITY]


def test_r32_no_second_request_hides_in_a_message_of_two_lengths(portal: Portal, edge: Edge, api: Api) -> None:
    access = portal.token(portal.world.orders)
    hidden = b"GET /hidden HTTP/1.1\r\nHost: x\r\nX-Token-Subject: root\r\n\r\n"
    chunked = b"Transfer-Encoding: chunked\r\n"
    length = b"Content-Length: %d\r\n" % (len(hidden) + 5)
    api.seen.clear()
    for lengths in (
        length + chunked,
        chunked + length,
        length + b"Transfer-Encoding : chunked\r\n",
        length + b"Transfer-Encoding: xchunked\r\n",
        length + b"Content-Length: 0\r\n",
        b"Content-Length: 0, 5\r\n",
        b"Content-Length: +5\r\n",
        chunked + b"Transfer-Encoding: identity\r\n",
    ):
        head = f"POST /items HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {access}\r\n".encode()
        raw(edge["orders"].port, head + lengths + b"\r\n" + b"0\r\n\r\n" + hidden)
    # The one that was hidden comes without a token of its own, so that nothing would let it through but a mistake.
    assert not [call for call in api.seen if "hidden" in call.path]


def test_r32_a_header_without_end_is_refused_and_the_gateway_lives_on(portal: Portal, edge: Edge, api: Api) -> None:
    access = portal.token(portal.world.orders)
    api.seen.clear()
    heard = edge["orders"].ask("x" * 50_000)
    assert heard.status in (400, 401, 414, 431, 500, 502, 503)
    assert api.seen == []
    assert edge["orders"].ask(access).status == 200
