"""What an import from django-oauth-toolkit refuses, and which databases it can read."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from credentials import clients
from credentials.models import User
from proxies import catalogue, deployment
from proxies.models import ApiProxy
from tests import world as worlds
from tests.tokens.commands.calling import run
from tests.tokens.importing import sources
from tests.tokens.importing.sources import Other
from tests.tokens.importing.toolkit import (
    MODULE,
    UNTIL,
    application,
    assert_everything_lives,
    imported,
    verified,
)
from tests.world import World, call
from tokens import foreign, lifecycle


def test_a_target_at_which_the_tokens_would_be_refused_is_refused(db: None, toolkit: Other) -> None:
    world = worlds.build()
    words = ("import_oauth_toolkit", toolkit.url, "--until", UNTIL, "--json", "--target")
    assert "set_mode orders credentials" in run(*words, "orders").err
    catalogue.set_mode(world.orders, "credentials", by="test")
    missing = run(*words, "orders")
    assert missing.json["error"] == "import_refused"
    assert 'change_proxy orders --scopes "groups read write"' in missing.err
    assert "groups (1 tokens)" in missing.err
    assert run(*words, "orders", "--drop-unknown-scopes").status == 0
    answer = verified(toolkit.told["groups"]["access_token"])
    assert (answer.status, answer.headers["X-Token-Scopes"]) == (200, "read")
    deployment.undeploy(world.billing, world.test, by="test")
    catalogue.set_mode(world.billing, "credentials", by="test")
    assert "First: deploy billing" in run(*words, "billing").err


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (("sqlite:////nowhere/at/all", "--until", UNTIL), "There is no SQLite database"),
        (("mysql://root@127.0.0.1/x", "--until", UNTIL), "Give a database URL"),
        (("postgres://me:hunter2@127.0.0.1/x", "--until", UNTIL), "Every user of the machine can read this password"),
        (("", "--until", UNTIL), "Where from?"),
        (("SOURCE", "--until", "2020-01-01"), "must lie in the future"),
        (("SOURCE", "--until", UNTIL, "--user-table", "people"), "The database has no table people"),
        (("SOURCE", "--until", UNTIL, "--user-table", "x; DROP TABLE x"), "is no name of a table"),
        (("SOURCE", "--until", UNTIL, "--username-column", "login"), "has no column login"),
        (("SOURCE", "--until", UNTIL, "--name", "Bad Name"), "The name has up to 50 small letters"),
    ],
)
def test_a_fault_is_told_in_a_sentence(world: World, toolkit: Other, words: tuple[str, ...], fault: str) -> None:
    words = tuple(toolkit.url if word == "SOURCE" else word for word in words)
    done = run("import_oauth_toolkit", *words, "--target", "orders")
    assert done.status == 1
    assert fault in done.err
    assert "hunter2" not in done.err
    assert not User.objects.exists()


def test_the_url_may_come_from_the_environment(world: World, toolkit: Other, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATABASE_URL", toolkit.url)
    assert run("import_oauth_toolkit", "--target", "orders", "--until", UNTIL).status == 0


def test_a_client_id_of_a_key_here_is_not_taken_over(world: World, toolkit: Other) -> None:
    theirs = toolkit.told["applications"]["service"]["client_id"]
    key = clients.open_credential(
        name="key", client_id=theirs, proxy=catalogue.add_proxy(name="X", slug="xx", by="test"), by="test"
    )
    report = imported(toolkit)
    assert report["applications"]["left_out"][0]["examples"] == [theirs]
    assert verified(toolkit.told["service"]["access_token"]).status == 401
    assert (
        call("/oauth2/token", {"grant_type": "client_credentials"}, client=application(toolkit, "service")).status
        == 401
    )
    assert not key.credential.grants.exists()


def test_the_database_of_an_older_release_has_values_and_no_checksums(world: World, own: Other) -> None:
    with closing(sqlite3.connect(own.url.removeprefix("sqlite:///"))) as database:
        for table in ("oauth2_provider_accesstoken", "oauth2_provider_refreshtoken"):
            old = "id, user_id, token, application_id, created, updated"
            more = "expires, scope" if "access" in table else "access_token_id, revoked"
            database.execute(f"CREATE TABLE older AS SELECT {old}, {more} FROM {table}")
            # CREATE TABLE AS forgets what a column holds.
            types = {"created": "datetime", "updated": "datetime", "expires": "datetime", "revoked": "datetime"}
            names = [name.strip() for name in f"{old}, {more}".split(",")]
            columns = ", ".join(
                f"{name} {types.get(name, 'text' if name in ('token', 'scope') else 'integer')}" for name in names
            )
            database.execute(f"CREATE TABLE kept ({columns})")
            database.execute("INSERT INTO kept SELECT * FROM older")
            database.execute("DROP TABLE older")
            database.execute(f"DROP TABLE {table}")
            database.execute(f"ALTER TABLE kept RENAME TO {table}")
        database.commit()
    imported(own)
    assert_everything_lives(own)


@pytest.mark.slow
def test_a_database_that_keeps_checksums_alone(world: World, tmp_path: Path) -> None:
    """COMPLIANT_BCP_RFC9700_TOKEN_STORAGE: the values are not even there."""
    other = sources.made(MODULE, f"sqlite:///{tmp_path}/redacted.sqlite3", TOOLKIT_REDACTS="1")
    with closing(sqlite3.connect(tmp_path / "redacted.sqlite3")) as database:
        values = {row[0] for row in database.execute("SELECT token FROM oauth2_provider_refreshtoken")}
        assert values == {""}
    imported(other)
    assert_everything_lives(other)


@pytest.mark.slow
@pytest.mark.on_postgresql
def test_a_database_on_postgresql(world: World) -> None:
    with sources.postgresql_database() as url:
        other = sources.made(MODULE, url)
        report = imported(other)
        assert report["applications"]["carried"] == 7
        assert_everything_lives(other)
        with closing(foreign_connection(url)) as database, pytest.raises(Exception, match="read-only"):
            database.execute("DELETE FROM oauth2_provider_accesstoken")


def foreign_connection(url: str) -> Any:
    """A connection as the import opens it."""
    import psycopg

    from tokens.importing.source import _settings

    settings = _settings(url)
    return psycopg.connect(url, options=settings["OPTIONS"]["options"])


def test_memory_stays_bounded_whatever_there_is(world: World, own: Other, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages, never tables: not more rows than a page are in hand at once."""
    from tokens.importing import source

    monkeypatch.setattr(source, "PAGE", 7)
    with closing(sqlite3.connect(own.url.removeprefix("sqlite:///"))) as database:
        database.executemany(
            "INSERT INTO oauth2_provider_accesstoken"
            " (token, token_checksum, expires, scope, created, updated, application_id, resource)"
            " SELECT ?, ?, expires, scope, created, updated, application_id, resource FROM oauth2_provider_accesstoken"
            " WHERE application_id IS NOT NULL AND user_id IS NULL LIMIT 1",
            [(f"copy{number:026}", foreign.checksum(f"copy{number:026}")) for number in range(100)],
        )
        database.commit()
    largest = []
    fetched = source.Source.rows

    def counted(self: Any, *words: Any) -> Any:
        found = fetched(self, *words)
        largest.append(len(found))
        return found

    monkeypatch.setattr(source.Source, "rows", counted)
    report = imported(own)
    assert max(largest) <= 7
    assert report["access_tokens"]["carried"] == 106
    assert verified("copy" + "0" * 24 + "42").status == 200


def test_a_token_of_nobody_is_unknown_and_quick(world: World, toolkit: Other) -> None:
    imported(toolkit)
    for raw in ("q" * 30, "a.b.c", "q" * 5000, "\u00fc" * 30, "lk_at_" + "0" * 72):
        assert not lifecycle.verify(raw, proxy="orders").good
    assert ApiProxy.objects.count() == 2
    assert datetime.now(UTC) < datetime.fromisoformat(UNTIL)
