"""nginx, Caddy and Envoy as their examples in deploy/ make them: they ask the portal about every call."""

import pytest

from proxies import catalogue
from tests.gateways.checks import BARE, INVALID, NEEDS_READ, challenge, closed, identity
from tests.gateways.conftest import Edge
from tests.gateways.portal import Portal
from tests.gateways.upstream import Api
from tokens.models import IssuedToken

pytestmark = [pytest.mark.gateway, pytest.mark.parametrize("edge", ["nginx", "caddy", "envoy"], indirect=True)]

# What the portal would believe of a gateway that has proved itself, or takes the API proxy's name from (B27, R31).
NOT_THE_CLIENT_S = (
    "X-Proxy",
    "X_Proxy",
    "X-Required-Scope",
    "X-Client-Certificate",
    "X_Client_Certificate",
    "Client-Cert",
)


@pytest.fixture(autouse=True)
def _opaque(portal: Portal) -> None:
    portal.formats("opaque")


def test_r18_a_good_token_gets_through_and_the_api_is_told_who_calls(portal: Portal, edge: Edge) -> None:
    for form in ("opaque", "jwt"):
        portal.formats(form)
        access = portal.token(portal.world.orders)
        client_id = portal.world.key_of(portal.world.orders).client_id
        *who, jti = identity(edge["orders"].ask(access))
        assert who == [client_id, client_id, "read write"]
        assert IssuedToken.objects.get(jti=jti).token_format == form


def test_r18_what_is_not_a_good_token_is_401_with_its_challenge_and_never_reaches_the_api(
    portal: Portal, edge: Edge, api: Api
) -> None:
    orders, billing = portal.world.orders, portal.world.billing
    expired, revoked = portal.expired(orders), portal.token(orders)
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
    assert challenge(edge["orders"].ask(writer)) == (403, NEEDS_READ)
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
    portal.formats(form)
    access = portal.token(portal.world.orders)
    assert [edge["orders"].ask(access).status for _ in range(5)] == [200] * 5
    portal.revoke(portal.world.orders, access)
    assert challenge(edge["orders"].ask(access)) == (401, INVALID)


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


def test_the_portal_is_told_what_it_needs_and_nothing_else(portal: Portal, edge: Edge, api: Api) -> None:
    access = portal.token(portal.world.orders)
    # Here the API stands in the portal's place, too, to see what the portal would.
    with edge.changed("orders", portal=api.server_port) as watched:
        api.seen.clear()
        forged = [
            ("X-Gateway-Token", "lk_ct_x"),
            ("X-Gateway-Type", "x"),
            ("X-Gateway-Instance", "x"),
            ("Cookie", "a=b"),
            *((name, "billing") for name in NOT_THE_CLIENT_S),
            # Of two pairs the gateway writes one, and has to take the other one out.
            ("X-Original-URI", "/x"),
            ("X-Original-Method", "GET"),
            ("X-Forwarded-Uri", "/x"),
            ("X-Forwarded-Method", "GET"),
        ]
        watched.ask(access, "/items?a=1", *forged, method="POST", body=b"the body")
        question = api.seen[0]
    headers = {name.lower(): value for name, value in question.headers}
    assert question.path.split("?")[0] in ("/auth/verify/orders", "/auth/verify/orders/items")
    assert question.body == ""
    assert headers.get("content-length", "0") == "0"
    assert headers["authorization"] == f"Bearer {access}"
    assert (headers["x-gateway-token"], headers["x-gateway-type"]) == (portal.gateway_token, "reverse_proxy")
    assert headers["x-gateway-instance"] not in ("", "x")
    assert not {"cookie", *(name.lower().replace("_", "-") for name in NOT_THE_CLIENT_S)} & set(headers)
    pairs = [(headers.get(f"x-{kind}-method"), headers.get(f"x-{kind}-uri")) for kind in ("original", "forwarded")]
    assert [pair for pair in pairs if pair != (None, None)] == [("POST", "/items?a=1")]
