"""REST of connection configurations: the same rules as the core, permissions, and 409 where a limit refuses."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.utils import timezone
from rest_framework.test import APIClient

from credentials import rotation
from credentials.models import ConnectionConfiguration, ConnectionToken, User
from tests.credentials.connections import active, beat, environment, later, opened, verbs

pytestmark = pytest.mark.django_db
ALL = (
    "view_connectionconfiguration",
    "add_connectionconfiguration",
    "change_connectionconfiguration",
    "change_connectiontoken",
)
BASE = "/api/v1/connections/"
ANY = {"If-Match": "*"}


def person(*codenames: str, name: str = "ada") -> User:
    user = User.objects.create_user(name, password="x")
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    return user


def caller(*codenames: str, **more: Any) -> APIClient:
    client = APIClient(raise_request_exception=False, **more)
    client.force_login(person(*codenames))
    return client


@pytest.fixture
def editor() -> APIClient:
    return caller(*ALL, "delete_connectionconfiguration", "reveal_connectiontoken")


def one(made: rotation.Made, tail: str = "") -> str:
    return f"{BASE}{made.token.configuration_id}/{tail}"


def of(made: rotation.Made, act: str) -> str:
    return one(made, f"tokens/{made.token.pk}/{act}/")


def test_s4_2_creating_answers_the_first_token_once(editor):
    environment()
    answer = editor.post(
        BASE, {"name": "EU edge", "deployment_type": "kubernetes", "environment": "test", "target_ports": "443, 80"}
    )

    assert answer.status_code == 201
    assert answer.headers["Cache-Control"] == "no-store"
    configuration = ConnectionConfiguration.objects.get()
    assert rotation.reveal(configuration.tokens.get(), by="") == answer.data["token"]
    assert (answer.data["active_tokens"], answer.data["rotation"]) == (1, "fresh")
    assert answer.data["token"] not in editor.get(f"{BASE}{configuration.pk}/").content.decode()
    assert verbs(configuration)[0] == ("open", "ada")


def test_s4_8_generate_answers_the_value_and_then_409(editor):
    made = opened(at=timezone.now())

    first, second = editor.post(one(made, "generate/")), editor.post(one(made, "generate/"))

    assert (first.status_code, second.status_code) == (201, 409)
    assert first.data["token"].startswith("lk_ct_")
    assert second.headers["Content-Type"] == "application/problem+json"
    assert second.json()["code"] == "no_free_connection_slot"
    assert len(active(made.token.configuration)) == 2


def test_s4_16_revoking_the_only_active_one_is_409(editor):
    made = opened()
    answer = editor.post(of(made, "revoke"), {"even_if_in_use": True})
    assert (answer.status_code, answer.json()["code"]) == (409, "last_connection_token")
    assert active(made.token.configuration) == [made.token.pk]


def test_d36_revoking_one_in_use_is_409_naming_the_instance_until_it_is_said_to_be_known(editor):
    made = opened(at=timezone.now())
    rotation.generate(made.token.configuration, by="ada")
    beat(made.raw, instance="edge-7", at=timezone.now())

    asked = editor.post(of(made, "revoke"), {"because": "rotated"})
    done = editor.post(of(made, "revoke"), {"because": "rotated", "even_if_in_use": True})

    assert (asked.status_code, asked.json()["code"]) == (409, "connection_token_in_use")
    assert "edge-7" in asked.json()["detail"]
    assert (done.status_code, done.data["status"], done.data["revoked_because"]) == (200, "revoked", "rotated")
    assert "token" not in done.data
    assert len(active(made.token.configuration)) == 1


def test_d32_replace_now_works_for_the_only_one_and_a_second_time_is_409(editor):
    made = opened(at=timezone.now())
    first, second = editor.post(of(made, "replace")), editor.post(of(made, "replace"))
    assert (first.status_code, second.status_code) == (201, 409)
    assert first.data["token"] != made.raw


def test_s4_11_s4_13_reveal_is_a_post_with_an_audit_entry(editor):
    made = opened()

    assert editor.get(of(made, "reveal")).status_code == 405
    shown, copied = editor.post(of(made, "reveal")), editor.post(of(made, "reveal"), {"copied": True})

    assert shown.data["token"] == copied.data["token"] == made.raw
    assert shown.headers["Cache-Control"] == "no-store"
    assert verbs(made.token.configuration)[1:] == [("show token", "ada"), ("copy token", "ada")]


def test_s4_20_close_revokes_and_then_everything_is_409(editor):
    made = opened()
    before = editor.post(f"{one(made, 'close/')}?dry_run=1")
    asked = editor.post(one(made, "close/"), {"because": "site closed"})
    assert [line["count"] for line in before.data["impact"]] == [1, 0, 0]
    assert (asked.status_code, asked.json()["confirm"]) == (428, "EU edge")
    assert active(made.token.configuration) == [made.token.pk]

    answer = editor.post(one(made, "close/"), {"because": "site closed", "confirm": "EU edge"})
    assert answer.data["closed_at"]
    assert [token["revoked_cause"] for token in answer.data["tokens"]] == ["closed"]
    for act, body in (("generate/", {}), ("extend-licence/", {"licence_ends_at": None})):
        assert editor.post(one(made, act), body).json()["code"] == "connection_closed"
    assert editor.patch(one(made), {"name": "x"}, headers=ANY).status_code == 409


def test_d32_extending_the_licence(editor):
    made = opened(licence_ends_at=later(days=1))
    assert editor.post(one(made, "generate/")).json()["code"] == "licence_ended"

    answer = editor.post(one(made, "extend-licence/"), {"licence_ends_at": timezone.now() + timedelta(days=9)})
    past = editor.post(one(made, "extend-licence/"), {"licence_ends_at": "2020-01-01T00:00:00Z"})

    assert (answer.status_code, answer.data["active_tokens"]) == (200, 0)
    assert (past.status_code, past.json()["code"]) == (400, "invalid_connection")


def test_d33_type_and_environment_cannot_be_changed(editor):
    made = opened()
    for field in ("deployment_type", "environment", "closed_at", "misspelt"):
        answer = editor.patch(one(made), {"name": "New", field: "other"}, headers=ANY)
        assert answer.status_code == 400
        assert field in answer.json()["errors"]
    assert ConnectionConfiguration.objects.get().name == "EU edge"
    owned = {"name": "New", "owner_email": "web@example.com"}
    assert editor.patch(one(made), owned, headers=ANY).data["name"] == "New"


def test_s4_17_the_detail_lists_the_active_tokens_and_up_to_three_revoked(editor):
    made = opened()
    for day in range(1, 6):
        made = rotation.replace_now(made.token, by="ada", at=later(days=day))
    rotation.generate(made.token.configuration, by="ada", at=later(days=9))

    tokens = editor.get(one(made)).data["tokens"]

    assert [token["status"] for token in tokens] == ["active"] * 2 + ["revoked"] * 3
    assert tokens[2]["revoked_at"] > tokens[4]["revoked_at"]


def test_lists_are_filtered_and_cost_the_same_however_long(editor, django_assert_num_queries):
    opened(name="old", at=timezone.now() - timedelta(days=400))
    opened(name="half", at=timezone.now() - timedelta(days=200))
    rotation.close(opened(name="gone", deployment_type="other").token.configuration, by="ada")
    for n in range(20):
        opened(name=f"new {n}", at=timezone.now())

    def names(**query: str) -> set[str]:
        return {each["name"] for each in editor.get(BASE, query).data["results"]}

    assert names(rotation="overdue") == {"old"}
    assert names(rotation="recommended") == {"half"}
    assert names(closed="true") == {"gone"}
    assert names(deployment_type="other") == {"gone"}
    assert names(name="NEW 1") == {"new 1", *(f"new 1{n}" for n in range(10))}
    assert names(environment="nowhere") == set()
    with django_assert_num_queries(5):  # session, person, two for permissions, page
        assert len(editor.get(BASE).data["results"]) == 23


@pytest.mark.parametrize(
    "query", ["name=%00", "rotation=x", "deployment_type=%00", "cursor=x", "cursor=99999999999999999999", "page=2"]
)
def test_hostile_queries_are_refused(editor, query):
    assert editor.get(f"{BASE}?{query}").status_code in {400, 404}


@pytest.mark.parametrize("key", ["0", "99999999999999999999999999", "-1", "x", "%00"])
def test_unknown_numbers_are_404(editor, key):
    made = opened()
    assert editor.get(f"{BASE}{key}/").status_code == 404
    assert editor.post(f"{BASE}{made.token.configuration_id}/tokens/{key}/reveal/").status_code == 404


def test_a_token_of_another_configuration_is_404(editor):
    mine, other = opened(), opened(name="other")
    answer = editor.post(f"{BASE}{mine.token.configuration_id}/tokens/{other.token.pk}/reveal/")
    assert answer.status_code == 404


NEEDED = {
    "list": "view_connectionconfiguration",
    "detail": "view_connectionconfiguration",
    "create": "add_connectionconfiguration",
    "patch": "change_connectionconfiguration",
    "generate": "change_connectiontoken",
    "extend": "change_connectionconfiguration",
    "revoke": "change_connectiontoken",
    "replace": "change_connectiontoken",
    "close": "delete_connectionconfiguration",
    "reveal": "reveal_connectiontoken",
}


def ask(client: APIClient, act: str, made: rotation.Made) -> int:
    until = {"licence_ends_at": None}
    new = {"name": "New", "deployment_type": "other", "environment": "test"}
    answers = {
        "list": lambda: client.get(BASE),
        "detail": lambda: client.get(one(made)),
        "create": lambda: client.post(BASE, new),
        "patch": lambda: client.patch(one(made), {"name": "New"}, headers=ANY),
        "generate": lambda: client.post(one(made, "generate/")),
        "extend": lambda: client.post(one(made, "extend-licence/"), until),
        "revoke": lambda: client.post(of(made, "revoke")),
        "replace": lambda: client.post(of(made, "replace")),
        "close": lambda: client.post(one(made, "close/"), {"confirm": "EU edge"}),
        "reveal": lambda: client.post(of(made, "reveal")),
    }
    return int(answers[act]().status_code)


@pytest.mark.parametrize("act", NEEDED)
def test_each_act_needs_its_own_permission_and_no_other(act):
    made = opened()
    before = ConnectionToken.objects.values().get(), verbs(made.token.configuration)

    assert ask(caller(*(set(NEEDED.values()) - {NEEDED[act]})), act, made) == 403
    assert (ConnectionToken.objects.values().get(), verbs(made.token.configuration)) == before

    User.objects.all().delete()
    assert ask(caller(NEEDED[act]), act, made) in {200, 201, 409}


@pytest.mark.parametrize("act", NEEDED)
def test_nobody_gets_in_without_login_or_when_deactivated(act):
    made = opened()
    assert ask(APIClient(), act, made) in {401, 403}
    client = caller(NEEDED[act])
    User.objects.update(is_active=False)
    assert ask(client, act, made) in {401, 403}
    assert ConnectionConfiguration.objects.count() == 1
    assert len(verbs(made.token.configuration)) == 1


def test_a_forged_post_without_the_csrf_token_is_refused():
    made = opened()
    client = caller("reveal_connectiontoken", enforce_csrf_checks=True)
    assert ask(client, "reveal", made) == 403
    assert len(verbs(made.token.configuration)) == 1


@pytest.mark.parametrize(
    "body", [b"[" * 16_000, b"{", b"[]", b'{"name": "a\\u0000"}', b'{"name": "\\ud800"}', b"x" * 20_000]
)
def test_hostile_bodies_are_400(editor, body):
    made = opened()
    for answer in (
        editor.post(BASE, body, content_type="application/json"),
        editor.patch(one(made), body, content_type="application/json"),
    ):
        assert answer.status_code == 400, answer.content
