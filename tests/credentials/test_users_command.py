"""manage.py users: everything a person's account needs, without a password on the command line."""

import pytest
from django.contrib.auth.models import Group

from credentials import clients, users
from credentials.models import User
from proxies.models import ChangeRecord
from tests import world as worlds
from tests.tokens.codes import enrolled
from tests.tokens.commands.calling import run
from tests.world import World
from tokens import lifecycle
from tokens.lifecycle import Request

PASSWORD = "correct horse battery staple"


@pytest.fixture
def world(db: None) -> World:
    return worlds.build()


def create(name: str = "ada", *more: str) -> None:
    done = run("users", "create", name, *more, "--password-file", "-", piped=f"{PASSWORD}\n")
    assert done.status == 0, done.err


def test_a_new_person_can_log_in(db: None, client) -> None:
    create("ada", "--email", "ada@example.com", "--first-name", "Ada", "--staff")
    assert client.login(username="ada", password=PASSWORD)
    told = run("users", "list", "--json").json["users"]
    assert told[0] | {"last_login": None} == {
        "username": "ada", "email": "ada@example.com", "first_name": "Ada", "last_name": "", "active": True,
        "staff": True, "superuser": False, "groups": [], "permissions": [], "last_login": None,
        "second_factor_since": None,
    }  # fmt: skip
    assert set(ChangeRecord.objects.values_list("verb", "actor")) == {("create", "command line")}


def test_without_a_password_nobody_can_log_in_as_them(db: None) -> None:
    assert run("users", "create", "ada", "--no-password").status == 0
    assert not User.objects.get().has_usable_password()


def test_a_superuser_enters_the_admin(db: None) -> None:
    create("root", "--superuser")
    assert User.objects.get().is_staff
    assert "root  -  active  staff, superuser" in run("users", "list").out


@pytest.mark.parametrize("weak", ["sh0rt!", "password1234", "123456789012345", "adalovelace1"])
def test_a_weak_password_is_refused_with_the_reason(db: None, weak: str) -> None:
    done = run("users", "create", "adalovelace", "--password-file", "-", piped=weak)
    assert done.status == 1
    assert "password" in done.err
    assert weak not in done.err
    assert not User.objects.exists()


def test_a_taken_name_is_refused(db: None) -> None:
    create()
    done = run("users", "create", "ada", "--no-password", "--json")
    assert (done.status, done.json["error"]) == (1, "invalid_credential")


def test_d31_a_new_password_ends_tokens_and_wants_the_name_typed(world: World, client) -> None:
    create()
    made = lifecycle.login("ada", PASSWORD, request=Request())
    refused = run("users", "set-password", "ada", "--password-file", "-", piped="another long pass phrase\n")
    assert refused.status == 3
    assert "1  Live JWTs" in refused.err
    words = ("users", "set-password", "ada", "--password-file", "-", "--yes")
    assert run(*words, piped="another long pass phrase\n").status == 0
    assert client.login(username="ada", password="another long pass phrase")
    with pytest.raises(lifecycle_errors()):
        lifecycle.access(made.refresh, request=Request())


def lifecycle_errors() -> type[Exception]:
    from tokens.errors import UserChanged

    return UserChanged


def test_d31_deactivating_is_for_good_for_tokens_but_not_for_the_person(world: World, client) -> None:
    create()
    assert run("users", "deactivate", "ada", typed="bob\n").status == 3
    assert run("users", "deactivate", "ada", "--note", "left", typed="ada\n").status == 0
    assert not client.login(username="ada", password=PASSWORD)
    assert "deactivated" in run("users", "list").out
    assert run("users", "reactivate", "ada").status == 0
    assert client.login(username="ada", password=PASSWORD)
    assert ChangeRecord.objects.get(verb="deactivate").note == "left"


def test_e_mail_and_names_change_and_nothing_else(db: None) -> None:
    create()
    told = run("users", "change", "ada", "--email", "ada@example.org", "--last-name", "Lovelace", "--json").json
    assert (told["email"], told["last_name"], told["first_name"]) == ("ada@example.org", "Lovelace", "")
    assert run("users", "change", "ada", "--email", "nothing like it").status == 1
    assert run("users", "change", "nobody").status == 1
    record = ChangeRecord.objects.get(verb="change")
    assert record.after == {"email": "ada@example.org", "last_name": "Lovelace"}
    generation = User.objects.get().generation
    assert generation == 1, "no token ends by it"


def test_what_a_person_may_do_is_replaced_as_far_as_it_is_named(db: None) -> None:
    Group.objects.create(name="Operators")
    create()
    told = run("users", "access", "ada", "--staff", "on", "--groups", "Operators", "--json").json
    assert (told["staff"], told["groups"], told["permissions"]) == (True, ["Operators"], [])
    told = run("users", "access", "ada", "--permissions", "credentials.view_credential", "--json").json
    assert (told["groups"], told["permissions"]) == (["Operators"], ["credentials.view_credential"])
    told = run("users", "access", "ada", "--staff", "off", "--groups", "--permissions", "--json").json
    assert (told["staff"], told["groups"], told["permissions"]) == (False, [], [])
    assert "There are: Auditor, Operator, Operators" in run("users", "access", "ada", "--groups", "Operatosr").err
    assert "There is no permission" in run("users", "access", "ada", "--permissions", "everything").err


def test_d14_a_person_is_granted_access_and_loses_it(world: World) -> None:
    person = users.create_user(username="ada", password=None, by="test")
    assert run("grant", "--user", "ada", "orders", "--scopes", "read", "--json").json == {
        "username": "ada",
        "target": "orders",
        "scopes": "read",
    }
    clients.grant(to=person, target=world.billing, by="test")
    assert run("withdraw", "--user", "ada", "orders", "--yes", "--json").json["username"] == "ada"
    assert list(person.grants.filter(withdrawn_at=None).values_list("proxy__slug", flat=True)) == ["billing"]
    assert run("grant", "ada", "orders").status == 1, "a user name is not a client id"


def test_a_lost_second_factor_is_reset_and_the_history_says_so(db: None) -> None:
    create("ada", "--staff")
    assert run("users", "reset-second-factor", "ada").status == 1
    enrolled(User.objects.get())
    done = run("users", "reset-second-factor", "ada", "--note", "lost the phone", "--json")
    assert (done.status, done.json["second_factor_since"]) == (0, None)
    record = ChangeRecord.objects.get(verb="remove second factor")
    assert (record.actor, record.subject_name, record.note) == ("command line", "ada", "lost the phone")
