"""With the portal away: who asks about every call is closed, who validates alone goes on. One absence for all (I13)."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.gateways.checks import closed, invalid
from tests.gateways.gateways import KINDS, Gateway, Names
from tests.gateways.portal import Portal
from tests.gateways.upstream import Api
from tests.wire import Heard

pytestmark = pytest.mark.gateway
# Both of Apache's modules blame the token: the client will ask for another one, and get none.
ASKING: dict[str, Callable[[Heard], bool]] = {
    "nginx": closed,
    "caddy": closed,
    "envoy": closed,
    "mod_auth_openidc": invalid,
    "mod_oauth2_introspection": invalid,
}
ALONE = ("haproxy", "mod_oauth2")


@pytest.fixture(scope="module")
def gateways(names: Callable[..., Names]) -> Iterator[dict[str, Gateway]]:
    """One of each kind in front of `orders`."""
    with ExitStack() as stack:
        yield {kind: stack.enter_context(start(names("orders"))) for kind, start in KINDS.items()}


def test_i13_without_the_portal_no_call_gets_through_that_it_would_have_been_asked_about(
    portal: Portal, gateways: dict[str, Gateway], api: Api
) -> None:
    assert {*ASKING, *ALONE} == set(gateways)
    portal.formats("jwt")
    good, foreign = portal.token(portal.world.orders), portal.token(portal.world.billing)
    for kind, gateway in gateways.items():
        assert (gateway.ask(good).status, gateway.ask(foreign).status) == (200, 401), kind
    with portal.stopped():
        api.seen.clear()
        for kind, refused in ASKING.items():
            for shown in (good, foreign, "nonsense"):
                assert refused(gateways[kind].ask(shown)), kind
            assert gateways[kind].ask(None).status != 200, kind
        assert api.seen == []
        # These know nothing of the portal between two looks at its keys.
        for kind in ALONE:
            assert gateways[kind].ask(good).status == 200, kind
            assert invalid(gateways[kind].ask(foreign)), kind
            assert gateways[kind].ask(None).status == 401, kind
    for kind, gateway in gateways.items():
        assert (gateway.ask(good).status, gateway.ask(foreign).status) == (200, 401), f"{kind} opens again by itself"
