"""What a newcomer gets wrong: the answer says what to do instead."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from tests.api import BASE, caller, problem

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada() -> APIClient:
    return caller("view_environment", "add_environment", "change_environment", "view_apiproxy", name="ada")


def test_the_slash_at_the_end_may_be_left_out(ada: APIClient) -> None:
    made = ada.post(f"{BASE}/environments", {"name": "Test", "slug": "test"})
    assert made.status_code == 201, "no POST is lost in a redirect"
    for path in ("environments", "environments/test"):
        assert ada.get(f"{BASE}/{path}").json() == ada.get(f"{BASE}/{path}/").json()


@pytest.mark.parametrize("path", ["/api/", "/api/v1/", "/api/v1", "/api/v1/nothing/", "/api/v2/proxies/"])
def test_an_address_without_anything_leads_to_the_documentation(ada: APIClient, path: str) -> None:
    answer = ada.get(path)
    assert problem(answer) == (404, "not_found")
    assert "/api/docs/" in answer.json()["detail"]


def test_people_get_a_page_for_what_is_not_there(ada: APIClient) -> None:
    answer = ada.get("/nothing/")
    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "text/html; charset=utf-8")


WRONG: list[tuple[dict[str, Any], str]] = [
    ({}, "name: This field is required."),
    ({"name": "Test", "slug": "test", "kind": "prod"}, 'kind: "prod" is not one of: test, sandbox, production.'),
    ({"name": 7, "slug": "test"}, "name: A text, in quotation marks."),
    ({"name": "Test", "slug": "test", "colour": "red"}, "colour: This field is not known here or cannot be changed."),
    ({"name": "Test", "slug": "Te st"}, "A slug has up to"),
]


@pytest.mark.parametrize(("body", "said"), WRONG)
def test_the_detail_names_the_first_fault_and_what_would_do(ada: APIClient, body: dict[str, Any], said: str) -> None:
    answer = ada.post(f"{BASE}/environments/", body)
    assert problem(answer)[0] == 400
    assert said in answer.json()["detail"]


def test_a_wrong_moment_and_a_wrong_name_show_the_form(ada: APIClient) -> None:
    moments = caller("view_changerecord", name="bob")
    assert "2027-01-31T12:00:00Z" in moments.get(f"{BASE}/changes/", {"since": "yesterday"}).json()["detail"]
    assert "There are: " in ada.get(f"{BASE}/environments/", {"colour": "red"}).json()["detail"]


def test_who_shows_no_token_is_told_how_to_show_a_token() -> None:
    answer = APIClient().get(f"{BASE}/proxies/")
    assert problem(answer) == (401, "not_authenticated")
    assert "Authorization: Bearer" in answer.json()["detail"]
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_form_is_told_to_be_json(ada: APIClient) -> None:
    answer = ada.post(f"{BASE}/environments/", "name=x", content_type="application/x-www-form-urlencoded")
    assert problem(answer) == (415, "unsupported_media_type")
    assert "Content-Type: application/json" in answer.json()["detail"]
