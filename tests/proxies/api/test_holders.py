"""REST of proxies and groups: deploy, undeploy with its impact, mode, archive, members, path rules."""

import pytest

from proxies.models import ApiProxy, ChangeRecord, Deployment, ProxyGroup
from tests.api import issued, opens, problem

pytestmark = pytest.mark.django_db
PROXIES, GROUPS = "/api/v1/proxies/", "/api/v1/groups/"
ORDERS, COMMERCE = f"{PROXIES}orders/", f"{GROUPS}commerce/"
ANY = {"If-Match": "*"}


def test_d43_a_proxy_is_added_with_a_permanent_slug_and_audience(editor, world, settings):
    answer = editor.post(PROXIES, {"name": "Mail", "slug": "mail", "scopes": "read  send", "mode": "credentials"})

    assert answer.status_code == 201
    found = answer.json()
    assert (found["audience"], found["scopes"]) == (f"{settings.PUBLIC_URL}/apis/mail", "read send")
    assert (found["mode"], found["deployments"], found["groups"]) == ("credentials", [], [])
    assert problem(editor.post(PROXIES, {"name": "Mail", "slug": "mail"})) == (409, "name_taken")
    for field in ("slug", "audience", "mode", "archived_at", "id"):
        assert field in editor.patch(f"{PROXIES}mail/", {field: "x"}, headers=ANY).json()["errors"]


def test_odd_values_are_400(editor, world):
    for more in [{"audience": "not absolute"}, {"scopes": 'a "b"'}, {"owner_email": "x"}, {"required_match": "some"}]:
        assert problem(editor.post(PROXIES, {"name": "Mail", "slug": "mail", **more}))[0] == 400
        assert not ApiProxy.objects.filter(slug="mail").exists()


def test_a_proxy_is_shown_with_its_deployments_and_groups(editor, world):
    found = editor.get(ORDERS).json()
    assert [placed["environment"] for placed in found["deployments"]] == ["test", "live"]
    assert found["groups"] == ["commerce"]
    changed = editor.patch(ORDERS, {"required_scopes": "read", "accept_token_in_url": True}, headers=ANY)
    assert (changed.json()["required_scopes"], changed.json()["accept_token_in_url"]) == ("read", True)


@pytest.mark.parametrize("url", [ORDERS, COMMERCE])
def test_s0_29_undeploying_tells_what_ends_asks_for_the_name_and_ends_it(editor, world, url):
    holder = world.orders if url == ORDERS else world.commerce
    token = issued(world.key_of(holder))
    body = {"environment": "test", "note": "retired"}

    told = editor.post(f"{url}undeploy/?dry_run=true", body)
    asked = editor.post(f"{url}undeploy/", body)

    assert told.json()["confirm"] == holder.name
    lines = {line["label"]: line["count"] for line in told.json()["impact"]}
    assert lines["Live OAuth2 (opaque) tokens in Test"] == 1
    assert problem(asked) == (428, "confirmation_missing")
    assert opens(token)

    done = editor.post(f"{url}undeploy/", {**body, "confirm": holder.name})

    assert (done.status_code, done.json()["environment"], done.json()["generation"]) == (200, "test", 2)
    assert not opens(token)
    record = ChangeRecord.objects.get(verb="undeploy")
    assert (record.actor, record.note, record.environment) == ("ada", "retired", "test")
    assert problem(editor.post(f"{url}undeploy/", {**body, "confirm": holder.name})) == (409, "not_deployed")
    assert problem(editor.post(f"{url}undeploy/?dry_run=1", body)) == (409, "not_deployed")


def test_d11_deploying_again_revives_nothing(editor, world):
    token = issued(world.key_of(world.orders))
    editor.post(f"{ORDERS}undeploy/", {"environment": "test", "confirm": "Orders"})

    again = editor.post(f"{ORDERS}deploy/", {"environment": "test"})

    assert (again.status_code, again.json()["undeployed_at"]) == (200, None)
    assert not opens(token)


def test_odd_places_are_400_and_nothing_is_deployed(editor, world):
    for body in [
        {},
        {"environment": "nowhere"},
        {"environment": None},
        {"environment": ["test"]},
        {"environment": {"slug": "test"}},
        {"environment": "te\u0000st"},
        {"environment": "test", "generation": 9},
        {"environment": "x" * 256},
        ["test"],
        7,
    ]:
        before = list(Deployment.objects.values())
        for act in ("deploy", "undeploy"):
            assert problem(editor.post(f"{ORDERS}{act}/", body))[0] == 400
        assert list(Deployment.objects.values()) == before


def test_an_odd_dry_run_does_nothing(editor, world):
    for value in ["yes", "2", "true;", "%00", "1&dry_run=0"]:
        answer = editor.post(f"{ORDERS}undeploy/?dry_run={value}", {"environment": "test", "confirm": "Orders"})
        assert problem(answer)[0] == 400
        assert Deployment.objects.filter(undeployed_at=None).count() == 6


def test_d26_the_mode_is_switched_with_the_name(editor, world):
    assert editor.post(f"{ORDERS}set-mode/", {"mode": "credentials"}).status_code == 428
    done = editor.post(f"{ORDERS}set-mode/", {"mode": "credentials", "confirm": "Orders"})
    assert done.json()["mode"] == "credentials"


def test_d43_archived_is_for_good(editor, world):
    editor.post(f"{ORDERS}archive/", {"confirm": "Orders", "note": "old"})

    assert ApiProxy.objects.get(slug="orders").archived_at is not None
    assert not Deployment.objects.filter(proxy=world.orders, undeployed_at=None).exists()
    for act, body in (("deploy/", {"environment": "test"}), ("archive/", {"confirm": "Orders"})):
        assert problem(editor.post(f"{ORDERS}{act}", body)) == (409, "archived")
    assert problem(editor.patch(ORDERS, {"name": "x"}, headers=ANY)) == (409, "archived")
    assert [each["slug"] for each in editor.get(PROXIES, {"archived": "false"}).json()["results"]] == ["billing"]
    assert [each["slug"] for each in editor.get(PROXIES, {"archived": "1"}).json()["results"]] == ["orders"]
    assert problem(editor.get(PROXIES, {"archived": "perhaps"}))[0] == 400


def test_d14_members_come_and_go(editor, world):
    made = editor.post(GROUPS, {"name": "Solo", "slug": "solo", "members": ["orders"]})
    assert made.json()["members"] == ["orders"]
    assert editor.post(f"{GROUPS}solo/add-member/", {"proxy": "billing"}).json()["members"] == ["billing", "orders"]
    token = issued(world.key_of(world.commerce))
    assert opens(token)

    asked = editor.post(f"{COMMERCE}remove-member/", {"proxy": "orders"})
    done = editor.post(f"{COMMERCE}remove-member/", {"proxy": "orders", "confirm": "Commerce"})

    assert (asked.status_code, done.json()["members"]) == (428, ["billing"])
    assert not opens(token)
    assert [each["slug"] for each in editor.get(GROUPS, {"member": "orders"}).json()["results"]] == ["solo"]
    assert [each["slug"] for each in editor.get(PROXIES, {"group": "commerce"}).json()["results"]] == ["billing"]


def test_a_group_of_unknown_members_is_400_and_not_made(editor, world):
    answer = editor.post(GROUPS, {"name": "Solo", "slug": "solo", "members": ["orders", "nothing"]})
    assert problem(answer)[0] == 400
    assert not ProxyGroup.objects.filter(slug="solo").exists()


def test_s0_2_path_rules_are_replaced_at_a_version(editor, world):
    url = f"{ORDERS}path-rules/"
    rule = {"method": "get", "pattern": "/invoices/*", "scopes": "read"}
    first = editor.get(url)
    assert first.json() == {"rules": []}

    assert editor.put(url, {"rules": [rule]}).status_code == 428
    done = editor.put(url, {"rules": [rule]}, headers={"If-Match": first.headers["ETag"]})

    assert done.json() == {"rules": [{"method": "GET", "pattern": "/invoices/*", "scopes": "read", "match": "all"}]}
    assert editor.put(url, {"rules": []}, headers={"If-Match": first.headers["ETag"]}).status_code == 412
    assert problem(editor.put(url, {"rules": [rule, rule]}, headers=ANY)) == (409, "name_taken")
    for odd in (
        {"rules": [{**rule, "pattern": "x"}]},
        {"rules": [{**rule, "id": 1}]},
        {"rules": "x"},
        {"rules": [7]},
        {},
    ):
        assert problem(editor.put(url, odd, headers=ANY))[0] == 400, odd
    assert editor.get(url).json() == done.json()


def test_deployments_and_the_history_are_listed(editor, world):
    editor.post(f"{ORDERS}undeploy/", {"environment": "test", "confirm": "Orders"})

    def placed(**query: str) -> list[tuple[str | None, str | None, str]]:
        found = editor.get("/api/v1/deployments/", query).json()["results"]
        return [(each["proxy"], each["group"], each["environment"]) for each in found]

    assert placed(proxy="orders", undeployed="false") == [("orders", None, "live")]
    assert placed(group="commerce", environment="test") == [(None, "commerce", "test")]
    changes = editor.get("/api/v1/changes/", {"actor": "ada"}).json()["results"]
    assert [(each["verb"], each["subject_name"]) for each in changes] == [("undeploy", "Orders")]
    for query in ("since=yesterday", "since=9999-12-31T23:59:59-14:00", "subject_id=1e999999", "subject_id=-1"):
        assert problem(editor.get(f"/api/v1/changes/?{query}"))[0] == 400, query
    assert editor.get("/api/v1/changes/?since=2026-01-01T12:00:00Z&until=2026-01-01T12:00:01Z").json()["results"]
