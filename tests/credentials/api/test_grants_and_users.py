"""REST of grants and of people: who may reach what, and nobody lifts themselves up."""

import pytest

from credentials.models import Grant, User
from tests.api import caller, issued, logged_in, opens, opens_the_portal, person, problem, signed_in
from tokens.lifecycle import Client

pytestmark = pytest.mark.django_db
GRANTS, USERS = "/api/v1/grants/", "/api/v1/users/"
NEW = {"username": "bob", "email": "bob@example.com", "password": "correct horse battery"}


def test_d14_a_grant_is_looked_up_at_use(security, world):
    client: Client = world.credential("shop", world.orders)
    first = Grant.objects.get()
    token = issued(client)

    asked = security.post(f"{GRANTS}{first.pk}/withdraw/", {})
    gone = security.post(f"{GRANTS}{first.pk}/withdraw/", {"confirm": asked.json()["confirm"]})

    assert problem(asked) == (428, "confirmation_missing")
    assert gone.json()["withdrawn_at"]
    assert not opens(token)
    again = security.post(GRANTS, {"credential": client.client_id, "proxy": "orders", "scopes": "read"})
    assert (again.status_code, again.json()["id"], again.json()["withdrawn_at"]) == (201, first.pk, None)
    assert opens(token)


def test_odd_grants_are_400_and_nothing_is_granted(security, world):
    for body in [
        {},
        {"proxy": "orders"},
        {"credential": "key"},
        {"user": "sam", "proxy": "orders", "group": "commerce"},
        {"user": "sam", "credential": "x", "proxy": "orders"},
        {"user": "nobody", "proxy": "orders"},
        {"user": "sam", "proxy": "orders", "scopes": 'a"b'},
        {"user": "sam", "proxy": "orders", "disallowed_methods": "BREW"},
        {"user": "sam", "proxy": "orders", "withdrawn_at": None},
        {"user": 1, "proxy": "orders"},
    ]:
        assert problem(security.post(GRANTS, body))[0] == 400
        assert not Grant.objects.exists()


def test_a_person_is_granted_access_and_grants_are_listed(security, world):
    made = security.post(GRANTS, {"user": "sam", "group": "commerce", "disallowed_methods": "delete"})
    assert (made.json()["user"], made.json()["group"], made.json()["disallowed_methods"]) == (
        "sam",
        "commerce",
        "DELETE",
    )
    assert len(security.get(GRANTS, {"user": "sam", "withdrawn": "false"}).json()["results"]) == 1
    assert security.get(GRANTS, {"proxy": "orders"}).json()["results"] == []


# --- people


def test_a_person_is_added_with_a_good_password_and_no_rights(security):
    answer = security.post(USERS, NEW)

    assert answer.status_code == 201
    assert "password" not in answer.content.decode()
    bob = User.objects.get(username="bob")
    assert (bob.check_password("correct horse battery"), bob.is_superuser, bob.get_all_permissions()) == (
        True,
        False,
        set(),
    )


@pytest.mark.parametrize(
    "more",
    [
        {"password": "short"},
        {"password": "password1234"},
        {"password": "bob"},
        {"is_superuser": True},
        {"groups": ["Admin"]},
        {"generation": 9},
        {"username": "sam"},
        {"username": "a b"},
        {"username": "a\u0000"},
        {"email": "x"},
    ],
)
def test_mass_assignment_and_weak_passwords_are_400(security, more):
    assert problem(security.post(USERS, {**NEW, **more}))[0] == 400
    assert not User.objects.filter(email="bob@example.com").exists()


def test_d31_deactivating_ends_tokens_for_good(security, world):
    bob = security.post(USERS, NEW).json()["id"]
    access = logged_in("bob", NEW["password"])
    assert opens_the_portal(access)

    assert security.post(f"{USERS}{bob}/deactivate/", {}).status_code == 428
    assert security.post(f"{USERS}{bob}/deactivate/", {"confirm": "bob"}).json()["is_active"] is False
    assert security.post(f"{USERS}{bob}/reactivate/", {}).json()["is_active"] is True

    assert not opens_the_portal(access)


def test_d31_a_new_password_ends_tokens(security, world):
    bob = security.post(USERS, NEW).json()["id"]
    access = logged_in("bob", NEW["password"])
    url = f"{USERS}{bob}/set-password/"

    told = security.post(f"{url}?dry_run=1", {"password": "another horse battery"})
    assert told.json()["impact"][0]["count"] == 1
    assert problem(security.post(url, {"password": "short", "confirm": "bob"}))[0] == 400
    assert opens_the_portal(access)
    assert security.post(url, {"password": "another horse battery", "confirm": "bob"}).status_code == 200
    assert not opens_the_portal(access)


def test_only_a_superuser_hands_out_permissions(security):
    root = signed_in(person(name="root", is_superuser=True))
    bob = security.post(USERS, NEW).json()["id"]
    access = {"is_staff": True, "groups": [], "user_permissions": ["tokens.view_issuedtoken"]}

    assert problem(security.post(f"{USERS}{bob}/set-access/", access)) == (403, "permission_denied")
    done = root.post(f"{USERS}{bob}/set-access/", access)

    assert (done.json()["user_permissions"], done.json()["is_staff"]) == (["tokens.view_issuedtoken"], True)
    for odd in (["tokens.nothing"], ["view_issuedtoken"], [7], "x", [None]):
        assert problem(root.post(f"{USERS}{bob}/set-access/", {**access, "user_permissions": odd}))[0] == 400, odd
    assert problem(root.post(f"{USERS}{bob}/set-access/", {**access, "groups": ["Nothing"]}))[0] == 400
    assert root.post(f"{USERS}{bob}/set-access/", {**access, "is_superuser": True}).status_code == 400


@pytest.mark.parametrize("act", ["deactivate", "set-password", "reactivate"])
def test_nobody_but_a_superuser_acts_on_a_superuser(security, act):
    root = person(name="root", is_superuser=True)
    body = {"confirm": "root", "password": "another horse battery"} if act == "set-password" else {"confirm": "root"}
    answer = security.post(f"{USERS}{root.pk}/{act}/", {} if act == "reactivate" else body)
    assert problem(answer) == (403, "permission_denied")
    assert User.objects.get(pk=root.pk).generation == root.generation
    assert security.get(f"{USERS}{root.pk}/").status_code == 200
    grant = caller("add_grant", name="gil").post(GRANTS, {"user": "root", "proxy": "orders"})
    assert grant.status_code in (400, 403)


def test_people_are_listed(security):
    security.post(USERS, NEW)
    assert [each["username"] for each in security.get(USERS, {"is_active": "true"}).json()["results"]] == ["bob", "sam"]
    assert security.get(USERS, {"username": "bo"}).json()["results"] == []
    assert problem(security.get(USERS, {"is_active": "perhaps"}))[0] == 400
    assert problem(security.get(USERS, {"password": "x"}))[0] == 400
