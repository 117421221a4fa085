"""Who answers for what, and what nobody answers for (D43), in lists, by REST and on the dashboard."""

from typing import Any

import pytest
from django.test import Client as Browser
from django.utils import timezone

from credentials import clients, rotation, users
from credentials.models import Credential, User
from proxies import catalogue
from proxies.models import ApiProxy, ChangeRecord
from proxies.ownership import of_owner, orphans
from tests.api import signed_in
from tokens import figure_counts, figures

pytestmark = pytest.mark.django_db
OWNERS = {
    # slug: owner, team, e-mail, orphaned
    "unset": ("", "", "", True),
    "by-person": ("ada", "", "", False),
    "by-team": ("", "Shop", "", False),
    "by-mail": ("", "", "shop@example.com", False),
    "unknown": ("Grace Hopper", "", "", True),
    "unknown-with-team": ("Grace Hopper", "Shop", "", False),
    "gone": ("eve", "", "", True),
    "gone-with-team": ("eve", "Shop", "", True),
    "gone-by-mail": ("", "", "eve@example.com", True),
}
ORPHANED = sorted(slug for slug, row in OWNERS.items() if row[3])


@pytest.fixture
def world() -> None:
    users.create_user(username="ada", password=None, by="test")
    users.deactivate(users.create_user(username="eve", password=None, email="eve@example.com", by="test"), by="test")
    users.deactivate(users.create_user(username="nomail", password=None, by="test"), by="test")
    for slug, (name, team, email, _) in OWNERS.items():
        fields = {"owner_name": name, "owner_team": team, "owner_email": email}
        catalogue.add_proxy(name=slug, slug=slug, by="test", **fields)
        clients.open_credential(name=slug, by="test", **fields)
    test = catalogue.add_environment(name="Test", slug="test", by="test")
    rotation.open_connection(name="edge", deployment_type="kubernetes", environment=test, by="test", owner_team="Edge")
    # The key of a proxy: whoever has the proxy answers for it.
    clients.open_credential(name="key", proxy=ApiProxy.objects.get(slug="by-person"), by="test")


def test_d43_nobody_answers_where_owner_team_and_address_are_unset_unknown_or_deactivated(world: None) -> None:
    assert sorted(orphans(ApiProxy.objects.all()).values_list("slug", flat=True)) == ORPHANED


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("ADA", ["by-person"]),
        ("shop", ["by-mail", "by-team", "gone-with-team", "unknown-with-team"]),
        ("hopper", ["unknown", "unknown-with-team"]),
        ("eve@", ["gone-by-mail"]),
        ("nobody", []),
    ],
)
def test_d43_owners_are_found_by_a_part_of_name_team_or_address(world: None, text: str, found: list[str]) -> None:
    assert sorted(of_owner(ApiProxy.objects.all(), text).values_list("slug", flat=True)) == found


def root() -> Browser:
    browser = Browser()
    browser.force_login(User.objects.create_superuser("root", password="x"))
    return browser


def listed(browser: Browser, path: str) -> int:
    answer: Any = browser.get(path)
    return len(answer.context["cl"].result_list)


def test_d43_lists_are_narrowed_by_owner_and_the_dashboard_counts_what_they_show(world: None) -> None:
    figures.take(at=timezone.now())
    browser = root()
    page = browser.get("/admin/").content.decode()
    counted = figure_counts.attention(timezone.now())
    for model, name in (("proxies/apiproxy", "proxies"), ("credentials/credential", "credentials")):
        path = f"/admin/{model}/?orphans=yes&archived_at__isempty=1"
        assert path.replace("&", "&amp;") in page
        assert listed(browser, path) == counted[f"{name}_orphaned"] == len(ORPHANED)
        assert listed(browser, f"/admin/{model}/?owner=shop") == 4
    assert counted["connections_orphaned"] == counted["groups_orphaned"] == 0
    assert listed(browser, "/admin/credentials/connectionconfiguration/?owner=edge") == 1


def test_d43_rest_knows_owner_team_and_orphans(world: None) -> None:
    client = signed_in(User.objects.create_superuser("root", password="x"))
    for kind in ("proxies", "credentials"):
        found = client.get(f"/api/v1/{kind}/", {"orphaned": "true", "page_size": 50}).json()["results"]
        assert sorted(each["name"] for each in found) == ORPHANED
        answered = client.get(f"/api/v1/{kind}/", {"orphaned": "false", "page_size": 50}).json()["results"]
        assert not {each["name"] for each in answered} & set(ORPHANED)
        assert {each["owner_team"] for each in client.get(f"/api/v1/{kind}/?owner_team=sho").json()["results"]} == {
            "Shop"
        }
    made = client.post("/api/v1/connections/", {
        "name": "eu", "deployment_type": "kubernetes", "environment": "test", "owner_team": "Edge"})  # fmt: skip
    assert made.json()["owner_team"] == "Edge"
    assert client.get("/api/v1/connections/?owner_email=nobody").json()["results"] == []


def test_d43_a_new_team_is_in_the_history(world: None) -> None:
    clients.change_credential(Credential.objects.get(name="unset"), owner_team="Shop", by="root")
    record = ChangeRecord.objects.order_by("id").last()
    assert record is not None
    assert (record.verb, record.before, record.after) == ("change", {"owner_team": ""}, {"owner_team": "Shop"})
