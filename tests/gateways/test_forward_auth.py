"""nginx, Caddy and Envoy as their examples in deploy/ make them: they ask the portal about every call."""

from datetime import timedelta

import pytest
from django.utils import timezone

from proxies import catalogue
from tests.gateways.conftest import Edge
from tests.gateways.portal import Portal
from tests.gateways.upstream import Api
from tests.wire import Heard, raw
from tests.world import REQUEST
from tokens import lifecycle

pytestmark = [pytest.mark.gateway, pytest.mark.parametrize("edge", ["nginx", "caddy", "envoy"], indirect=True)]

BARE = 'Bearer realm="latchkey"'
INVALID = f'{BARE}, error="invalid_token"'
IDENTITY = ("x-token-subject", "x-token-client", "x-token-scopes", "x-token-id")
TWINS = [name.replace("-", "_", n) for name in ("X-Token-Subject", "X-Token-Scopes", "X-Token-Id") for n in (1, 2)]


def told(heard: Heard) -> dict[str, str]:
    """The headers that the API got, each once."""
    assert heard.status == 200, heard
    found = [(name.lower(), value) for name, value in heard.json["headers"]]
    assert len(dict(found)) == len(found), "a header came twice"
    return dict(found)


def challenge(heard: Heard) -> tuple[int, str | None]:
    challenges = [value for name, value in heard.pairs if name.lower() == "www-authenticate"]
    assert len(challenges) <= 1
    assert not [name for name, _ in heard.pairs if name.lower() in ("set-cookie", "location")]
    return heard.status, challenges[0] if challenges else None


def closed(heard: Heard) -> bool:
    """Refused, and nobody asked for another token: the fault is not the client's."""
    return heard.status in (400, 403, 500, 502, 503, 504) and challenge(heard)[1] is None


def test_r18_a_good_token_gets_through_and_the_api_is_told_who_calls(portal: Portal, edge: Edge) -> None:
    for form in ("opaque", "jwt"):
        portal.world.policy(portal.world.orders, access=600, refresh=600, format=form)
        access = portal.token(portal.world.orders)
        headers = told(edge["orders"].ask(access))
        client_id = portal.world.key_of(portal.world.orders).client_id
        assert [headers[name] for name in IDENTITY[:3]] == [client_id, client_id, "read write"]
        assert headers["x-token-id"]
        # Neither the client's token nor the gateway's own ever reaches the API.
        assert "authorization" not in headers
        assert not [name for name in headers if name.startswith(("x-gateway", "x-original"))]
    portal.world.policy(portal.world.orders, access=600, refresh=600)


def test_r18_what_is_not_a_good_token_is_401_with_its_challenge_and_never_reaches_the_api(
    portal: Portal, edge: Edge, api: Api
) -> None:
    orders, billing = portal.world.orders, portal.world.billing
    expired = lifecycle.issue(
        portal.world.key_of(orders), request=REQUEST, at=timezone.now() - timedelta(days=1)
    ).access_token
    revoked = portal.token(orders)
    portal.revoke(orders, revoked)
    api.seen.clear()
    assert challenge(edge["orders"].ask(None)) == (401, BARE)
    for what, shown in (
        ("expired", expired),
        ("revoked", revoked),
        ("for another proxy", portal.token(billing)),
        ("unknown", "nonsense"),
        ("two", f"{portal.token(orders)} {portal.token(orders)}"),
    ):
        assert challenge(edge["orders"].ask(shown)) == (401, INVALID), what
    for header in ("Basic YTpi", f"Token {portal.token(orders)}", "Bearer"):
        assert challenge(edge["orders"].ask(None, "/items", ("Authorization", header))) == (401, INVALID), header
    assert api.seen == []


def test_r18_a_missing_scope_is_403_and_the_challenge_names_it(portal: Portal, edge: Edge, api: Api) -> None:
    writer = portal.token(portal.world.orders, scope="write")
    api.seen.clear()
    needed = f'{BARE}, error="insufficient_scope", scope="read"'
    assert challenge(edge["orders"].ask(writer)) == (403, needed)
    assert api.seen == []


def test_s0_22_a_group_s_token_opens_each_member_and_nothing_else(portal: Portal, edge: Edge) -> None:
    access = portal.token(portal.world.commerce)
    assert edge["orders"].ask(access).status == 200
    assert edge["billing"].ask(access).status == 200
    assert challenge(edge["ledger"].ask(access)) == (401, INVALID)
    # Membership is the one of now (D14).
    catalogue.remove_member(portal.world.commerce, portal.world.billing, by="test")
    assert challenge(edge["billing"].ask(access)) == (401, INVALID)
    catalogue.add_member(portal.world.commerce, portal.world.billing, by="test")
    assert edge["billing"].ask(access).status == 200


@pytest.mark.parametrize("form", ["opaque", "jwt"])
def test_i6_a_token_that_is_revoked_while_in_use_is_refused_on_the_next_request(
    portal: Portal, edge: Edge, form: str
) -> None:
    portal.world.policy(portal.world.orders, access=600, refresh=600, format=form)
    access = portal.token(portal.world.orders)
    portal.world.policy(portal.world.orders, access=600, refresh=600)
    assert [edge["orders"].ask(access).status for _ in range(5)] == [200] * 5
    portal.revoke(portal.world.orders, access)
    assert challenge(edge["orders"].ask(access)) == (401, INVALID)


def test_i13_with_the_portal_away_the_api_is_closed_and_opens_again_by_itself(
    portal: Portal, edge: Edge, api: Api
) -> None:
    access = portal.token(portal.world.orders)
    assert edge["orders"].ask(access).status == 200
    with portal.stopped():
        api.seen.clear()
        for shown in (access, None, "nonsense"):
            assert closed(edge["orders"].ask(shown))
        assert api.seen == []
    assert edge["orders"].ask(access).status == 200


def test_r31_nothing_that_the_client_says_of_itself_has_any_effect(portal: Portal, edge: Edge) -> None:
    access = portal.token(portal.world.orders)
    expected = told(edge["orders"].ask(access))
    forged = [(name, "root") for name in (*IDENTITY, *TWINS, "X-TOKEN-SUBJECT", "X-Token-Anything")]
    forged += [("X-Proxy", "billing"), ("X_Proxy", "billing"), ("X-Required-Scope", "admin"), ("X_Required_Scope", "x")]
    forged += [("X-Gateway-Token", "lk_ct_x"), ("X-Gateway-Type", "kubernetes"), ("X-Gateway-Instance", "evil")]
    forged += [("X_Gateway_Token", "lk_ct_x"), ("Forwarded", "for=203.0.113.1"), ("Cookie", "a=b")]
    for one in forged:
        headers = told(edge["orders"].ask(access, "/items", one))
        assert [headers[name] for name in IDENTITY] == [expected[name] for name in IDENTITY], one
        twins = {name for name in headers if name.replace("_", "-") in IDENTITY}
        assert twins == set(IDENTITY), one
    assert [told(edge["orders"].ask(access, "/items", *forged))[name] for name in IDENTITY] == [
        expected[name] for name in IDENTITY
    ]
    # Nor does it open anything that is closed.
    foreign = portal.token(portal.world.billing)
    for one in forged:
        assert challenge(edge["orders"].ask(foreign, "/items", one)) == (401, INVALID), one
        assert challenge(edge["orders"].ask(None, "/items", one)) == (401, BARE), one


def test_the_api_gets_each_method_with_its_body_and_query_and_answers_for_itself(portal: Portal, edge: Edge) -> None:
    access = portal.token(portal.world.orders)
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        heard = edge["orders"].ask(
            access, "/items?a=1&a=2", ("Content-Type", "text/plain"), method=method, body=b"x" * 20_000
        )
        assert heard.status == 200, method
        assert (heard.json["method"], heard.json["path"], len(heard.json["body"])) == (method, "/items?a=1&a=2", 20_000)
    assert edge["orders"].ask(access, method="HEAD").status == 200
    assert edge["orders"].ask(None, method="HEAD").status == 401
    for status in (401, 403, 404, 500, 503):
        # What the API itself refuses is the API's own answer, without a challenge of the portal's.
        heard = edge["orders"].ask(access, f"/status/{status}")
        assert challenge(heard) == (status, None)
        assert heard.json["path"] == f"/status/{status}"


def test_any_host_is_answered_and_the_api_is_told_which(portal: Portal, edge: Edge) -> None:
    access = portal.token(portal.world.orders)
    for host in ("api.example.com", "evil.example:8443"):
        assert told(edge["orders"].ask(access, "/items", ("Host", host)))["host"] == host


def test_s0_2_path_rules_hold_on_what_the_gateway_tells_and_not_on_what_the_client_says(
    portal: Portal, edge: Edge, api: Api
) -> None:
    reader, writer = (portal.token(portal.ledger, scope=scope) for scope in ("read", "write"))
    assert edge["ledger"].ask(writer, "/invoices/7", method="DELETE").status == 200
    assert edge["ledger"].ask(reader, "/invoices/7").status == 200
    api.seen.clear()
    needed = f'{BARE}, error="insufficient_scope", scope="write"'
    for headers in (
        [],
        [("X-Original-URI", "/public"), ("X-Original-Method", "GET")],
        [("X-Forwarded-Uri", "/public"), ("X-Forwarded-Method", "GET")],
        [("X_Original_URI", "/public"), ("X_Forwarded_Uri", "/public")],
        [("X-HTTP-Method-Override", "GET"), ("X-Envoy-Original-Path", "/public"), ("X-Rewrite-Url", "/public")],
    ):
        heard = edge["ledger"].ask(reader, "/invoices/7", *headers, method="DELETE")
        assert challenge(heard)[0] == 403
        if not any("Forwarded" in name or "Original" in name for name, _ in headers):
            assert challenge(heard) == (403, needed)
    assert api.seen == []


@pytest.mark.parametrize(
    "path",
    [
        "//invoices/7",
        "/invoices//7",
        "/./invoices/7",
        "/x/../invoices/7",
        "/%69nvoices/7",
        "/invoices%2f7",
        "/x/%2e%2e/invoices/7",
        "/invoices/7;a=b",
        "/invoices\\7",
        "/invoices/7?",
        "/invoices/7#part",
        "/invoices/7/",
        "/invoices/7%00",
    ],
)
def test_b31_no_spelling_of_a_path_gets_round_its_rule(portal: Portal, edge: Edge, api: Api, path: str) -> None:
    reader = portal.token(portal.ledger, scope="read")
    api.seen.clear()
    heard = edge["ledger"].ask(reader, path, method="DELETE")
    assert heard.status in (307, 400, 403), heard
    assert api.seen == []


def test_d22_a_token_in_the_url_counts_where_the_proxy_s_switch_is_on(portal: Portal, edge: Edge) -> None:
    access = portal.token(portal.ledger)
    in_url = f"/items?access_token={access}&a=1"
    assert challenge(edge["ledger"].ask(None, in_url)) == (401, BARE)
    catalogue.change_proxy(portal.ledger, by="test", accept_token_in_url=True)
    try:
        assert edge["ledger"].ask(None, in_url).status == 200
        assert challenge(edge["ledger"].ask(access, in_url)) == (401, INVALID)
        assert challenge(edge["ledger"].ask(None, "/items?access_token=nonsense")) == (401, INVALID)
    finally:
        catalogue.change_proxy(portal.ledger, by="test", accept_token_in_url=False)
    for written in (portal.log, edge["ledger"].log):
        assert access not in written.read_text(errors="replace")


@pytest.mark.parametrize("token", ["lk_ct_nonsense", "PASTE-THE-CONNECTION-TOKEN"])
def test_s4_1_a_gateway_that_does_not_prove_itself_gets_nothing_through(
    portal: Portal, edge: Edge, api: Api, token: str
) -> None:
    access = portal.token(portal.world.orders)
    api.seen.clear()
    with edge.changed("orders", token=token) as stranger:
        assert closed(stranger.ask(access))
    assert api.seen == []


def test_a_gateway_that_names_no_proxy_of_the_portal_s_is_loud_and_closed(portal: Portal, edge: Edge, api: Api) -> None:
    access = portal.token(portal.world.orders)
    api.seen.clear()
    with edge.changed("misspelt") as wrong:
        assert closed(wrong.ask(access))
    assert api.seen == []


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
    assert not [call for call in api.seen if "hidden" in call]


def test_r32_a_header_without_end_is_refused_and_the_gateway_lives_on(portal: Portal, edge: Edge, api: Api) -> None:
    access = portal.token(portal.world.orders)
    api.seen.clear()
    heard = edge["orders"].ask("x" * 50_000)
    assert heard.status in (400, 401, 414, 431, 500, 502, 503)
    assert api.seen == []
    assert edge["orders"].ask(access).status == 200
