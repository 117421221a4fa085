"""REST of environments: added, changed at a version, made the default with the name."""

import pytest

from proxies.models import ChangeRecord, Environment
from tests.api import problem

pytestmark = pytest.mark.django_db
BASE = "/api/v1/environments/"
NEW = {"name": "Staging", "slug": "staging", "kind": "sandbox", "signing_key_rotation_days": 90}


def test_an_environment_is_added_and_the_first_is_the_default(editor):
    answer = editor.post(BASE, NEW)

    assert answer.status_code == 201
    assert (answer.json()["is_default"], answer.json()["kind"]) == (True, "sandbox")
    assert answer.headers["ETag"]
    assert ChangeRecord.objects.get().actor == "ada"
    assert problem(editor.post(BASE, NEW)) == (409, "name_taken")


@pytest.mark.parametrize(
    "more",
    [
        {"slug": "Has Space"},
        {"slug": "x" * 51},
        {"kind": "other"},
        {"is_default": True},
        {"created_at": "2020-01-01T00:00:00Z"},
        {"id": 1},
        {"signing_key_rotation_days": 0},
        {"signing_key_rotation_days": 10**30},
        {"name": ["a"]},
        {"name": {"a": 1}},
        {"name": None},
        {"name": "a\u0000"},
        {"gateways_must_authenticate": "perhaps"},
    ],
)
def test_mass_assignment_and_odd_values_are_400(editor, more):
    assert problem(editor.post(BASE, {**NEW, **more}))[0] == 400
    assert not Environment.objects.exists()


def test_an_edit_is_made_to_a_version(editor):
    first = editor.post(BASE, NEW)
    one, tag = f"{BASE}staging/", first.headers["ETag"]
    assert editor.get(one).headers["ETag"] == tag

    assert problem(editor.patch(one, {"name": "Stage"})) == (428, "if_match_missing")
    changed = editor.patch(one, {"name": "Stage"}, headers={"If-Match": tag})

    assert (changed.status_code, changed.json()["name"], changed.json()["kind"]) == (200, "Stage", "sandbox")
    assert changed.headers["ETag"] != tag
    assert problem(editor.patch(one, {"name": "Lost"}, headers={"If-Match": tag})) == (412, "changed_meanwhile")
    assert problem(editor.patch(one, {"name": "Lost"}, headers={"If-Match": f"W/{tag}"}))[0] == 412
    both = f'"other", {changed.headers["ETag"]}'
    assert editor.patch(one, {"description": "Two\nlines"}, headers={"If-Match": both}).status_code == 200
    assert editor.patch(one, {"signing_key_rotation_days": None}, headers={"If-Match": "*"}).status_code == 200
    environment = Environment.objects.get()
    assert (environment.name, environment.description, environment.signing_key_rotation_days) == (
        "Stage",
        "Two\nlines",
        None,
    )


def test_the_slug_is_permanent(editor):
    editor.post(BASE, NEW)
    answer = editor.patch(f"{BASE}staging/", {"slug": "other"}, headers={"If-Match": "*"})
    assert answer.status_code == 400
    assert "slug" in answer.json()["errors"]


def test_d12_making_it_the_default_asks_for_the_name(editor, world):
    url = f"{BASE}live/make-default/"

    told = editor.post(f"{url}?dry_run=1").json()
    asked = editor.post(url)
    wrong = editor.post(url, {"confirm": "live"})

    assert told == {"dry_run": True, "act": "make-default", "confirm": "Live", "impact": []}
    assert (problem(asked), asked.json()["confirm"]) == ((428, "confirmation_missing"), "Live")
    assert problem(wrong) == (400, "confirmation_wrong")
    assert Environment.objects.get(slug="test").is_default
    assert editor.post(url, {"confirm": "Live"}).json()["is_default"] is True


def test_lists_are_narrowed_by_what_is_listed_and_by_nothing_else(editor, world):
    assert [each["slug"] for each in editor.get(BASE, {"kind": "production"}).json()["results"]] == ["live"]
    assert [each["slug"] for each in editor.get(BASE, {"name": "TES"}).json()["results"]] == ["test"]
    for query in (
        "kind=x",
        "slug=test",
        "name=a&name=b",
        "name=%00",
        "page_size=0",
        "page_size=1000000000",
        "cursor=x",
    ):
        assert problem(editor.get(f"{BASE}?{query}"))[0] == 400, query
    assert problem(editor.get(f"{BASE}live/?expand=1"))[0] == 400


def test_what_does_not_exist_is_404(editor, world):
    for slug in ["nowhere", "%00", "LIVE", "a" * 51, "1%2F2", "-"]:
        assert editor.get(f"{BASE}{slug}/").status_code == 404
        assert editor.patch(f"{BASE}{slug}/", {"name": "x"}, headers={"If-Match": "*"}).status_code == 404
