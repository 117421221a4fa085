"""A portal that was really started, and clients in it that prove themselves in each way."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

from config import portal as parts
from tests import databases
from tests.gateways.certificates import self_signed
from tests.gateways.gateways import configured, nginx_running
from tests.gateways.processes import running
from tests.tokens import proofs
from tests.tokens.proofs import Certified
from tests.wire import free_port

if TYPE_CHECKING:
    from tests.world import World

# Every character that a client id may have: half of the libraries encode the last four in a Basic header.
CLIENT_ID = "My.own_client~id-1"
KID = "2026-11"
TIMEOUT = 20
# An edge on this address may say which certificate it has seen; whoever calls from another one may not.
SETTINGS = {
    "WEB_CONCURRENCY": "1",
    "CLIENT_CERTIFICATE_HEADER": "X-Client-Certificate",
    "TRUSTED_GATEWAYS": "127.0.0.1/32",
    "VERIFY_SOURCES": "header,path",
}


@dataclass
class Portal:
    """Where it is, and who may come: `orders` by secrets, `billing` by a private key."""

    url: str
    port: int
    world: World
    secret: str
    key: Any
    environment: dict[str, str]

    def formats(self, form: str) -> None:
        """Tokens of both are opaque, or JWTs, from now on."""
        for holder in (self.world.orders, self.world.billing):
            self.world.policy(holder, access=600, refresh=1200, format=form)

    def asking(self, method: str, form: str) -> dict[str, Any]:
        """What a client that proves itself in this way needs to know."""
        self.formats(form)
        by_key = method == "private_key_jwt"
        proxy = self.world.billing if by_key else self.world.orders
        known = {
            "issuer": self.url,
            "method": method,
            "client_id": self.world.credentials["billing"].client_id if by_key else CLIENT_ID,
            "proxy": proxy.slug,
            "audience": proxy.audience,
            "is_jwt": form == "jwt",
        }
        shown = {"key": proofs.private_pem(self.key), "algorithm": "ES256", "kid": KID} if by_key else {}
        return {**known, **shown, **({} if by_key else {"secret": self.secret})}


@pytest.fixture(scope="package")
def portal(tmp_path_factory: pytest.TempPathFactory, _template: None, django_db_blocker: Any) -> Iterator[Portal]:
    """The portal of this package's tests, on a database of its own with real commits."""
    from credentials import client_keys, clients
    from tests import world as worlds  # models can be imported only now
    from tokens import signing

    folder = tmp_path_factory.mktemp("portal")
    data_dir = folder / "data"
    data_dir.mkdir(mode=0o700)
    with django_db_blocker.unblock(), databases.cloned(data_dir) as own:
        world, key = worlds.build(), proofs.private_key("ES256")
        secret = clients.change_key(world.credentials["orders"], client_id=CLIENT_ID, by="test")
        client_keys.add_keys(world.credentials["billing"], proofs.public_pem(key), kid=KID, by="test")
        clients.set_methods(world.credentials["billing"], ["private_key_jwt"], by="test")
        signing.ensure(world.test, by="test")
        databases.close_connections()
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        environment = {**own.environment(), **SETTINGS, "PORT": str(port), "PUBLIC_URL": url}
        command = parts.parts()[0].command
        # Quickly: libraries keep connections, which an orderly end would wait for.
        with running(
            command,
            port,
            folder / "portal.log",
            environment=environment,
            folder=databases.PROJECT,
            ready=lambda port: parts.answers("127.0.0.1", port),
            end=signal.SIGQUIT,
        ):
            yield Portal(url, port, world, secret, key, environment)
        databases.close_connections()


@dataclass
class Edge:
    """nginx in front of the portal."""

    url: str
    trust: Path
    folder: Path

    def ask(self, endpoint: str, client_id: str, by: Certified | None, **more: Any) -> requests.Response:
        headers = more.pop("headers", {})
        form = {"client_id": client_id, **more}
        if endpoint == "token":
            form.setdefault("grant_type", "client_credentials")
        return requests.post(
            f"{self.url}/oauth2/{endpoint}",
            data=form,
            headers=headers,
            verify=str(self.trust),
            cert=None if by is None else self.pair(by),
            timeout=TIMEOUT,
        )

    def pair(self, by: Certified) -> tuple[str, str]:
        """The certificate and its key in files, as a client keeps them."""
        name = by.certificate.serial_number
        paths = self.folder / f"{name}.crt", self.folder / f"{name}.key"
        paths[0].write_text(by.pem)
        paths[1].write_text(proofs.private_pem(by.key))
        return str(paths[0]), str(paths[1])


@pytest.fixture(scope="package")
def edge(portal: Portal, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    folder, port = tmp_path_factory.mktemp("edge"), free_port()
    trust = self_signed("mtls.portal.example.com", folder)
    text = configured(
        "nginx/client-certificates.conf",
        {
            "server portal.internal:8000;": f"server 127.0.0.1:{portal.port};",
            "server_name mtls.portal.example.com;": "server_name localhost;",
            "ssl_certificate /etc/nginx/latchkey/portal.crt;": f"ssl_certificate {trust};",
            "ssl_certificate_key /etc/nginx/latchkey/portal.key;": f"ssl_certificate_key {folder}/portal.key;",
            "listen 8443 ssl;": f"listen 127.0.0.1:{port} ssl;",
        },
    )
    (folder / "client-certificates.conf").write_text(text)
    with nginx_running(folder, port, "client-certificates.conf"):
        yield Edge(f"https://localhost:{port}", trust, folder)
