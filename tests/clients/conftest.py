"""A portal that was really started, and clients in it that prove themselves in each way."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from config import portal as parts
from tests import databases
from tests.config.test_portal import free_port
from tests.tokens import proofs

if TYPE_CHECKING:
    from tests.world import World

# Every character that a client id may have: half of the libraries encode the last four in a Basic header.
CLIENT_ID = "My.own_client~id-1"
KID = "2026-11"


@dataclass
class Portal:
    """Where it is, and who may come: `orders` by secrets, `billing` by a private key."""

    url: str
    world: World
    secret: str
    key: Any

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

    data_dir = tmp_path_factory.mktemp("portal") / "data"
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
        environment = {**own.environment(), "PORT": str(port), "PUBLIC_URL": url, "WEB_CONCURRENCY": "1"}
        process = subprocess.Popen(parts.parts()[0].command, cwd=databases.PROJECT, env=environment)
        try:
            _wait(process, port)
            yield Portal(url, world, secret, key)
        finally:
            process.send_signal(signal.SIGQUIT)
            process.wait(20)
            databases.close_connections()


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    end = time.monotonic() + 60
    while not parts.answers("127.0.0.1", port):
        assert process.poll() is None, "the portal ended"
        assert time.monotonic() < end, "the portal does not answer"
        time.sleep(0.05)
