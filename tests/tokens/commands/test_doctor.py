"""The doctor finds what is wrong and says what to do."""

import pytest
from django.apps import apps
from django.db import DatabaseError, connection, transaction
from django.db.models import ForeignKey
from django.utils import timezone

from credentials import clients
from credentials.models import User
from proxies import catalogue, jobs
from proxies.models import ScheduledJob
from tests import world as worlds
from tests.tokens.codes import enrolled
from tests.tokens.commands.calling import run
from tests.world import World
from tokens import policies, signing
from tokens.reminders import webhooks
from tokens.statements import log_guard, orphans, server


@pytest.fixture(autouse=True)
def embedded(settings, tmp_path) -> None:
    """Whatever database the tests run on: an installation as `make run` makes it, with a data folder of its own."""
    settings.DATA_DIR = tmp_path
    settings.EMBEDDED, settings.HTTPS, settings.GENERATED_SECRETS = True, False, ["SECRET_KEY"]


@pytest.fixture
def world(db: None) -> World:
    made = worlds.build()
    for environment in (made.test, made.live):
        signing.ensure(environment, by="test")
    return made


def production(settings) -> None:
    settings.EMBEDDED, settings.HTTPS, settings.GENERATED_SECRETS = False, True, []
    settings.PUBLIC_URL, settings.TRUSTED_PROXIES = "https://portal.example.com", ["10.0.0.1"]
    jobs.enlist()
    ScheduledJob.objects.update(last_run_at=timezone.now())
    webhooks.add(name="hook", url="https://hooks.example.com/", by="test")


def test_nothing_wrong_is_said_too(world: World, settings, monkeypatch) -> None:
    production(settings)
    done = run("doctor")
    assert done.status == 0
    if connection.vendor == "postgresql":
        # The tests' role owns the tables: a note, see tests/tokens/test_surroundings.py.
        assert done.out.startswith("Note: The portal's database role owns the request log")
        monkeypatch.setattr(server, "owns_the_log", lambda: False)
    assert run("doctor").out.strip() == "Everything is in order."


def test_an_empty_installation_is_told_to_add_an_environment(db: None) -> None:
    done = run("doctor")
    assert done.status == 1
    assert "manage.py add_environment test" in done.out


def test_a_missing_default_environment_is_a_problem(world: World) -> None:
    type(world.test).objects.update(is_default=False)
    done = run("doctor")
    assert done.status == 1
    assert "There is no default environment" in done.out


def test_generated_secrets_and_a_plain_address_are_problems_in_production_only(world: World, settings) -> None:
    assert run("doctor").status == 0
    settings.EMBEDDED = False
    done = run("doctor")
    assert done.status == 1
    assert "SECRET_KEY were made here" in done.out
    assert "without TLS" in done.out


def test_the_demo_file_is_a_problem_in_production(world: World, settings) -> None:
    (settings.DATA_DIR / "demo.json").write_text("{}")
    assert run("doctor").status == 0
    production(settings)
    assert run("doctor").status == 1


def test_a_missing_signing_key_is_a_problem_once_jwts_are_issued(db: None) -> None:
    world = worlds.build()
    assert run("doctor").status == 0
    policies.set_policy(world.billing, by="test", token_format="jwt")
    done = run("doctor")
    assert done.status == 1
    assert "rotate_signing_key --environment test" in done.out


def test_a_request_log_without_its_triggers_is_a_problem(world: World) -> None:
    assert log_guard.missing() == []
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("DROP TRIGGER tokens_tokenrequestlog_delete")
        else:
            cursor.execute("ALTER TABLE tokens_tokenrequestlog DISABLE TRIGGER tokens_tokenrequestlog_rows")
    done = run("doctor", "--json")
    assert done.status == 1
    assert "request log is not protected" in done.json["findings"][0]["what"]
    assert "manage.py protect_log" in done.json["findings"][0]["todo"]


def test_i8_protect_log_puts_back_whatever_was_removed(world: World) -> None:
    world.issue(world.key_of(world.orders))
    with connection.cursor() as cursor:
        for table in ("tokens_tokenrequestlog", "tokens_logseal"):
            if connection.vendor == "sqlite":
                for name in ("update", "delete", "replace"):
                    cursor.execute(f"DROP TRIGGER {table}_{name}")
            else:
                cursor.execute(f"DROP TRIGGER {table}_rows ON {table}")
                cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER {table}_table")
    done = run("protect_log", "--json")
    assert len(done.json["put_back"]) == (6 if connection.vendor == "sqlite" else 4)
    assert log_guard.missing() == []
    assert run("protect_log").out.strip() == "Nothing was missing."
    for sql in ("UPDATE tokens_tokenrequestlog SET reason = 'x'", "DELETE FROM tokens_tokenrequestlog"):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql)


def test_what_cannot_issue_tokens_yet_is_a_note(world: World) -> None:
    catalogue.add_proxy(name="New", slug="new", by="test")
    done = run("doctor")
    assert done.status == 0
    assert "set_policy new" in done.out
    assert "open_credential --key-of new" in done.out


def test_a_database_that_is_away_is_the_finding(world: World, monkeypatch) -> None:
    from django.db import OperationalError

    def away() -> list[str]:
        raise OperationalError("connection refused")

    monkeypatch.setattr(log_guard, "missing", away)
    done = run("doctor")
    assert done.status == 1
    assert "The database does not answer: connection refused" in done.out


def test_rows_that_point_at_what_is_gone_are_a_problem(world: World) -> None:
    world.issue(world.key_of(world.orders))
    assert "that are gone" not in run("doctor").out
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM tokens_tokenfamily")
    done = run("doctor")
    assert done.status == 1
    for table in ("tokens_issuedtoken", "tokens_refreshkey"):
        assert f"1 rows of {table} point by family_id at rows of tokens_tokenfamily that are gone." in done.out


def test_every_foreign_key_that_the_database_does_not_check_is_looked_at() -> None:
    unchecked = {
        (model._meta.db_table, field.column, field.related_model._meta.db_table)
        for model in apps.get_models()
        if not model._meta.proxy
        for field in model._meta.local_fields
        if isinstance(field, ForeignKey) and not field.deconstruct()[3].get("db_constraint", True)
    }
    # A key's predecessor may be gone by design.
    unchecked.remove(("tokens_refreshkey", "parent_id", "tokens_refreshkey"))
    looked_at = {(table, *pointer) for table, pointers in orphans.POINTERS.items() for pointer in pointers.items()}
    assert unchecked == looked_at


def test_d43_what_keeps_reminders_from_reaching_anybody_is_said(world: World, settings) -> None:
    told = "nobody is reminded of what expires"
    assert told in run("doctor").out
    settings.MAIL_IS_ON = True
    holders = "key of Orders, key of Billing, key of Commerce"
    assert f"3 credentials have no owner's address, so nobody is reminded by mail of their end: {holders}." in (
        run("doctor").out
    )
    type(world.orders).objects.update(owner_email="apis@example.com")
    clients.change_credential(world.credentials["commerce"], owner_email="group@example.com", by="test")
    out = run("doctor").out
    assert "owner's address" not in out
    assert told not in out
    settings.MAIL_IS_ON = False
    webhook = webhooks.add(name="hook", url="https://hooks.example.com/", by="test").webhook
    assert told not in run("doctor").out
    webhooks.pause(webhook, by="test")
    assert told in run("doctor").out
    assert run("doctor").status == 0


def test_who_must_have_a_second_factor_and_a_group_that_is_none_are_told(world: World, settings) -> None:
    production(settings)
    for name in ("ada", "eve"):
        User.objects.create_user(name, is_staff=True)
    User.objects.create_user("outsider")
    enrolled(User.objects.get(username="eve"))
    settings.SECOND_FACTOR_REQUIRED = ["staff", "Securty"]
    done = run("doctor")
    assert done.status == 1
    assert "SECOND_FACTOR_REQUIRED names Securty, which is neither staff nor a group" in done.out
    assert "A second factor is asked of them and they have none yet (1): ada." in done.out
