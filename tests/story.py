"""A portal with two weeks of life in it, for screenshots and for whoever wants to see every screen with rows.

Made by the core alone, with `at=`; what it tells is invented, what the screens say about it is not.
"""

import random
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from credentials import clients, heartbeats, rotation
from credentials.errors import CredentialError
from credentials.models import ConnectionConfiguration
from proxies import catalogue, deployment, jobs
from proxies.errors import ProxyError
from proxies.models import ApiProxy, Environment
from tokens import figures, lifecycle, policies
from tokens.errors import TokenError
from tokens.lifecycle import Client, Request
from tokens.models import IssuedToken, TokenFormat

BY = "ada"
PROXIES = ("payments", "shipping", "loyalty", "search", "notifications")
PARTNERS = ("web shop", "mobile app", "warehouse", "analytics", "partner north")
AGENTS = (
    "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
    "okhttp/4.12.0",
    "python-requests/2.32.3",
    "curl/8.11.0",
)
DAYS = 14


def tell(*, now: datetime | None = None, seed: int = 7) -> None:
    """Fill a portal that has the demo in it."""
    now = now or timezone.now()
    chance = random.Random(seed)
    start = now - timedelta(days=DAYS)
    test, live = Environment.objects.get(slug="test"), Environment.objects.get(slug="live")
    holders = [_proxy(slug, (test, live), start) for slug in PROXIES]
    callers = [_partner(name, chance.sample(holders, 3), (test, live), start) for name in PARTNERS]
    _connections(test, live, now)
    for day in range(DAYS):
        for _ in range(chance.randint(4, 9) + day // 2):
            _visit(chance, callers, start + timedelta(days=day, seconds=chance.randint(0, 86_000)), now)
    for hour in range(24):
        for _ in range(chance.randint(2, 6) + (hour > 12) * 3):
            at = now - timedelta(hours=23 - hour, seconds=chance.randint(0, 3_000))
            _visit(chance, callers, at, now)
    for token in IssuedToken.objects.filter(expires_at__gt=now).order_by("?")[:3]:
        lifecycle.revoke_token(token, by=BY, because="laptop lost", request=Request(address="192.0.2.10", actor=BY))
    for job in jobs.registered():
        jobs.run(job.name)
    figures.take()


def _proxy(slug: str, places: tuple[Environment, ...], at: datetime) -> ApiProxy:
    proxy = catalogue.add_proxy(
        name=slug.capitalize(),
        slug=slug,
        audience=f"https://api.example.com/{slug}",
        scopes="read write",
        owner_name="Platform team",
        owner_email="platform@example.com",
        by=BY,
        at=at,
    )
    catalogue.set_mode(proxy, "credentials", by=BY, at=at)
    for place in places:
        deployment.deploy(proxy, place, by=BY, note="first release", at=at)
    return proxy


def _partner(
    name: str, targets: list[ApiProxy], places: tuple[Environment, ...], at: datetime
) -> tuple[Client, list[ApiProxy], Any]:
    opened = clients.open_credential(name=name, client_id=name.replace(" ", "-"), owner_name="Partners", by=BY, at=at)
    for target in targets:
        clients.grant(to=opened.credential, target=target, by=BY, at=at)
    for place in places:
        clients.deploy(opened.credential, place, by=BY, at=at)
    jwt = name in ("web shop", "analytics")
    terms: dict[str, Any] = {
        "token_format": TokenFormat.JWT if jwt else TokenFormat.OPAQUE,
        "access_token_lifetime_secs": 6 * 3600 if jwt else 20 * 3600,
        "refresh_token_lifetime_secs": 3 * 86_400,
        "refresh_count": 4,
        "refresh_allowed": True,
    }
    if name == "warehouse":
        terms = {"never_expires": True, "token_format": TokenFormat.OPAQUE}
    policies.set_policy(opened.credential, by=BY, at=at, **terms)
    return Client(opened.client_id, opened.secret), targets, places


def _visit(chance: random.Random, callers: list[Any], at: datetime, now: datetime) -> None:
    client, targets, places = chance.choice(callers)
    request = Request(address=f"198.51.100.{chance.randint(2, 60)}", user_agent=chance.choice(AGENTS))
    with suppress(TokenError, CredentialError, ProxyError):
        if chance.random() < 0.12:
            lifecycle.issue(Client(client.client_id, "wrong"), target="orders", request=request, at=at)
    with suppress(TokenError, CredentialError, ProxyError):
        place = chance.choice(places).slug
        answer = lifecycle.issue(
            client, target=chance.choice(targets).slug, environment=place, request=request, at=min(at, now)
        )
        while answer.refresh_token and chance.random() < 0.6:
            at += timedelta(hours=chance.randint(1, 9))
            if at >= now:
                break
            answer = lifecycle.refresh(client, answer.refresh_token, request=request, at=at)


def _connections(test: Environment, live: Environment, now: datetime) -> None:
    kinds = ConnectionConfiguration.DeploymentType
    made = [
        ("EU edge", kinds.KUBERNETES, live, 40),
        ("US edge", kinds.KUBERNETES, live, 220),
        ("Office proxy", kinds.REVERSE_PROXY, test, 390),
    ]
    for name, kind, place, days in made:
        opened = rotation.open_connection(
            name=name,
            deployment_type=kind,
            environment=place,
            owner_name="Network team",
            by=BY,
            at=now - timedelta(days=days),
        )
        for number, silence in enumerate((10, 30, 55) if kind == kinds.KUBERNETES else (5_000,), 1):
            report = heartbeats.Report(f"{name.lower().replace(' ', '-')}-{number}", kind, "2.3.1")
            seen = now - timedelta(seconds=silence)
            heartbeats.heartbeat(opened.raw, report, address=f"203.0.113.{number}", at=seen)
