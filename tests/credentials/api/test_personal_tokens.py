"""Personal access tokens over REST: one's own, shown once, never more than their person and scopes allow."""

from datetime import timedelta

import pytest
from django.utils import timezone

from credentials import personal_tokens, users
from credentials.models import PersonalAccessToken, User
from tests.api import bearer, caller, person, problem, signed_in, with_token
from tests.credentials.connections import opened
from tokens import sightings

pytestmark = pytest.mark.django_db
URL = "/api/v1/personal-tokens/"
CONNECTIONS = "/api/v1/connections/"
NEW = {"name": "nightly report", "scopes": ["read"]}


def test_s3_12_a_person_makes_a_token_and_sees_its_value_once():
    ada = caller()

    answer = ada.post(URL, NEW)

    assert answer.status_code == 201
    assert answer.headers["Cache-Control"] == "no-store"
    raw = answer.json()["token"]
    assert personal_tokens.shown(raw) is not None
    assert (answer.json()["owner"], answer.json()["state"], answer.json()["scopes"]) == ("ada", "live", ["read"])
    for later in (ada.get(URL), ada.get(f"{URL}{answer.json()['id']}/")):
        assert raw not in later.content.decode()


def test_s3_12_it_opens_what_its_person_may_do_and_no_more():
    opened()
    ada = person()
    script = with_token(ada)
    assert problem(script.get(CONNECTIONS)) == (403, "permission_denied")

    ada.user_permissions.set(person("view_connectionconfiguration", name="bob").user_permissions.all())

    assert script.get(CONNECTIONS).status_code == 200
    ada.user_permissions.clear()
    assert script.get(CONNECTIONS).status_code == 403


def test_s3_12_it_opens_what_its_scopes_say_and_no_more():
    made = opened(at=timezone.now())
    ada = person("view_connectionconfiguration", "change_connectiontoken")
    generate = f"{CONNECTIONS}{made.token.configuration_id}/generate/"

    refused = with_token(ada, "read", "write").post(generate)

    assert problem(refused) == (403, "insufficient_scope")
    assert refused.json()["scope"] == "keys"
    assert with_token(ada, "keys").post(generate).status_code == 201
    assert with_token(ada, "keys").get(CONNECTIONS).status_code == 403


def test_no_token_lengthens_its_own_life():
    script = with_token(person())
    before = PersonalAccessToken.objects.count()

    for answer in (script.post(URL, NEW), script.get(URL), script.post(f"{URL}1/revoke/")):
        assert problem(answer) == (403, "insufficient_scope")
    assert PersonalAccessToken.objects.count() == before


def test_d29_it_opens_no_door_of_sessions():
    script = with_token(person())
    for answer in (script.get("/api/auth/sessions"), script.post("/api/auth/sessions/end-others")):
        assert answer.status_code == 401


@pytest.mark.parametrize("end", ["revoke", "password", "deactivate", "expire", "forge", "empty"])
def test_i6_an_ended_token_is_401_with_a_challenge(end):
    ada = person("view_connectionconfiguration")
    at = timezone.now() - timedelta(hours=1)
    made = personal_tokens.make(ada, name="x", scopes=["read"], by="ada", lifetime=7200, at=at)
    raw = made.raw
    assert bearer(raw).get(CONNECTIONS).status_code == 200
    if end == "revoke":
        personal_tokens.revoke(made.token, by="ada")
    elif end == "password":
        users.set_password(ada, "another horse", by="ada")
    elif end == "deactivate":
        users.deactivate(ada, by="root")
    elif end == "expire":
        PersonalAccessToken.objects.update(expires_at=at)
    elif end == "forge":
        raw = raw[:-1] + ("0" if raw[-1] != "0" else "1")
    else:
        raw = "lk_pt_"

    answer = bearer(raw).get(CONNECTIONS)

    assert problem(answer)[0] == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_its_use_is_remembered_with_time_and_address():
    with_token(person("view_connectionconfiguration"), "read").get(CONNECTIONS, REMOTE_ADDR="192.0.2.44")
    sightings.flush()
    token = PersonalAccessToken.objects.get()
    assert token.last_used_at is not None
    assert token.last_used_address == "192.0.2.44"


def test_s3_12_somebody_elses_are_404_and_in_no_list():
    ada, bob = caller(name="ada"), caller(name="bob")
    key = ada.post(URL, NEW).json()["id"]

    assert bob.get(URL).json()["results"] == []
    assert problem(bob.get(f"{URL}{key}/"))[0] == 404
    assert problem(bob.post(f"{URL}{key}/revoke/"))[0] == 404
    assert PersonalAccessToken.objects.get().revoked_at is None
    assert ada.post(f"{URL}{key}/revoke/", {"because": "done"}).json()["state"] == "revoked"


def test_s3_12_who_may_sees_everybodys_and_who_may_ends_them():
    ada, auditor = caller(name="ada"), caller("view_personalaccesstoken", name="audrey")
    security = signed_in(person("view_personalaccesstoken", "change_personalaccesstoken", name="sam"))
    key = ada.post(URL, NEW).json()["id"]

    assert [each["owner"] for each in auditor.get(URL).json()["results"]] == ["ada"]
    assert auditor.get(URL, {"owner": "audrey"}).json()["results"] == []
    assert auditor.post(f"{URL}{key}/revoke/").status_code == 404
    assert security.post(f"{URL}{key}/revoke/").json()["revoked_by"] == "sam"


@pytest.mark.parametrize(
    "more",
    [
        {"owner": "root"},
        {"token": "lk_pt_x"},
        {"expires_at": "2099-01-01T00:00:00Z"},
        {"user_generation": 9},
        {"scopes": ["read", "everything"]},
        {"scopes": []},
        {"scopes": "read"},
        {"lifetime": 0},
        {"lifetime": 2**31},
        {"lifetime": "soon"},
        {"name": "a\x00b"},
        {"name": ""},
    ],
)
def test_mass_assignment_and_odd_values_are_400(more):
    ada = caller()
    assert ada.post(URL, {**NEW, **more}).status_code == 400
    assert not PersonalAccessToken.objects.exists()


def test_r41_a_session_needs_the_csrf_token_and_a_personal_token_does_not():
    ada = person("change_connectiontoken")
    made = opened(at=timezone.now())
    generate = f"{CONNECTIONS}{made.token.configuration_id}/generate/"

    assert problem(signed_in(ada, enforce_csrf_checks=True).post(generate))[0] == 403
    assert with_token(ada).post(generate).status_code == 201


def test_nobody_makes_one_without_logging_in():
    assert problem(bearer("nonsense").post(URL, NEW))[0] == 401
    assert User.objects.count() == 0
