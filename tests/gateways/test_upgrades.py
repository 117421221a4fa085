"""What a client may make of its connection: a tunnel of HTTP would carry calls that no gateway looks at."""

import pytest

from tests.gateways.conftest import Edge
from tests.gateways.gateways import KINDS
from tests.gateways.portal import Portal
from tests.gateways.upstream import Api

pytestmark = [pytest.mark.gateway, pytest.mark.parametrize("edge", KINDS, indirect=True)]

# RFC 7540 section 3.2: an API that knows HTTP/2 without TLS would answer 101, and take calls past the gateway.
HTTP2 = ("HTTP2-Settings", "AAMAAABkAAQAAP__")
KEY = ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
ASKED = (
    [("Connection", "Upgrade, HTTP2-Settings"), ("Upgrade", "h2c"), HTTP2],
    [("Connection", "Upgrade"), ("Upgrade", "h2c"), HTTP2],
    [("Connection", "upgrade"), ("Upgrade", "H2C")],
    [("Connection", "Upgrade"), ("Upgrade", "websocket, h2c"), KEY],
    [("Connection", "Upgrade"), ("Upgrade", "h2c, websocket"), KEY],
    [("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Upgrade", "h2c"), KEY],
    [("Connection", "Upgrade"), ("Upgrade", "h2c"), ("Upgrade", "websocket"), KEY],
    [("Connection", "Upgrade"), ("Upgrade", "TLS/1.2")],
)


def test_r32_no_client_gets_a_tunnel_of_http_through_a_gateway(portal: Portal, edge: Edge, api: Api) -> None:
    portal.formats("jwt")
    access = portal.token(portal.world.orders)
    for asked in ASKED:
        api.seen.clear()
        heard = edge["orders"].ask(access, "/items", *asked)
        assert heard.status == 403 or (heard.status, len(api.seen)) == (200, 1), asked
        told = [value.lower() for call in api.seen for name, value in call.headers if name.lower() == "upgrade"]
        assert told in ([], ["websocket"]), asked
    # WebSockets pass where the gateway knows them; the others answer as if nothing had been asked for, or refuse.
    api.seen.clear()
    heard = edge["orders"].ask(access, "/items", ("Connection", "Upgrade"), ("Upgrade", "WebSocket"), KEY)
    assert heard.status in (200, 403)
    told = [value for call in api.seen for name, value in call.headers if name.lower() == "upgrade"]
    assert told == (["websocket"] if edge.kind in ("caddy", "haproxy") else [])
    assert edge["orders"].ask(access).status == 200
