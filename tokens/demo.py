"""The demo: a small portal to try things on, made once in an empty installation from demo.yaml beside this file.

Its ids, secrets and passwords are kept in clear in one file of the data folder (0600), which is the one exception to
the rule that secrets are shown once; `doctor` warns of it.
"""

import json
import secrets as random
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from credentials import users
from credentials.models import Grant, User
from proxies.models import ApiProxy, Environment, ProxyGroup
from tokens import configuration, secret_file
from tokens.surroundings import DEMO_FILE

BY = "demo"
FILE = Path(__file__).with_name("demo.yaml")


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
        secret_file.write_over(path(), kept)
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
    """The demo as its file says, and its administrator; what a script needs to use them."""
    wanted = configuration.read(FILE.read_text(encoding="utf-8"))
    made = configuration.apply(wanted, by=BY, confirmed=configuration.plan(wanted).fingerprint)
    password = random.token_urlsafe(15)
    users.create_user(
        username="admin", email="admin@example.com", password=password, is_staff=True, is_superuser=True, by=BY
    )
    proxies = ApiProxy.objects.order_by("pk")
    groups = ProxyGroup.objects.order_by("pk")
    return {
        "environments": {
            each.slug: {"slug": each.slug, "is_default": each.is_default} for each in Environment.objects.order_by("pk")
        },
        "proxies": {each.slug: {"audience": each.audience, "mode": each.mode} for each in proxies},
        "groups": {each.slug: {"audience": each.audience, "members": _members(each)} for each in groups},
        "audiences": {each.slug: each.audience for each in (*proxies, *groups)},
        "clients": {client["for"]: _told(client) for client in made.clients.values()},
        "users": {"admin": {"username": "admin", "password": password}},
        "connections": {
            each["name"]: {"environment": each["environment"], "token": each["token"]}
            for each in made.connections.values()
        },
    }


def _members(group: ProxyGroup) -> list[str]:
    return list(group.members.order_by("pk").values_list("slug", flat=True))


def _told(client: dict[str, str]) -> dict[str, str]:
    """A client, and what it obtains tokens for: its one grant, where it is a credential of its own."""
    grant = Grant.objects.filter(credential__client_id=client["client_id"]).select_related("proxy", "group").first()
    target = None if grant is None else grant.proxy or grant.group
    return {**client, "for": client["for"] if target is None else target.slug}
