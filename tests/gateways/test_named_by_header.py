"""nginx, Caddy and Envoy with the guide's lines for VERIFY_SOURCES=header: only the gateway names proxy and scopes."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest

from tests.gateways.checks import BARE, INVALID, challenge, closed, identity
from tests.gateways.gateways import KINDS, Gateway, Names
from tests.gateways.portal import Portal
from tests.gateways.upstream import Api
from tests.wire import free_port

pytestmark = pytest.mark.gateway
ASKING = ("nginx", "caddy", "envoy")
NEEDS_WRITE = f'{BARE}, error="insufficient_scope", scope="read write"'
# What a client would write to be judged by another proxy's rules, or by fewer scopes.
FORGED = [
    *((name, "billing") for name in ("X-Proxy", "X_Proxy", "x-proxy", "X-PROXY", "X_proxy")),
    *((name, "read") for name in ("X-Required-Scope", "X_Required_Scope", "X-Required_Scope", "X_Required-Scope")),
    ("X-Required-Scope", ""),
    ("X-Proxy", ""),
]


@pytest.fixture(scope="module")
def by_header(portal: Portal, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """One more of the portal, which takes the proxy's name from the header alone."""
    log = tmp_path_factory.mktemp("by_header") / "portal.log"
    other = replace(portal, port=free_port(), log=log, sources="header", _running=ExitStack())
    other.start()
    try:
        yield other
    finally:
        other.stop()


@pytest.fixture(scope="module", params=ASKING)
def gateway(request: pytest.FixtureRequest, by_header: Portal, names: Callable[..., Names]) -> Iterator[Gateway]:
    """In front of `orders`, asking that portal."""
    with KINDS[request.param](names("orders", portal=by_header.port, by_header=True)) as running:
        yield running


@pytest.fixture(autouse=True)
def _opaque(portal: Portal) -> None:
    portal.formats("opaque")


def test_r18_the_gateway_s_header_names_the_proxy_and_the_scopes(portal: Portal, gateway: Gateway, api: Api) -> None:
    orders, client_id = portal.world.orders, portal.world.key_of(portal.world.orders).client_id
    assert identity(gateway.ask(portal.token(orders)))[:3] == [client_id, client_id, "read write"]
    api.seen.clear()
    assert challenge(gateway.ask(None)) == (401, BARE)
    for shown in ("nonsense", portal.expired(orders), portal.token(portal.world.billing)):
        assert challenge(gateway.ask(shown)) == (401, INVALID)
    assert challenge(gateway.ask(portal.token(orders, scope="read"))) == (403, NEEDS_WRITE)
    assert api.seen == []


def test_r31_what_the_client_writes_into_these_headers_and_its_url_has_no_effect(
    portal: Portal, gateway: Gateway, api: Api
) -> None:
    orders = portal.world.orders
    good, foreign, narrow = portal.token(orders), portal.token(portal.world.billing), portal.token(orders, scope="read")
    for one in [[each] for each in FORGED] + [FORGED]:
        for path in ("/items", "/billing", "/items?proxy=billing&scope=read", "/items?proxy=orders&proxy=billing"):
            assert gateway.ask(good, path, *one).status == 200, one
            api.seen.clear()
            assert challenge(gateway.ask(foreign, path, *one)) == (401, INVALID), one
            assert challenge(gateway.ask(narrow, path, *one)) == (403, NEEDS_WRITE), one
            assert challenge(gateway.ask(None, path, *one)) == (401, BARE), one
            assert api.seen == []


def test_a_gateway_of_the_path_mode_is_loud_and_closed_at_a_portal_of_the_header_mode(
    portal: Portal, by_header: Portal, names: Callable[..., Names], api: Api
) -> None:
    access = portal.token(portal.world.orders)
    api.seen.clear()
    for kind in ASKING:
        with KINDS[kind](names("orders", portal=by_header.port)) as wrong:
            assert closed(wrong.ask(access))
            # Nor does the client make it work by naming the proxy itself.
            assert closed(wrong.ask(access, "/items", ("X-Proxy", "orders"))), kind
    assert api.seen == []
