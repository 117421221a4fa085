"""How long every list of the admin and the dashboard take, and how many statements, on tables of any size.

    python -m bench.admin [--rows 1000000] [--log 1000000] [--keep FOLDER] [--only WORD] [--write]

Works on a database of its own: SQLite, or the PostgreSQL that DATABASE_URL names. With --keep it stays, and the next
run with the same folder measures without filling. A page above the limit of 500 ms ends in status 1. With --write the
figures go into docs/performance.md.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from bench import page as performance_page

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


class Line(NamedTuple):
    """A page with what it took."""

    name: str
    found: Measured

    @property
    def late(self) -> bool:
        """True above the limit."""
        return self.found.milliseconds > LIMIT_MS


def measure_all(only: str) -> list[Line]:
    """Measure and print the pages whose name begins so."""
    from django.test import Client

    from credentials.models import User

    User.objects.filter(username="bench").exists() or User.objects.create_superuser("bench", password="x")
    client, lines = _browser(Client()), []
    print(f"{'page':90}{'ms':>8}{'statements':>12}")
    for page in pages():
        if not page.name.startswith(only):
            continue
        line = Line(page.name, measure(client, page))
        lines.append(line)
        spent, statements = line.found
        print(f"{line.name[:88]:90}{spent:>8.0f}{statements:>12}{'  SLOW' if line.late else ''}", flush=True)
    print(f"{sum(line.late for line in lines)} pages above {LIMIT_MS:.0f} ms")
    return lines


def section(lines: list[Line], database: str, sizes: str, bytes_a_row: str = "") -> str:
    """What docs/performance.md says about it: the dashboard, and of each list the slowest of its pages."""
    lists: dict[str, list[Line]] = {}
    for line in lines:
        lists.setdefault(line.name.partition(" ?")[0].partition(",")[0], []).append(line)
    rows = []
    for name, of_list in lists.items():
        slowest = max(of_list, key=lambda line: line.found.milliseconds)
        what = slowest.name.removeprefix(name).strip(" ,") or "as it opens"
        most = max(line.found.statements for line in of_list)
        rows.append(f"| {name} | {len(of_list)} | {slowest.found.milliseconds:.0f} | `{what}` | {most} |")
    late = [line.name for line in lines if line.late]
    said = f"Above {LIMIT_MS:.0f} ms: {', '.join(late)}." if late else f"No page takes {LIMIT_MS:.0f} ms."
    return "\n".join(
        (
            f"## The admin at size, {database}",
            "",
            f"{sizes}. {len(lines)} pages: the dashboard, every list, each choice of each filter, searches that find",
            f"something or nothing, the last page. {said} `make bench-admin` measures it",
            f"({performance_page.machine()}).",
            "",
            "| list | pages measured | slowest, ms | which | statements at most |",
            "|---|---|---|---|---|",
            *rows,
            *(["", f"Bytes a row takes on the disk with its indexes: {bytes_a_row}."] if bytes_a_row else []),
        )
    )


def row_sizes() -> str:
    """What a row takes on the disk with its indexes, by table; PostgreSQL alone tells."""
    from django.db import connection

    if connection.vendor != "postgresql":
        return ""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, pg_total_relation_size(oid) / reltuples FROM pg_class"
            " WHERE relkind = 'r' AND reltuples >= 100000 ORDER BY relname"
        )
        found = cursor.fetchall()
    return ", ".join(f"`{name}` {size:.0f}" for name, size in found)


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
    parser.add_argument("--write", action="store_true", help="put the figures into docs/performance.md")
    found = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as scratch:
        folder = found.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        prepare(folder, found.rows, found.log, keep=bool(found.keep))
        from django.db import connection

        sizes = f"{found.rows:,} access tokens, as many refresh tokens and keys of people, {found.log:,} log rows"
        print(f"{connection.vendor}, {sizes}")
        try:
            lines = measure_all(found.only)
            if found.write:
                performance_page.write_section(
                    f"admin {connection.vendor}", section(lines, connection.display_name, sizes, row_sizes())
                )
            return 1 if any(line.late for line in lines) else 0
        finally:
            if not found.keep:
                connection.creation.destroy_test_db(connection.settings_dict["NAME"], verbosity=0)


if __name__ == "__main__":
    sys.exit(main())
