"""The TLS edge in front of the portal itself, as deploy/nginx/portal.conf makes it."""

import base64
import http.client
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.gateways.gateways import secured
from tests.gateways.portal import FORM, PUBLIC_URL, Portal
from tests.wire import Heard, ask
from tokens.models import TokenRequestLog

pytestmark = pytest.mark.gateway
Asking = Callable[..., Heard]


@pytest.fixture(scope="module")
def by_https(portal: Portal, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asking]:
    """How to ask the portal through its edge."""
    folder: Path = tmp_path_factory.mktemp("edge")
    with secured(portal.port, folder) as port:
        trusted = ssl.create_default_context(cafile=str(folder / "portal.crt"))

        def asked(method: str, path: str, headers: dict[str, str] | None = None, body: bytes = b"") -> Heard:
            wire = http.client.HTTPSConnection("localhost", port, timeout=20, context=trusted)
            return ask(port, method, path, {"Host": "portal.example.com", **(headers or {})}, body, over=wire)

        yield asked


def test_r22_the_issuer_is_where_the_metadata_is_found(by_https: Asking) -> None:
    told = by_https("GET", "/.well-known/oauth-authorization-server")
    assert (told.status, told.json["issuer"]) == (200, PUBLIC_URL)
    assert by_https("GET", told.json["jwks_uri"].removeprefix(PUBLIC_URL)).status == 200


def test_i18_what_the_client_says_of_its_address_is_gone(portal: Portal, by_https: Asking) -> None:
    client = portal.world.key_of(portal.world.orders)
    pair = base64.b64encode(f"{client.client_id}:{client.secret}".encode()).decode()
    forged = {"X-Forwarded-For": "203.0.113.9", "X_Forwarded_For": "203.0.113.9", "Forwarded": "for=203.0.113.9"}
    body = urlencode({"grant_type": "client_credentials"}).encode()
    granted = by_https("POST", "/oauth2/token", {**FORM, **forged, "Authorization": f"Basic {pair}"}, body)
    assert granted.status == 200
    assert TokenRequestLog.objects.order_by("-id")[0].address == "127.0.0.1"


@pytest.mark.parametrize(
    "path",
    [
        "/auth/verify",
        "/auth/verify/orders",
        "/env/test/auth/verify/orders",
        "//auth/verify/orders",
        "/auth//verify/orders",
        "/x/../auth/verify/orders",
        "/auth/./verify/orders",
        "/auth%2fverify/orders",
        "/%61uth/verify/orders",
        "/AUTH/verify/orders",
    ],
)
def test_nobody_outside_asks_the_gateways_question(portal: Portal, by_https: Asking, path: str) -> None:
    access = portal.token(portal.world.orders)
    asked = by_https(
        "GET",
        path,
        {
            "Authorization": f"Bearer {access}",
            "X-Gateway-Token": portal.gateway_token,
            "X-Gateway-Type": "reverse_proxy",
        },
    )
    assert asked.status == 404


def test_the_console_is_there_and_knows_that_it_is_asked_by_https(by_https: Asking) -> None:
    page = by_https("GET", "/admin/")
    # To the login, and not to the same address by https, which would go round and round.
    assert (page.status, page.headers["Location"].split("?")[0]) == (302, "/admin/login/")
    assert "Strict-Transport-Security" in page.headers
