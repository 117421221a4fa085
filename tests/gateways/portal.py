"""The portal that the gateways ask: the real web server on a database of its own, and the world in it."""

import base64
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from django.utils import timezone

from config import portal as parts
from credentials import rotation
from credentials.models import ConnectionConfiguration
from proxies import catalogue
from proxies.catalogue import Rule
from proxies.models import ApiProxy
from tests import world as worlds
from tests.databases import PROJECT, OwnDatabase
from tests.gateways.processes import running
from tests.wire import Heard, ask, free_port
from tests.world import REQUEST, World
from tokens import lifecycle, signing
from tokens.lifecycle import Client

# The issuer. It is not where the portal of the tests listens: nothing may be taken from a request.
PUBLIC_URL = "https://portal.example.com"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def _answers(port: int) -> bool:
    """True as soon as a worker is there; gunicorn listens before."""
    try:
        return ask(port, "GET", "/.well-known/jwks.json").status == 200
    except OSError:
        return False


@dataclass
class Portal:
    """A running portal, and what its administrator and its clients do with it."""

    own: OwnDatabase
    world: World
    ledger: ApiProxy
    gateway_token: str
    port: int
    log: Path
    sources: str = "path"
    _running: ExitStack = field(default_factory=ExitStack)

    def start(self) -> None:
        environment = {
            **self.own.environment(),
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            "WEB_CONCURRENCY": "1",
            "PUBLIC_URL": PUBLIC_URL,
            "VERIFY_SOURCES": self.sources,
            "TRUSTED_PROXIES": "127.0.0.1",
        }
        command = parts.parts()[0].command
        # Quickly: gateways keep connections, which an orderly end would wait for.
        self._running.enter_context(
            running(
                command,
                self.port,
                self.log,
                environment=environment,
                folder=PROJECT,
                ready=_answers,
                end=signal.SIGQUIT,
            )
        )

    def stop(self) -> None:
        self._running.close()

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Away for a while."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    def post(self, path: str, client: Client, **form: str) -> Heard:
        pair = base64.b64encode(f"{client.client_id}:{client.secret}".encode()).decode()
        return ask(self.port, "POST", path, {**FORM, "Authorization": f"Basic {pair}"}, urlencode(form).encode())

    def token(self, holder: Any, **form: str) -> str:
        """An access token for the proxy or group, by its key."""
        granted = self.post("/oauth2/token", self.world.key_of(holder), grant_type="client_credentials", **form)
        assert granted.status == 200, granted.body
        return str(granted.json["access_token"])

    def formats(self, form: str) -> None:
        """Tokens for everything are opaque, or JWTs, from now on."""
        for holder in (self.world.orders, self.world.billing, self.world.commerce, self.ledger):
            self.world.policy(holder, access=600, refresh=600, format=form)

    def expired(self, holder: Any) -> str:
        """A token of yesterday."""
        yesterday = timezone.now() - timedelta(days=1)
        return lifecycle.issue(self.world.key_of(holder), request=REQUEST, at=yesterday).access_token

    def revoke(self, holder: Any, raw: str) -> None:
        assert self.post("/oauth2/revoke", self.world.key_of(holder), token=raw).status == 200


def build(own: OwnDatabase, folder: Path) -> Portal:
    """Calls of `orders` and `billing` need read, deleting an invoice at `ledger` write; gateways prove themselves."""
    world = worlds.build()
    for proxy in (world.orders, world.billing):
        catalogue.change_proxy(proxy, by="test", required_scopes="read")
    ledger = world.another_proxy("ledger")
    catalogue.set_path_rules(ledger, [Rule("DELETE", "/invoices/*", "write")], by="test")
    catalogue.change_environment(world.test, by="test", gateways_must_authenticate=True)
    made = rotation.open_connection(
        name="edge",
        deployment_type=ConnectionConfiguration.DeploymentType.REVERSE_PROXY,
        environment=world.test,
        by="test",
    )
    signing.ensure(world.test, by="test")
    built = Portal(own, world, ledger, made.raw, free_port(), folder / "portal.log")
    built.formats("opaque")
    return built
