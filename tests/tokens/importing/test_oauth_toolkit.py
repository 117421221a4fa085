"""Moving from django-oauth-toolkit: what lived there lives here, in its own form, until the end that was set."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from credentials import clients
from credentials.models import Credential, CredentialSecret, User
from proxies import catalogue, deployment
from proxies.models import ApiProxy, ChangeRecord
from tests import world as worlds
from tests.tokens.commands.calling import run
from tests.tokens.importing import sources
from tests.tokens.importing.sources import Other
from tests.world import Answered, World, call
from tokens import foreign, lifecycle
from tokens.lifecycle import Client
from tokens.models import IssuedToken, LegacyVerifier, RefreshKey, TokenFamily

MODULE = "tests.tokens.importing.toolkit_project"
DAY = timedelta(days=1)
UNTIL = (timezone.now() + 30 * DAY).isoformat()


@pytest.fixture(scope="session")
def toolkit(tmp_path_factory: pytest.TempPathFactory) -> Other:
    """A database of the toolkit on SQLite, made once."""
    return sources.made(MODULE, f"sqlite:///{tmp_path_factory.mktemp('toolkit')}/toolkit.sqlite3")


@pytest.fixture
def own(toolkit: Other, tmp_path: Path) -> Other:
    """A copy of it that a test may change."""
    return sources.copied(toolkit, tmp_path / "toolkit.sqlite3")


@pytest.fixture
def world(db: None) -> World:
    made = worlds.build()
    catalogue.set_mode(made.orders, "credentials", by="test")
    catalogue.change_proxy(made.orders, scopes="read write groups", by="test")
    return made


def imported(other: Other, *more: str, until: str = UNTIL) -> dict[str, Any]:
    done = run("import_oauth_toolkit", other.url, "--target", "orders", "--until", until, "--json", *more)
    assert done.status == 0, done.err
    return done.json


def verified(raw: str, proxy: str = "orders") -> Answered:
    return call("/auth/verify", method="GET", HTTP_AUTHORIZATION=f"Bearer {raw}", HTTP_X_PROXY=proxy)


def application(other: Other, name: str) -> Client:
    told = other.told["applications"][name]
    return Client(told["client_id"], told["client_secret"])


def refreshed(other: Other, name: str, token: str) -> Answered:
    return call(
        "/oauth2/token", {"grant_type": "refresh_token", "refresh_token": token}, client=application(other, name)
    )


def assert_everything_lives(other: Other) -> None:
    """Access tokens open the API, refresh tokens bring new ones, and introspection tells whose they are."""
    told = other.told
    for name in ("service", "plain", "groups", "ada", "public"):
        assert verified(told[name]["access_token"]).status == 200, name
    headers = verified(told["ada"]["access_token"]).headers
    assert headers["X-Token-Subject"] == "ada"
    assert headers["X-Token-Client"] == told["applications"]["web"]["client_id"]
    for dead in (told["alone"], told["over"], told["rotated"]["access_token"], told["bob"]["access_token"]):
        assert verified(dead).status == 401, dead
    about = call("/oauth2/introspect", {"token": told["ada"]["access_token"]}, client=application(other, "web")).json
    assert (about["active"], about["username"], about["scope"]) == (True, "ada", "read write")
    answer = refreshed(other, "web", told["bob"]["refresh_token"])
    assert answer.status == 200, answer.body
    assert answer.json["access_token"].startswith("lk_at_"), "from the first refresh on in our own form"
    assert verified(answer.json["access_token"]).headers["X-Token-Subject"] == "bob"
    assert refreshed(other, "web", told["rotated"]["refresh_token"]).json["error_code"] == "token_not_found"


def test_d20_what_lived_there_lives_here(world: World, toolkit: Other) -> None:
    report = imported(toolkit)
    assert_everything_lives(toolkit)
    assert report["applications"]["carried"] == 7
    assert report["people"] | {"left_out": []} == {
        "found": 3,
        "carried": 3,
        "already_here": 0,
        "over": 0,
        "left_out": [],
    }
    assert {name: report["refresh_tokens"][name] for name in ("found", "carried", "over")} == {
        "found": 5, "carried": 3, "over": 1,
    }  # fmt: skip
    assert {each["because"]: each["count"] for each in report["refresh_tokens"]["left_out"]} == {
        "its client is public and has no secret to prove itself by": 1
    }
    assert {each["because"]: each["count"] for each in report["access_tokens"]["left_out"]} == {
        "it belongs to no application": 1
    }
    assert {each["because"].split(":")[0] for each in report["client_secrets"]["left_out"]} == {
        "it is not random enough to be kept as a fast hash", "it is hashed as scrypt",
    }  # fmt: skip
    assert "grant authorization-code" in " ".join(report["notes"])


def test_i5_neither_tokens_nor_secrets_are_in_report_history_or_tables(world: World, toolkit: Other) -> None:
    done = run("import_oauth_toolkit", toolkit.url, "--target", "orders", "--until", UNTIL)
    told = toolkit.told
    values = [client["client_secret"] for client in told["applications"].values() if len(client["client_secret"]) > 20]
    values += [told[name]["access_token"] for name in ("service", "ada", "bob")]
    values += [told["ada"]["refresh_token"], foreign.checksum(told["ada"]["refresh_token"])]
    kept = " ".join(
        [
            *(f"{each.note} {each.before} {each.after} {each.subject_name}" for each in ChangeRecord.objects.all()),
            *(str(each) for each in IssuedToken.objects.values_list("digest", flat=True)),
            *RefreshKey.objects.values_list("token_hash", flat=True),
            *CredentialSecret.objects.values_list("digest", flat=True),
        ]
    )
    for value in values:
        assert value not in done.out + done.err + kept
    assert "applications: 7 carried over" in done.out


def test_a_dry_run_reports_the_same_and_writes_nothing(world: World, toolkit: Other) -> None:
    history = ChangeRecord.objects.count()
    would = imported(toolkit, "--dry-run")
    assert ChangeRecord.objects.count() == history
    assert not LegacyVerifier.objects.exists()
    assert not User.objects.exists()
    assert not TokenFamily.objects.exists()
    did = imported(toolkit)
    for name in ("applications", "people", "client_secrets", "refresh_tokens", "access_tokens"):
        assert would[name] == did[name], name
    assert (
        "Nothing was written."
        in run("import_oauth_toolkit", toolkit.url, "--target", "orders", "--until", UNTIL, "--dry-run").out
    )


def test_run_twice_nothing_is_doubled(world: World, toolkit: Other) -> None:
    imported(toolkit)
    before = (
        TokenFamily.objects.count(),
        Credential.objects.count(),
        User.objects.count(),
        LegacyVerifier.objects.count(),
    )
    again = imported(toolkit)
    after = (
        TokenFamily.objects.count(),
        Credential.objects.count(),
        User.objects.count(),
        LegacyVerifier.objects.count(),
    )
    assert before == after
    assert again["applications"]["already_here"] == 7
    for kind in ("refresh_tokens", "access_tokens", "people"):
        assert again[kind]["carried"] == 0
    assert again["refresh_tokens"]["already_here"] == 3
    assert_everything_lives(toolkit)


def test_what_is_ended_there_between_two_runs_ends_here(world: World, own: Other) -> None:
    imported(own)
    web = own.told["applications"]["web"]
    form = {
        "token": own.told["ada"]["refresh_token"],
        "client_id": web["client_id"],
        "client_secret": web["client_secret"],
    }
    assert own.ask({"do": "revoke", "form": form})["status"] == 200
    assert verified(own.told["ada"]["access_token"]).status == 200
    assert imported(own)["ended_since"] == 1
    assert verified(own.told["ada"]["access_token"]).status == 401
    assert refreshed(own, "web", own.told["ada"]["refresh_token"]).json["error_code"] == "refresh_token_revoked"


def test_what_is_ended_here_stays_ended_in_a_second_run(world: World, toolkit: Other) -> None:
    imported(toolkit)
    web = Credential.objects.get(client_id=toolkit.told["applications"]["web"]["client_id"])
    service = Credential.objects.get(client_id=toolkit.told["applications"]["service"]["client_id"])
    clients.withdraw(web.grants.get(), by="test")
    clients.undeploy(service, world.test, by="test")
    imported(toolkit)
    for name in ("ada", "service", "groups"):
        assert verified(toolkit.told[name]["access_token"]).status == 401, name


def test_d2_an_imported_refresh_token_answers_a_retry_and_a_reuse_as_ours_do(world: World, toolkit: Other) -> None:
    imported(toolkit)
    web = application(toolkit, "web")
    old = toolkit.told["ada"]["refresh_token"]
    now = timezone.now()

    def refresh(token: str, seconds: float) -> lifecycle.TokenAnswer:
        return lifecycle.refresh(web, token, request=worlds.REQUEST, at=now + timedelta(seconds=seconds))

    first = refresh(old, 1)
    assert refresh(old, 5).refresh_token == first.refresh_token
    second = refresh(str(first.refresh_token), 20)
    from tokens.errors import RefreshTokenReused, RefreshTokenRevoked

    with pytest.raises(RefreshTokenReused):
        refresh(old, 40)
    with pytest.raises(RefreshTokenRevoked):
        refresh(str(second.refresh_token), 41)


def test_d40_the_client_revokes_its_imported_tokens(world: World, toolkit: Other) -> None:
    imported(toolkit)
    web = application(toolkit, "web")
    assert call("/oauth2/revoke", {"token": toolkit.told["ada"]["refresh_token"]}, client=web).status == 200
    assert verified(toolkit.told["ada"]["access_token"]).status == 401
    other = application(toolkit, "plain")
    assert call("/oauth2/revoke", {"token": toolkit.told["service"]["access_token"]}, client=other).status == 200
    assert verified(toolkit.told["service"]["access_token"]).status == 200, "it was not theirs"


def test_d31_a_person_that_is_deactivated_takes_their_tokens_along(world: World, toolkit: Other) -> None:
    imported(toolkit)
    assert verified(toolkit.told["gone"]["access_token"]).status == 401, "deactivated there, so here as well"
    assert run("users", "deactivate", "ada", "--yes").status == 0
    assert verified(toolkit.told["ada"]["access_token"]).status == 401
    assert verified(toolkit.told["public"]["access_token"]).status == 401
    assert verified(toolkit.told["service"]["access_token"]).status == 200


def test_i17_an_imported_token_opens_its_target_and_no_other(world: World, toolkit: Other) -> None:
    imported(toolkit)
    assert verified(toolkit.told["service"]["access_token"], "billing").status == 401
    elsewhere = lifecycle.verify(toolkit.told["service"]["access_token"], proxy="orders", environment="live")
    assert str(elsewhere.reason) == "wrong_environment"


def test_s0_29_undeploying_the_target_ends_imported_tokens_too(world: World, toolkit: Other) -> None:
    imported(toolkit)
    deployment.undeploy(world.orders, world.test, by="test")
    deployment.deploy(world.orders, world.test, by="test")
    assert verified(toolkit.told["service"]["access_token"]).status == 401


def test_d20_the_verifier_ends_on_its_day(world: World, toolkit: Other) -> None:
    imported(toolkit)
    raw = toolkit.told["service"]["access_token"]
    end = datetime.fromisoformat(UNTIL)
    assert lifecycle.verify(raw, proxy="orders", at=timezone.now() + timedelta(hours=1)).good
    assert str(lifecycle.verify(raw, proxy="orders", at=end).reason) == "token_not_found"
    assert RefreshKey.objects.filter(expires_at__gt=end).count() == 0


def test_d20_the_verifier_is_ended_by_hand(world: World, toolkit: Other) -> None:
    imported(toolkit)
    raw = toolkit.told["service"]["access_token"]
    refused = run("legacy_verifier", "end", "oauth-toolkit")
    assert refused.status == 3
    assert "Live OAuth2 (opaque) tokens" in refused.err
    assert run("legacy_verifier", "end", "oauth-toolkit", "--yes").status == 0
    assert verified(raw).status == 401
    listed = run("legacy_verifier", "list", "--json").json["verifiers"][0]
    assert (listed["name"], listed["kind"], listed["state"]) == ("oauth-toolkit", "checksum", "ended")
    later = (timezone.now() + DAY).isoformat()
    assert run("legacy_verifier", "move-end", "oauth-toolkit", later).status == 1, "nothing revives"


def test_d19_a_slow_hash_becomes_ours_at_its_first_use(world: World, toolkit: Other) -> None:
    imported(toolkit)
    web = application(toolkit, "web")
    stored = CredentialSecret.objects.get(credential__client_id=web.client_id)
    assert stored.digest.startswith("pbkdf2_sha256$")
    wrong = Client(web.client_id, "x" * 40)
    form = {"grant_type": "client_credentials"}
    assert call("/oauth2/token", form, client=wrong).status == 401
    stored.refresh_from_db()
    assert stored.digest.startswith("pbkdf2_sha256$")
    assert call("/oauth2/token", form, client=web).status == 200
    stored.refresh_from_db()
    assert len(stored.digest) == 64
    assert call("/oauth2/token", form, client=web).status == 200


def test_r36_a_secret_that_somebody_thought_up_keeps_its_slow_hash(world: World, toolkit: Other) -> None:
    imported(toolkit)
    typed = application(toolkit, "typed and hashed")
    for _ in range(2):
        assert call("/oauth2/token", {"grant_type": "client_credentials"}, client=typed).status == 200
    assert CredentialSecret.objects.get(credential__client_id=typed.client_id).digest.startswith("pbkdf2_sha256$")


def test_our_own_tokens_cost_no_query_more(world: World, toolkit: Other) -> None:
    own_client = world.key_of(world.billing)
    mine = lifecycle.issue(own_client, request=worlds.REQUEST).access_token
    with CaptureQueriesContext(connection) as before:
        assert lifecycle.verify(mine, proxy="billing").good
    imported(toolkit)
    with CaptureQueriesContext(connection) as after:
        assert lifecycle.verify(mine, proxy="billing").good
    assert len(after) == len(before) == 1
    lifecycle.verify(toolkit.told["service"]["access_token"], proxy="orders")
    with CaptureQueriesContext(connection) as theirs:
        assert lifecycle.verify(toolkit.told["service"]["access_token"], proxy="orders").good
    assert len(theirs) == 1


# --- what the import refuses, and what it can read


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
