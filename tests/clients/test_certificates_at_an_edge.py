"""Clients with certificates, through a real nginx that speaks TLS with them: the very file of deploy/ (RFC 8705)."""

from __future__ import annotations

import http.client
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests
from oauthlib.oauth2 import BackendApplicationClient, OAuth2Error
from requests_oauthlib import OAuth2Session

from tests.clients import edges
from tests.clients.conftest import Edge
from tests.databases import PROJECT
from tests.gateways.certificates import self_signed
from tests.gateways.gateways import configured, nginx_running
from tests.tokens import proofs
from tests.tokens.proofs import Certified, certificate
from tests.wire import ask, free_port

if TYPE_CHECKING:
    from credentials.models import Credential
    from tests.clients.conftest import Portal

pytestmark = pytest.mark.gateway
TIMEOUT = 20
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture
def shop(portal: Portal) -> Iterator[Credential]:
    """The key of `billing`, without keys of its own; what a test changes is put back."""
    from credentials import client_keys, clients

    credential = portal.world.credentials["billing"]
    before = credential.auth_methods.split()
    known = set(credential.keys.values_list("pk", flat=True))
    yield credential
    clients.set_methods(credential, before, by="test")
    for key in credential.keys.exclude(pk__in=known).filter(removed_at=None):
        client_keys.remove_key(key, by="test")


@pytest.fixture
def own(shop: Credential) -> Certified:
    """A registered certificate that signed itself."""
    from credentials import client_keys, clients

    made = certificate("shop.example")
    client_keys.add_keys(shop, made.pem, by="test")
    clients.set_methods(shop, ["self_signed_tls_client_auth"], by="test")
    return made


def test_s3_2_a_registered_certificate_gets_a_token_through_the_edge(
    edge: Edge, shop: Credential, own: Certified
) -> None:
    granted = edge.ask("token", shop.client_id, own)
    assert granted.status_code == 200, granted.text
    refreshed = edge.ask(
        "token", shop.client_id, own, grant_type="refresh_token", refresh_token=granted.json()["refresh_token"]
    )
    access = refreshed.json()["access_token"]
    known = edge.ask("introspect", shop.client_id, own, token=access).json()
    assert known["cnf"]["x5t#S256"] == proofs.x5t(own)
    assert edge.ask("revoke", shop.client_id, own, token=access).status_code == 200
    assert edge.ask("introspect", shop.client_id, own, token=access).json() == {"active": False}

    assert edge.ask("token", shop.client_id, None).status_code == 401
    assert edge.ask("token", shop.client_id, certificate("shop.example")).status_code == 401


def test_s3_2_requests_oauthlib_gets_refreshes_and_revokes_by_its_certificate(
    edge: Edge, shop: Credential, own: Certified
) -> None:
    """The library's own way: `cert`, and the client id in the form."""
    session = OAuth2Session(client=BackendApplicationClient(shop.client_id))
    shown: dict[str, Any] = {"verify": str(edge.trust), "cert": edge.pair(own)}
    session.cert = shown["cert"]

    first = session.fetch_token(f"{edge.url}/oauth2/token", include_client_id=True, **shown)
    second = session.refresh_token(
        f"{edge.url}/oauth2/token",
        refresh_token=first["refresh_token"],
        client_id=shop.client_id,
        verify=str(edge.trust),
    )
    access = second["access_token"]
    assert edge.ask("introspect", shop.client_id, own, token=access).json()["cnf"]["x5t#S256"] == proofs.x5t(own)
    url, headers, body = session._client.prepare_token_revocation_request(
        f"{edge.url}/oauth2/revoke", access, "access_token", client_id=shop.client_id
    )
    assert requests.post(url, data=body, headers=headers, timeout=TIMEOUT, **shown).status_code == 200
    assert edge.ask("introspect", shop.client_id, own, token=access).json() == {"active": False}

    shown["cert"] = edge.pair(certificate("shop.example"))
    with pytest.raises(OAuth2Error) as refused:
        session.fetch_token(f"{edge.url}/oauth2/token", include_client_id=True, **shown)
    assert refused.value.error == "invalid_client"


def test_s3_2_an_issued_certificate_gets_a_token_and_one_of_another_issuer_does_not(
    edge: Edge, shop: Credential
) -> None:
    """nginx checks no chain here; the portal does."""
    from credentials import client_keys, clients

    authority, stranger = (certificate("Example CA", authority=True, san=[]) for _ in range(2))
    client_keys.add_authority(shop, authority.pem, by="test")
    clients.set_methods(shop, ["tls_client_auth"], certificate_name="dns:shop.example", by="test")

    assert edge.ask("token", shop.client_id, certificate("shop.example", by=authority)).status_code == 200
    assert edge.ask("token", shop.client_id, certificate("billing.example", by=authority)).status_code == 401
    assert edge.ask("token", shop.client_id, certificate("shop.example", by=stranger)).status_code == 401


def test_b27_a_client_that_writes_the_header_itself_is_believed_neither_at_the_edge_nor_past_it(
    portal: Portal, edge: Edge, shop: Credential, own: Certified
) -> None:
    forged = {"X-Client-Certificate": own.escaped}
    for headers in (forged, {"X_Client_Certificate": own.escaped}, {"x-client-certificate": own.escaped}):
        assert edge.ask("token", shop.client_id, None, headers=headers).status_code == 401
        # Nor does it displace what nginx has seen.
        other = certificate("shop.example")
        assert edge.ask("token", shop.client_id, other, headers=headers).status_code == 401
        assert edge.ask("token", shop.client_id, own, headers=dict.fromkeys(headers, "x")).status_code == 200
    # Past the edge, from an address that is not its: 127.0.0.2 is this machine as well.
    body = f"grant_type=client_credentials&client_id={shop.client_id}".encode()
    wire = http.client.HTTPConnection("127.0.0.1", portal.port, timeout=TIMEOUT, source_address=("127.0.0.2", 0))
    assert ask(portal.port, "POST", "/oauth2/token", {**FORM, **forged}, body, over=wire).status == 401


@pytest.mark.parametrize("kind", edges.KINDS)
def test_b27_the_page_s_line_for_each_other_edge(portal: Portal, shop: Credential, own: Certified, kind: str) -> None:
    """It tells the certificate that was shown, and takes away what the client wrote, with one and without."""
    # Not pytest's own folder: Apache's children are another user's, who cannot look into that.
    with tempfile.TemporaryDirectory() as made:
        folder, port = Path(made), free_port()
        folder.chmod(0o755)
        trust = self_signed("mtls.portal.example.com", folder)
        with edges.started(kind, folder, port, portal.port):
            edge = Edge(f"https://localhost:{port}", trust, folder)
            forged = {"X-Client-Certificate": own.escaped}

            assert edge.ask("token", shop.client_id, own).status_code == 200
            assert edge.ask("token", shop.client_id, own, headers={"X-Client-Certificate": "x"}).status_code == 200
            for by in (None, certificate("shop.example")):
                assert edge.ask("token", shop.client_id, by).status_code == 401
                assert edge.ask("token", shop.client_id, by, headers=forged).status_code == 401


def lines_for_a_gateway() -> list[str]:
    """What docs/clients.md adds to a gateway's file: first the server's lines, then that of the question."""
    text = (PROJECT / "docs" / "clients.md").read_text(encoding="utf-8")
    section = text.split("## Bound tokens at an API's gateway", 1)[1].split("\n## ", 1)[0]
    blocks = re.findall(r"^```nginx\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 2
    return blocks


def test_r16_a_bound_token_opens_an_api_behind_nginx_with_its_certificate_only(
    portal: Portal, edge: Edge, shop: Credential, own: Certified, tmp_path: Path
) -> None:
    from credentials import rotation
    from tests.gateways.upstream import upstream

    portal.formats("jwt")
    connection = rotation.open_connection(
        name="edge", deployment_type="reverse_proxy", environment=portal.world.test, by="test"
    )
    of_server, of_question = lines_for_a_gateway()
    port = free_port()
    trust = self_signed("api.example.com", tmp_path)
    of_server = of_server.replace("/etc/nginx/latchkey/api.crt", str(trust))
    of_server = of_server.replace("/etc/nginx/latchkey/api.key", str(tmp_path / "portal.key"))
    of_server = of_server.replace("listen 443 ssl;", f"listen 127.0.0.1:{port} ssl;")
    (tmp_path / "token.conf").write_text(f'proxy_set_header X-Gateway-Token "{connection.raw}";\n')
    with upstream() as api:
        text = configured(
            "nginx/orders.conf",
            {
                "server portal.internal:8000;": f"server 127.0.0.1:{portal.port};",
                "server api.internal:9000;": f"server 127.0.0.1:{api.server_port};",
                "/auth/verify/orders;": "/auth/verify/billing;",
                "listen 8080;": of_server,
                "include /etc/nginx/latchkey/gateway-token.conf;": f"include {tmp_path}/token.conf;\n{of_question}",
            },
        )
        (tmp_path / "billing.conf").write_text(text)
        access = edge.ask("token", shop.client_id, own).json()["access_token"]

        def call(by: Certified | None) -> requests.Response:
            return requests.get(
                f"https://localhost:{port}/items",
                headers={"Authorization": f"Bearer {access}", "X-Client-Certificate": own.escaped},
                verify=str(trust),
                cert=None if by is None else edge.pair(by),
                timeout=TIMEOUT,
            )

        with nginx_running(tmp_path, port, "billing.conf"):
            assert call(own).status_code == 200
            for by in (None, certificate("shop.example")):
                refused = call(by)
                assert refused.status_code == 401
                assert 'error="invalid_token"' in refused.headers["WWW-Authenticate"]
