"""The demo: a small portal to try things on, made once in an empty installation.

Its ids, secrets and passwords are kept in clear in one file of the data folder (0600), which is the one exception to
the rule that secrets are shown once; `doctor` warns of it.
"""

import json
import os
import secrets as random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from credentials import clients, rotation, users
from credentials.clients import Opened
from credentials.models import ConnectionConfiguration, User
from proxies import catalogue, deployment
from proxies.models import ApiProxy, Environment, ProxyGroup
from tokens import policies, signing
from tokens.diagnosis import DEMO_FILE
from tokens.models import TokenFormat

BY = "demo"
_SCOPES = "read write"
# L, R and N of the FAQ's second example, so that a few minutes are enough to see a token through its whole life.
_SHORT: dict[str, Any] = {"access_token_lifetime_secs": 60, "refresh_token_lifetime_secs": 180, "refresh_count": 3}
_USUAL: dict[str, Any] = {"access_token_lifetime_secs": 900, "refresh_token_lifetime_secs": 3600, "refresh_count": 3}


@dataclass
class _Made:
    """What will be written down."""

    clients: dict[str, dict[str, str]] = field(default_factory=dict)

    def keep(self, name: str, opened: Opened, obtains: str) -> None:
        self.clients[name] = {"client_id": opened.client_id, "client_secret": opened.secret, "for": obtains}


def path() -> Path:
    """Where the demo's secrets are kept."""
    folder: Path = settings.DATA_DIR
    return folder / DEMO_FILE


def is_empty() -> bool:
    """True where nobody has put anything into this installation yet."""
    return not (Environment.objects.exists() or ApiProxy.objects.exists() or User.objects.exists())


def make() -> bool:
    """Make the demo, if the installation is empty; whether it was made."""
    with transaction.atomic():
        if not is_empty():
            return False
        kept = _build()
        # Before the commit: a demo whose secrets nobody knows would be of no use.
        _write(kept)
    return True


def fixtures() -> dict[str, Any] | None:
    """What a script needs to use the demo, with the addresses of now; None where there is none."""
    try:
        kept: dict[str, Any] = json.loads(path().read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    base = _url()
    return {"url": base, "admin_url": f"{base}/admin/", "token_url": f"{base}/oauth2/token", **kept}


def _url() -> str:
    """Where the portal of this data folder was last started; PORT need not be told again to whoever asks."""
    try:
        return (settings.DATA_DIR / "portal.url").read_text(encoding="utf-8").strip() or settings.PUBLIC_URL
    except FileNotFoundError:
        return str(settings.PUBLIC_URL)


def _build() -> dict[str, Any]:
    made = _Made()
    test = catalogue.add_environment(name="Test", slug="test", by=BY)
    live = catalogue.add_environment(name="Live", slug="live", kind=Environment.Kind.PRODUCTION, by=BY)
    for environment in (test, live):
        signing.ensure(environment, by=BY)
    orders, billing, catalog = (_proxy(slug) for slug in ("orders", "billing", "catalog"))
    commerce = catalogue.add_group(
        name="Commerce",
        slug="commerce",
        audience="https://api.example.com/commerce",
        scopes=_SCOPES,
        members=[orders, billing],
        owner_name="Demo team",
        by=BY,
    )
    for holder in (orders, billing, catalog, commerce):
        for environment in (test, live):
            deployment.deploy(holder, environment, by=BY)
    _key(made, orders, token_format=TokenFormat.OPAQUE, **_SHORT)
    _key(made, billing, token_format=TokenFormat.JWT, **_USUAL)
    _key(made, commerce, token_format=TokenFormat.OPAQUE, **_USUAL)
    _storefront(made, catalog, (test, live))
    password = random.token_urlsafe(15)
    users.create_user(username="admin", password=password, is_staff=True, is_superuser=True, by=BY)
    connection = rotation.open_connection(
        name="edge gateway", deployment_type=ConnectionConfiguration.DeploymentType.KUBERNETES, environment=test, by=BY
    )
    proxies = (orders, billing, catalog)
    return {
        "environments": {each.slug: {"slug": each.slug, "is_default": each.is_default} for each in (test, live)},
        "proxies": {each.slug: {"audience": each.audience, "mode": each.mode} for each in proxies},
        "groups": {"commerce": {"audience": commerce.audience, "members": ["orders", "billing"]}},
        "audiences": {each.slug: each.audience for each in (*proxies, commerce)},
        "clients": made.clients,
        "users": {"admin": {"username": "admin", "password": password}},
        "connections": {"edge gateway": {"environment": test.slug, "token": connection.raw}},
    }


def _proxy(slug: str) -> ApiProxy:
    return catalogue.add_proxy(
        name=slug.capitalize(),
        slug=slug,
        audience=f"https://api.example.com/{slug}",
        scopes=_SCOPES,
        owner_name="Demo team",
        by=BY,
    )


def _key(made: _Made, holder: ApiProxy | ProxyGroup, **terms: Any) -> None:
    opened = clients.open_credential(
        name=f"key of {holder}",
        client_id=f"{holder.slug}-key",
        proxy=holder if isinstance(holder, ApiProxy) else None,
        group=holder if isinstance(holder, ProxyGroup) else None,
        by=BY,
    )
    policies.set_policy(holder, by=BY, **terms)
    made.keep(holder.slug, opened, holder.slug)


def _storefront(made: _Made, catalog: ApiProxy, environments: tuple[Environment, ...]) -> None:
    """A credential of its own, and a proxy that is managed by credentials (D26)."""
    catalogue.set_mode(catalog, "credentials", by=BY)
    opened = clients.open_credential(name="storefront", client_id="storefront", owner_name="Demo team", by=BY)
    clients.grant(to=opened.credential, target=catalog, by=BY)
    for environment in environments:
        clients.deploy(opened.credential, environment, by=BY)
    policies.set_policy(opened.credential, by=BY, token_format=TokenFormat.JWT, **_USUAL)
    made.keep("storefront", opened, catalog.slug)


def _write(kept: dict[str, Any]) -> None:
    """Whole or not at all, and from the first byte for nobody else to read."""
    draft = path().with_suffix(".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(kept, file, indent=2)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path())
