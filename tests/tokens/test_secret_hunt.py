"""Nothing that opens anything is to be found where it does not belong (I5): a hunt with real values."""

import logging
from pathlib import Path

import pytest
from django.apps import apps
from django.db import connection

from credentials import clients, secrets
from tests import world as worlds
from tests.databases import OwnDatabase
from tokens import signing
from tokens.models import SigningKey


def everything_stored() -> str:
    """Every value of every table, as text."""
    found = []
    with connection.cursor() as cursor:
        for model in apps.get_models(include_auto_created=True):
            cursor.execute(f'SELECT * FROM "{model._meta.db_table}"')
            for row in cursor.fetchall():
                for value in row:
                    raw = bytes(value) if isinstance(value, memoryview | bytes) else None
                    found.append(raw.decode("latin-1") if raw is not None else str(value))
    return "\n".join(found)


def database_files(own: OwnDatabase) -> bytes:
    """The bytes of the database and its journal, free pages included."""
    return b"".join(path.read_bytes() for path in Path(own.data_dir).glob("latchkey.sqlite3*"))


def test_i5_no_token_secret_or_private_key_is_stored_or_logged(
    own_database: OwnDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    canaries: list[str] = []
    world = worlds.build()
    for form in ("opaque", "jwt"):
        world.policy(world.orders, access=600, refresh=600, format=form)
        client = world.key_of(world.orders)
        canaries.append(client.secret)
        answer = worlds.call("/oauth2/token", {"grant_type": "client_credentials"}, client=client).json
        again = worlds.call(
            "/oauth2/token", {"grant_type": "refresh_token", "refresh_token": answer["refresh_token"]}, client=client
        ).json
        canaries += [answer["access_token"], answer["refresh_token"], again["access_token"], again["refresh_token"]]
        for path in ("/oauth2/introspect", "/oauth2/revoke"):
            worlds.call(path, {"token": again["access_token"]}, client=client)
        # Malformed requests are where secrets slip into error logs (B42).
        worlds.call("/oauth2/token", b"refresh_token=" + again["refresh_token"].encode() + b"&\xff", client=client)
        worlds.call(
            "/oauth2/token", {"grant_type": "x"}, query="refresh_token=" + again["refresh_token"], client=client
        )
        worlds.call(
            "/auth/verify", method="GET", HTTP_AUTHORIZATION=f"Bearer {again['access_token']} x", HTTP_X_PROXY="orders"
        )
        worlds.call(
            "/oauth2/token", {"grant_type": "refresh_token", "refresh_token": again["access_token"]}, client=client
        )
    canaries.append(clients.rotate_secret(world.credentials["orders"], by="test"))
    canaries.append(clients.change_key(world.credentials["billing"], by="test"))
    key = SigningKey.objects.get()
    private = signing.private_key(key.kid).pem.decode()
    canaries += [line for line in private.splitlines() if "-----" not in line]
    assert secrets.kind_of(canaries[0]) is not None

    stored, printed = everything_stored(), caplog.text
    # A JWT's signature alone would do to find it; look for each part that is not public.
    parts = [piece for canary in canaries for piece in (canary.split(".")[-1:] if "." in canary else [canary[6:-8]])]
    for part in [*canaries, *parts]:
        assert part not in stored
        assert part not in printed
    if connection.vendor == "sqlite":
        files = database_files(own_database)
        assert b"tokens_issuedtoken" in files, "the hunt must look at the right file"
        for part in [*canaries, *parts]:
            assert part.encode() not in files


def test_i5_no_value_object_shows_its_secret_when_it_is_printed(db: None) -> None:
    world = worlds.build()
    client = world.key_of(world.orders)
    answer = world.issue(client)
    opened = clients.open_credential(name="printed", by="test")
    for value, hidden in ((client, client.secret), (answer, answer.access_token), (opened, opened.secret)):
        assert hidden not in repr(value)
        assert hidden not in str(value)
