"""The portal's database for the comparison with the peers: a small world, many tokens, known ones to ask for.

    python -m bench.seeding --rows 10000 --feeds FOLDER

Works on the database that the settings name, migrates it, and may be run again: what is there stays, and only fresh
tokens are added. Into FOLDER go files of raw tokens, one a line, and `clients.json` with the Basic headers.
"""

import argparse
import base64
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

DAY = 24 * 3600
KNOWN, REFRESHED, REVOKED, SESSIONS = 10_000, 400, 15_000, 150
SLICE = 50_000
# So few that a cache is asked for each again and again within its seconds.
HOT = 100


def world() -> dict[str, Any]:
    """The clients by slug of their proxy; made at the first call, read from `clients.json` of the caller after."""
    from credentials import clients
    from credentials.models import User
    from proxies import catalogue, deployment
    from tokens import policies
    from tokens.lifecycle import Client

    place = catalogue.add_environment(name="Test", slug="test", by="bench")
    found: dict[str, Any] = {}
    for slug, token_format in (("orders", "opaque"), ("billing", "jwt")):
        audience = f"https://{slug}.example/api"
        proxy = catalogue.add_proxy(name=slug, slug=slug, scopes="read write", audience=audience, by="bench")
        opened = clients.open_credential(name=f"key of {slug}", proxy=proxy, by="bench")
        deployment.deploy(proxy, place, by="bench")
        terms = {"access_token_lifetime_secs": DAY, "refresh_token_lifetime_secs": 30 * DAY}
        policies.set_policy(proxy, by="bench", token_format=token_format, refresh_count=None, **terms)
        found[slug] = Client(opened.client_id, opened.secret)
    User.objects.create(username="alice")
    return found


def clients_of(feeds: Path) -> dict[str, Any]:
    """The world's clients, made where there are none yet."""
    from credentials.models import Credential
    from tokens.lifecycle import Client

    kept = feeds / "secrets.json"
    if Credential.objects.exists():
        return {slug: Client(*pair) for slug, pair in json.loads(kept.read_text()).items()}
    made = world()
    kept.touch(mode=0o600)
    kept.write_text(json.dumps({slug: [each.client_id, each.secret] for slug, each in made.items()}))
    return made


def issue(client: Any) -> Any:
    """One token of this client."""
    from tokens import lifecycle

    return lifecycle.issue(client, request=lifecycle.Request(address="192.0.2.7"))


def _columns(model: Any, **replaced: str) -> tuple[str, str]:
    """The columns to fill, and what fills them: those of one row that is there, some of them replaced."""
    names = [field.column for field in model._meta.concrete_fields if field.column != "id"]
    return ", ".join(f'"{name}"' for name in names), ", ".join(replaced.get(name, f't."{name}"') for name in names)


def clone(template: int, count: int) -> Iterator[str]:
    """So many more opaque tokens like the one of this family, each with a family and refresh key of its own; raw."""
    from django.db import connection

    from credentials import secrets
    from tokens.models import IssuedToken, RefreshKey, TokenFamily

    family = _columns(TokenFamily)
    token = _columns(IssuedToken, family_id="u.family", digest="u.digest", jti="u.jti")
    key = _columns(RefreshKey, family_id="u.family", token_hash="u.digest", jti="u.jti")
    given = "unnest(%s::bigint[], %s::text[], %s::text[]) AS u(family, digest, jti)"
    with connection.cursor() as cursor:
        for start in range(0, count, SLICE):
            size = min(SLICE, count - start)
            raw = [secrets.make(secrets.ACCESS_TOKEN) for _ in range(size)]
            cursor.execute(
                f"INSERT INTO tokens_tokenfamily ({family[0]}) SELECT {family[1]} FROM tokens_tokenfamily t,"
                " generate_series(1, %s) WHERE t.id = %s RETURNING id",
                [size, template],
            )
            ids = [found[0] for found in cursor.fetchall()]
            for table, columns, digests in (
                ("tokens_issuedtoken", token, [secrets.digest(each) for each in raw]),
                ("tokens_refreshkey", key, [secrets.digest(f"refresh {each}") for each in raw]),
            ):
                names = [secrets.random_name() for _ in range(size)]
                cursor.execute(
                    f"INSERT INTO {table} ({columns[0]}) SELECT {columns[1]} FROM {table} t, {given}"
                    " WHERE t.family_id = %s",
                    [ids, digests, names, template],
                )
            yield from raw


def sessions(count: int) -> list[str]:
    """So many refresh tokens of one person, as a login gives them: minted, since no password is measured here."""
    from credentials.models import User
    from tokens import lifecycle

    person = User.objects.get(username="alice")
    request = lifecycle.Request(address="192.0.2.7")
    return [lifecycle.mint(person, audience="", lifetime=None, request=request).refresh for _ in range(count)]


def fill(rows: int, feeds: Path) -> None:
    """Bring the tables to `rows` tokens at least, and write the feeds of this round."""
    from django.db import connection

    from tokens import sightings
    from tokens.models import IssuedToken

    feeds.mkdir(parents=True, exist_ok=True)
    known = clients_of(feeds)
    issue(known["orders"])
    there, newest = IssuedToken.objects.count(), IssuedToken.objects.filter(token_format="opaque").latest("id")
    if there < rows:
        fresh = _more(known["orders"], newest.family_id, rows - there)
        _write(feeds, "access", fresh[:: max(1, len(fresh) // KNOWN)])
        _write(feeds, "hot", fresh[:HOT])
    _write(feeds, "revoke", _more(known["orders"], newest.family_id, REVOKED))
    _write(feeds, "refresh", [issue(known["orders"]).refresh_token for _ in range(REFRESHED)])
    _write(feeds, "jwt", [issue(known["billing"]).access_token for _ in range(REFRESHED)])
    _write(feeds, "sessions", sessions(SESSIONS))
    headers = {slug: basic(each.client_id, each.secret) for slug, each in known.items()}
    (feeds / "clients.json").write_text(json.dumps(headers))
    sightings.flush()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")


def _more(client: Any, template: int, count: int) -> list[str]:
    """Raw tokens of so many new rows; on SQLite, which has no arrays, some hundreds that were really issued."""
    from django.db import connection

    if connection.vendor == "postgresql":
        return list(clone(template, count))
    return [issue(client).access_token for _ in range(min(count, 500))]


def basic(client_id: str, secret: str) -> str:
    """The value of a client's Authorization header."""
    return "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()


def _write(feeds: Path, name: str, lines: list[str]) -> None:
    (feeds / f"{name}.txt").write_text("\n".join(lines))


def main(argv: list[str] | None = None) -> int:
    """Migrate, make, fill."""
    parser = argparse.ArgumentParser(prog="bench.seeding", description="Fill the portal's database of the comparison.")
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--feeds", type=Path, required=True)
    found = parser.parse_args(argv)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    fill(found.rows, found.feeds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
