"""How long every list of the admin and the dashboard take, and how many statements, on tables of any size.

    python -m bench.admin [--rows 1000000] [--log 1000000] [--keep FOLDER] [--only WORD]

Works on a database of its own: SQLite, or the PostgreSQL that DATABASE_URL names. With --keep it stays, and the next
run with the same folder measures without filling. A page above the limit of 500 ms ends in status 1.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

LIMIT_MS = 500.0
ROUNDS = 3


class Page(NamedTuple):
    """One address and what is on it."""

    name: str
    url: str


def pages() -> Iterator[Page]:
    """The first page, every list; and of the long ones each choice of each filter, searches, and the last page."""
    from django.contrib import admin
    from django.urls import reverse

    from credentials.models import Credential
    from proxies.adminkit import PortalAdmin
    from tokens.models import IssuedToken, JwtRefreshKey, RefreshKey, TokenFamily, TokenRequestLog

    def client(name: str) -> str:
        return str(Credential.objects.get(name=name).client_id)

    yield Page("dashboard", reverse("admin:index"))
    long = (IssuedToken, TokenFamily, RefreshKey, TokenRequestLog)
    terms = {
        IssuedToken: [IssuedToken.objects.order_by("id").values_list("jti", flat=True)[0], client("shop")],
        RefreshKey: [RefreshKey.objects.order_by("id").values_list("jti", flat=True)[0]],
        JwtRefreshKey: [
            RefreshKey.objects.order_by("-id").values_list("jti", flat=True)[0],
            "rare tool",
            "person-7",
            "device-400",
        ],
        TokenFamily: [client("key of Orders")],
        TokenRequestLog: [client("key of Orders")],
    }  # fmt: skip
    for model, screen in admin.site._registry.items():
        if not isinstance(screen, PortalAdmin):
            continue
        url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        name = str(model._meta.verbose_name_plural)
        yield Page(name, url)
        if issubclass(model, long):
            yield Page(f"{name}, page 200", f"{url}?p=200")
            for term in [*terms.get(model, []), "nobody-has-this"]:
                yield Page(f"{name}, search {term[:14]}", f"{url}?q={term}")
            yield from _filtered(name, url)
        if model is JwtRefreshKey:
            for typed in ("audience=rare tool", "audience=my tool", "audience=nothing", "owner=person-7"):
                yield Page(f"{name} ?{typed}", f"{url}?{typed}")


def _filtered(name: str, url: str) -> Iterator[Page]:
    """Every link of every filter, as the page offers them."""
    import re

    from django.test import Client

    text = _browser(Client()).get(url).content.decode()
    nav = text.partition('id="changelist-filter"')[2].partition("</nav>")[0]
    for found in re.findall(r'<a href="(\?[^"]+)"', nav):
        query = found.replace("&amp;", "&")
        yield Page(f"{name} {query}", url + query)
    for header in re.findall(r'<th scope="col"[^>]*><div class="text"><a href="(\?o=[^"]+)"', text):
        yield Page(f"{name}, sorted {header}", url + header)


def _browser(client: Any) -> Any:
    from credentials.models import User

    client.force_login(User.objects.get(username="bench"))
    return client


class Measured(NamedTuple):
    """Least time in milliseconds, and statements."""

    milliseconds: float
    statements: int


def measure(client: Any, page: Page) -> Measured:
    """The least of some rounds, the first apart, which warms the process up."""
    from bench.statements import counted

    with counted() as seen:
        answer = client.get(page.url)
    assert answer.status_code == 200, (page, answer.status_code)
    best = float("inf")
    for _ in range(ROUNDS):
        begun = time.monotonic()
        client.get(page.url)
        best = min(best, (time.monotonic() - begun) * 1000)
        if best > 4 * LIMIT_MS:
            break
    return Measured(best, len(seen))


def report(only: str) -> int:
    """Measure and print the pages whose name begins so; how many pages are above the limit."""
    from django.test import Client

    from credentials.models import User

    User.objects.filter(username="bench").exists() or User.objects.create_superuser("bench", password="x")
    client, slow = _browser(Client()), 0
    print(f"{'page':90}{'ms':>8}{'statements':>12}")
    for page in pages():
        if not page.name.startswith(only):
            continue
        found = measure(client, page)
        late = found.milliseconds > LIMIT_MS
        slow += late
        print(
            f"{page.name[:88]:90}{found.milliseconds:>8.0f}{found.statements:>12}{'  SLOW' if late else ''}", flush=True
        )
    print(f"{slow} pages above {LIMIT_MS:.0f} ms")
    return slow


def prepare(folder: Path, rows: int, log: int, *, keep: bool) -> None:
    """The database, filled if it was not."""
    os.environ.update(DATA_DIR=str(folder), DATABASE_POOL="0", DATABASE_STATEMENT_TIMEOUT_MS="0")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    from django.conf import settings
    from django.db import connection

    from bench import filling
    from tokens.models import IssuedToken

    settings.STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.ALLOWED_HOSTS = ["*"]
    if connection.vendor == "sqlite":
        connection.settings_dict["TEST"]["NAME"] = str(folder / "bench.sqlite3")
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False, keepdb=keep)
    if not IssuedToken.objects.exists():
        filling.fill(rows, log)


def main(argv: list[str] | None = None) -> int:
    """Fill, measure, drop."""
    parser = argparse.ArgumentParser(prog="bench.admin", description="Time of every list of the admin.")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--log", type=int, default=1_000_000)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--only", default="", help="pages whose name begins so")
    found = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as scratch:
        folder = found.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        prepare(folder, found.rows, found.log, keep=bool(found.keep))
        from django.db import connection

        print(f"{connection.vendor}, {found.rows:,} tokens, {found.log:,} log rows")
        try:
            return 1 if report(found.only) else 0
        finally:
            if not found.keep:
                connection.creation.destroy_test_db(connection.settings_dict["NAME"], verbosity=0)


if __name__ == "__main__":
    sys.exit(main())
