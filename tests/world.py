"""A small world to test in: environments, proxies, a group, keys, credentials, policies, and callers."""

from __future__ import annotations

import base64
import io
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from credentials import clients
from credentials.models import Credential
from proxies import catalogue, deployment
from proxies.models import ApiProxy, Environment, ProxyGroup
from tokens import lifecycle, policies
from tokens.lifecycle import Client, Request, TokenAnswer, Verdict
from tokens.models import TokenRequestLog

START = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)
REQUEST = Request(address="192.0.2.7", user_agent="test")


def later(seconds: float) -> datetime:
    """A moment of the test's own time."""
    return START + timedelta(seconds=seconds)


@dataclass
class Answered:
    """What a door answered."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found


def call(
    path: str,
    form: dict[str, str] | list[tuple[str, str]] | bytes | None = None,
    *,
    method: str = "POST",
    client: Client | None = None,
    query: str = "",
    **environ: Any,
) -> Answered:
    """Call a door as a server would, with nothing of Django between."""
    from tokens import doors

    body = form if isinstance(form, bytes) else urlencode(form or []).encode()
    headers: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "REMOTE_ADDR": "192.0.2.7",
        "HTTP_USER_AGENT": "test",
        "CONTENT_TYPE": "application/x-www-form-urlencoded",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
        "wsgi.url_scheme": "http",
    }
    if client is not None:
        pair = f"{client.client_id}:{client.secret}".encode()
        headers["HTTP_AUTHORIZATION"] = "Basic " + base64.b64encode(pair).decode()
    headers.update(environ)
    found = doors.find(path)
    assert found is not None, f"no door at {path}"
    told: list[Any] = []
    content = b"".join(doors.serve(found, headers, lambda status, given, exc=None: told.extend((status, given))))
    return Answered(int(told[0].split()[0]), dict(told[1]), content)


@dataclass
class World:
    """The default environment `test`, another one `live`; proxies orders and billing; group commerce of both."""

    test: Environment
    live: Environment
    orders: ApiProxy
    billing: ApiProxy
    commerce: ProxyGroup
    clients: dict[str, Client] = field(default_factory=dict)
    credentials: dict[str, Credential] = field(default_factory=dict)

    def key_of(self, holder: ApiProxy | ProxyGroup) -> Client:
        """The client of a proxy's or group's own key."""
        return self.clients[holder.slug]

    def put_to_work(self, holder: ApiProxy | ProxyGroup) -> None:
        """A key, a deployment in both environments, and a policy: the FAQ's second example."""
        bound: dict[str, Any] = {"group" if isinstance(holder, ProxyGroup) else "proxy": holder}
        opened = clients.open_credential(name=f"key of {holder}", by="test", at=START, **bound)
        self.clients[holder.slug] = Client(opened.client_id, opened.secret)
        self.credentials[holder.slug] = opened.credential
        for environment in (self.test, self.live):
            deployment.deploy(holder, environment, by="test", at=START)
        self.policy(holder, access=60, refresh=180, count=3)

    def another_proxy(self, slug: str) -> ApiProxy:
        """A proxy in no group."""
        made = catalogue.add_proxy(
            name=slug.capitalize(), slug=slug, scopes="read write", audience=f"https://{slug}.example/api", by="test"
        )
        self.put_to_work(made)
        return made

    def credential(self, name: str = "shop", *targets: ApiProxy | ProxyGroup, **terms: Any) -> Client:
        """A credential of its own, deployed in `test` and granted these targets, which are put under its management."""
        opened = clients.open_credential(name=name, by="test", at=START)
        clients.deploy(opened.credential, self.test, by="test", at=START)
        for target in targets:
            catalogue.set_mode(target, "credentials", by="test", at=START)
            clients.grant(to=opened.credential, target=target, by="test", at=START)
        policies.set_policy(opened.credential, by="test", at=START, **terms)
        self.credentials[name] = opened.credential
        self.clients[name] = Client(opened.client_id, opened.secret)
        return self.clients[name]

    def policy(self, holder: ApiProxy | ProxyGroup | Credential, **terms: Any) -> None:
        """Replace a policy: L, R, N as access, refresh, count."""
        names = {
            "access": "access_token_lifetime_secs",
            "refresh": "refresh_token_lifetime_secs",
            "count": "refresh_count",
            "mode": "refresh_mode",
            "window": "retry_window_secs",
            "format": "token_format",
            "family": "family_lifetime_secs",
        }
        policies.set_policy(
            holder, by="test", at=START, **{names.get(name, name): value for name, value in terms.items()}
        )

    def issue(self, client: Client, at: float = 0, **more: Any) -> TokenAnswer:
        return lifecycle.issue(client, request=REQUEST, at=later(at), **more)

    def refresh(self, client: Client, raw: str | None, at: float = 0, **more: Any) -> TokenAnswer:
        assert raw is not None
        return lifecycle.refresh(client, raw, request=REQUEST, at=later(at), **more)

    def verify(self, token: TokenAnswer | str, proxy: ApiProxy | None = None, at: float = 0, **more: Any) -> Verdict:
        raw = token if isinstance(token, str) else token.access_token
        return lifecycle.verify(raw, proxy=(proxy or self.orders).slug, at=later(at), **more)

    def good(self, token: TokenAnswer | str, proxy: ApiProxy | None = None, at: float = 0) -> bool:
        return self.verify(token, proxy, at).good

    def log(self) -> list[TokenRequestLog]:
        """The request log, oldest first."""
        return list(TokenRequestLog.objects.order_by("id"))


def build() -> World:
    """Make the world."""
    test = catalogue.add_environment(name="Test", slug="test", by="test", at=START)
    live = catalogue.add_environment(
        name="Live", slug="live", kind="production", gateways_must_authenticate=False, by="test", at=START
    )
    orders = catalogue.add_proxy(
        name="Orders", slug="orders", scopes="read write", audience="https://orders.example/api", by="test", at=START
    )
    billing = catalogue.add_proxy(
        name="Billing", slug="billing", scopes="read write", audience="https://billing.example/api", by="test", at=START
    )
    commerce = catalogue.add_group(
        name="Commerce",
        slug="commerce",
        scopes="read write",
        audience="https://commerce.example/",
        members=[orders, billing],
        by="test",
        at=START,
    )
    world = World(test, live, orders, billing, commerce)
    for holder in (orders, billing, commerce):
        world.put_to_work(holder)
    return world
