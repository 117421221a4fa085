"""A POST with an Idempotency-Key is done once, whoever asks how often; one at a version loses nobody's edit."""

from collections import Counter

import pytest
from django.db import OperationalError

from credentials import personal_tokens
from credentials.models import User
from proxies import catalogue
from proxies.models import ChangeRecord, Environment, KeptAnswer
from tests.api import bearer, caller, person, problem
from tests.databases import OwnDatabase

BASE = "/api/v1/environments/"
NEW = {"name": "Staging", "slug": "staging"}
KEY = {"Idempotency-Key": "4f1b"}


@pytest.fixture
def editor(db):
    return caller("add_environment", "change_environment", "view_environment")


def test_i23_the_same_request_twice_is_done_once_and_answered_alike(editor):
    first = editor.post(BASE, NEW, headers=KEY)
    second = editor.post(BASE, NEW, headers=KEY)

    assert (first.status_code, second.status_code) == (201, 201)
    assert second.json() == first.json()
    assert second.headers["Idempotency-Replayed"] == "true"
    assert "no-store" in second.headers["Cache-Control"]
    assert "Idempotency-Replayed" not in first.headers
    assert (Environment.objects.count(), ChangeRecord.objects.count()) == (1, 1)


def test_another_body_under_the_same_key_is_409(editor):
    editor.post(BASE, NEW, headers=KEY)
    other = editor.post(BASE, {**NEW, "slug": "other"}, headers=KEY)
    elsewhere = editor.post(f"{BASE}staging/make-default/", NEW, headers=KEY)
    assert problem(other) == problem(elsewhere) == (409, "idempotency_key_used")
    assert Environment.objects.count() == 1


def test_a_refused_request_may_be_mended_under_its_key(editor):
    assert problem(editor.post(BASE, {**NEW, "slug": "No Slug"}, headers=KEY)) == (400, "invalid_name")
    assert problem(editor.post(BASE, {**NEW, "kind": "x"}, headers=KEY)) == (400, "invalid")
    assert editor.post(BASE, NEW, headers=KEY).status_code == 201


def test_who_may_not_learns_nothing_of_the_answer(editor):
    editor.post(BASE, NEW, headers=KEY)
    User.objects.get().user_permissions.clear()
    assert problem(editor.post(BASE, NEW, headers=KEY)) == (403, "permission_denied")


def test_keys_belong_to_a_person(editor):
    editor.post(BASE, NEW, headers=KEY)
    other = caller("add_environment", name="bob")
    assert problem(other.post(BASE, NEW, headers=KEY)) == (409, "name_taken")


@pytest.mark.parametrize("key", ["", "a b", "x" * 256])
def test_an_odd_key_is_400_and_does_nothing(editor, key):
    assert problem(editor.post(BASE, NEW, headers={"Idempotency-Key": key}))[0] == 400
    assert not Environment.objects.exists()


def test_a_body_too_large_is_400_under_a_key_as_well(editor):
    answer = editor.post(BASE, b"x" * 2_000_000, content_type="application/json", headers=KEY)
    assert problem(answer)[0] == 400


def test_i5_an_answer_with_a_secret_is_not_kept_and_a_repetition_is_409(editor):
    url, body = "/api/v1/personal-tokens/", {"name": "x", "scopes": ["read"]}
    first = editor.post(url, body, headers=KEY)
    second = editor.post(url, body, headers=KEY)

    assert first.status_code == 201
    assert problem(second) == (409, "idempotency_answer_not_kept")
    assert "201" in second.json()["detail"]
    assert first.json()["token"] not in str(list(KeptAnswer.objects.values()))


def test_i13_a_database_that_breaks_on_the_way_keeps_nothing(editor, monkeypatch):
    def broken(**_values):
        raise OperationalError

    monkeypatch.setattr(catalogue, "add_environment", broken)
    assert problem(editor.post(BASE, NEW, headers=KEY)) == (503, "server_error")
    assert not KeptAnswer.objects.exists()


# --- races


def post_once(_index: int, raw: str) -> tuple[int, str]:
    answer = bearer(raw).post(BASE, NEW, headers=KEY)
    return answer.status_code, answer.json().get("slug", answer.content.decode())


def patch_once(index: int, raw: str, tag: str) -> int:
    return int(bearer(raw).patch(f"{BASE}staging/", {"name": f"by {index}"}, headers={"If-Match": tag}).status_code)


def test_i23_requests_at_the_same_moment_are_done_once(own_database: OwnDatabase) -> None:
    ada = person("add_environment", "change_environment", "view_environment")
    raw = personal_tokens.make(ada, name="x", scopes=["read", "write"], by="ada").raw

    outcomes = own_database.run_in_threads(8, post_once, raw)

    assert {outcome.get() for outcome in outcomes} == {(201, "staging")}
    assert Environment.objects.count() == 1

    tag = bearer(raw).get(f"{BASE}staging/").headers["ETag"]
    edits = Counter(outcome.get() for outcome in own_database.run_in_threads(8, patch_once, raw, tag))
    assert edits == {200: 1, 412: 7}
    assert ChangeRecord.objects.filter(verb="change").count() == 1
