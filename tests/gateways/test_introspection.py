"""Apache as its examples in deploy/ make it, asking the portal about every call by introspection."""

import pytest

from proxies import catalogue, deployment
from tests.gateways.checks import NEEDS_READ, challenge, identity, invalid
from tests.gateways.conftest import Edge
from tests.gateways.portal import Portal
from tests.gateways.upstream import Api
from tokens.models import IssuedToken

KINDS = ["mod_auth_openidc", "mod_oauth2_introspection"]
pytestmark = pytest.mark.gateway
EACH = pytest.mark.parametrize("edge", KINDS, indirect=True)
AS_A_GATEWAY = pytest.mark.parametrize("edge", KINDS[:1], indirect=True)
AS_THE_PROXY = pytest.mark.parametrize("edge", KINDS[1:], indirect=True)


@pytest.fixture(autouse=True)
def _opaque(portal: Portal) -> None:
    portal.formats("opaque")


@EACH
def test_r18_a_good_token_gets_through_and_the_api_is_told_who_calls(portal: Portal, edge: Edge) -> None:
    for form in ("opaque", "jwt"):
        portal.formats(form)
        client_id = portal.world.key_of(portal.world.orders).client_id
        *who, jti = identity(edge["orders"].ask(portal.token(portal.world.orders)))
        assert who == [client_id, client_id, "read write"]
        assert IssuedToken.objects.get(jti=jti).token_format == form


@EACH
def test_r18_what_is_not_a_good_token_is_401_and_never_reaches_the_api(portal: Portal, edge: Edge, api: Api) -> None:
    orders = portal.world.orders
    expired, revoked, good = portal.expired(orders), portal.token(orders), portal.token(orders)
    portal.revoke(orders, revoked)
    api.seen.clear()
    for what, shown in (
        ("expired", expired),
        ("revoked", revoked),
        ("for another proxy", portal.token(portal.world.billing)),
        ("unknown", "nonsense"),
        ("two", f"{good} {good}"),
    ):
        assert invalid(edge["orders"].ask(shown)), what
    # Without a token both modules say more than RFC 6750 section 3.1 wants said.
    for headers in ([], [("Authorization", "Basic YTpi")], [("Authorization", f"Token {good}")]):
        status, words = challenge(edge["orders"].ask(None, "/items", *headers))
        assert (status, 'error="invalid_request"' in str(words)) == (401, True)
    assert edge["orders"].ask(good, "/items", ("Authorization", f"Bearer {good}")).status == 401
    assert api.seen == []


@EACH
def test_r19_a_token_in_the_url_a_form_or_a_cookie_counts_nowhere(portal: Portal, edge: Edge, api: Api) -> None:
    access = portal.token(portal.world.orders)
    api.seen.clear()
    form = ("Content-Type", "application/x-www-form-urlencoded")
    assert edge["orders"].ask(None, f"/items?access_token={access}").status == 401
    body = f"access_token={access}".encode()
    assert edge["orders"].ask(None, "/items", form, method="POST", body=body).status == 401
    assert edge["orders"].ask(None, "/items", ("Cookie", f"PA.global={access}; access_token={access}")).status == 401
    assert api.seen == []


@EACH
def test_r18_a_missing_scope_is_403_and_the_challenge_names_it(portal: Portal, edge: Edge, api: Api) -> None:
    writer = portal.token(portal.world.orders, scope="write")
    api.seen.clear()
    assert challenge(edge["orders"].ask(writer)) == (403, NEEDS_READ)
    assert api.seen == []
    assert edge["orders"].ask(portal.token(portal.world.orders, scope="read")).status == 200


@EACH
@pytest.mark.parametrize("form", ["opaque", "jwt"])
def test_i6_a_token_that_is_revoked_while_in_use_is_refused_on_the_next_request(
    portal: Portal, edge: Edge, form: str
) -> None:
    portal.formats(form)
    access = portal.token(portal.world.orders)
    assert [edge["orders"].ask(access).status for _ in range(5)] == [200] * 5
    portal.revoke(portal.world.orders, access)
    assert invalid(edge["orders"].ask(access))


@EACH
def test_i6_an_undeployed_proxy_is_closed_on_the_next_request(portal: Portal, edge: Edge) -> None:
    access = portal.token(portal.ledger)
    assert edge["ledger"].ask(access).status == 200
    deployment.undeploy(portal.ledger, portal.world.test, by="test")
    assert invalid(edge["ledger"].ask(access))
    deployment.deploy(portal.ledger, portal.world.test, by="test")


@EACH
def test_r16_a_token_that_is_bound_to_a_certificate_opens_nothing_where_nobody_asks_for_that_certificate(
    portal: Portal, edge: Edge, api: Api
) -> None:
    access = portal.token(portal.world.orders)
    jti = identity(edge["orders"].ask(access))[-1]
    IssuedToken.objects.filter(jti=jti).update(certificate_thumbprint="A" * 43)
    api.seen.clear()
    assert invalid(edge["orders"].ask(access))
    assert api.seen == []


@AS_A_GATEWAY
def test_s0_22_a_group_s_token_opens_each_member_of_now_and_nothing_else(portal: Portal, edge: Edge) -> None:
    world = portal.world
    for form in ("opaque", "jwt"):
        portal.formats(form)
        access = portal.token(world.commerce)
        assert edge["orders"].ask(access).status == 200
        assert edge["billing"].ask(access).status == 200
        assert invalid(edge["ledger"].ask(access))
        catalogue.remove_member(world.commerce, world.billing, by="test")
        assert invalid(edge["billing"].ask(access))
        catalogue.add_member(world.commerce, world.billing, by="test")
        assert edge["billing"].ask(access).status == 200


@AS_THE_PROXY
def test_d40_a_group_s_token_is_refused_where_the_question_is_asked_with_a_proxy_s_key(
    portal: Portal, edge: Edge
) -> None:
    assert invalid(edge["orders"].ask(portal.token(portal.world.commerce)))


@AS_A_GATEWAY
@pytest.mark.parametrize("token", ["lk_ct_nonsense", "PASTE-THE-CONNECTION-TOKEN"])
def test_s4_1_a_gateway_that_does_not_prove_itself_gets_nothing_through(
    portal: Portal, edge: Edge, api: Api, token: str
) -> None:
    access = portal.token(portal.world.orders)
    api.seen.clear()
    with edge.changed("orders", token=token) as stranger:
        assert stranger.ask(access).status == 401
    assert api.seen == []
