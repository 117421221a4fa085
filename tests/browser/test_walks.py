"""Each flow of the admin walked in a browser under the strict policy, on a desk and on a phone; what stands on the way
is judged in light and dark by axe and by its width. One portal for all: each walk makes what it needs."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone

from proxies import catalogue, deployment
from proxies.models import ApiProxy, Deployment
from tests import world as worlds
from tests.browser.conftest import Portal, Watched
from tests.browser.looks import DESK, PHONE, tab_to, wrong_in_any_look
from tests.world import START, World
from tokens import figures, rollups
from tokens.lifecycle import Client
from tokens.models import IssuedToken, TokenPolicy
from tokens.roles import VIEWER

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]
YOUR_TOKENS = "/admin/your-tokens/"
SIZES = [pytest.param(DESK, id="desk"), pytest.param(PHONE, id="phone")]


@pytest.fixture(scope="module")
def world(shared_portal: Portal) -> World:
    """Proxies with live tokens, a viewer and an administrator, counted for the dashboard."""
    made = worlds.build()
    made.policy(made.orders, access=86_400, refresh=86_400, count=3)
    for _ in range(3):
        made.issue(made.key_of(made.orders), at=now())
    shared_portal.person("ada", superuser=True)
    shared_portal.person("vera").groups.add(Group.objects.get(name=VIEWER))
    rollups.roll_up()
    figures.take()
    return made


@pytest.fixture
def portal(shared_portal: Portal, world: World) -> Portal:
    """The one of the module; `new_page` works before it."""
    return shared_portal


@pytest.fixture(params=SIZES)
def page(request: pytest.FixtureRequest, new_page: Callable[..., Watched]) -> Iterator[Watched]:
    """A page of either size, which nothing has breached when the walk is over."""
    made = new_page(viewport=request.param, accept_downloads=True, reduced_motion="reduce")
    yield made
    assert made.violations == []


def now() -> float:
    """Seconds of the world's own time."""
    return (timezone.now() - START).total_seconds()


def fresh_proxy(world: World, name: str) -> tuple[ApiProxy, Client]:
    """A proxy of this walk alone, deployed, with a key and a policy whose tokens live for a day."""
    slug = f"{name}-{ApiProxy.objects.count()}"
    proxy = catalogue.add_proxy(name=slug.title(), slug=slug, by="test")
    world.put_to_work(proxy)
    world.policy(proxy, access=86_400, refresh=86_400, count=3)
    return proxy, world.key_of(proxy)


def submit(page: Watched) -> None:
    page.click(".submit-row [type=submit]")


def test_the_dashboards_numbers_lead_to_the_lists_they_count(page: Watched) -> None:
    page.sign_in()
    wrong = wrong_in_any_look(page)
    assert page.locator("svg.chart title").count() >= 24
    page.locator("details.chart-table summary").first.click()
    assert page.locator("details.chart-table table").first.is_visible()
    card = page.locator("a.kpi", has_text="Live access tokens")
    shown = int(card.locator(".kpi-number").inner_text().replace(",", ""))
    assert shown >= 3
    card.click()
    page.wait_for_url("**/admin/tokens/issuedtoken/**")
    assert page.locator("#result_list tbody tr").count() >= shown
    assert wrong == []


def test_the_log_is_filtered_and_exported(page: Watched, world: World) -> None:
    page.sign_in()
    page.open("/admin/tokens/tokenrequestlog/")
    wrong = wrong_in_any_look(page)
    page.click(".list-filters > summary")
    page.locator("#changelist-filter").get_by_role("link", name="Granted").click()
    page.locator(".chip").first.wait_for()
    rows = page.locator("#result_list tbody tr")
    assert rows.count() >= 3
    assert all("Granted" in row for row in rows.all_inner_texts())
    with page.expect_download() as waited:
        page.get_by_role("link", name="CSV").click()
    written = Path(waited.value.path()).read_text()
    assert waited.value.suggested_filename.endswith(".csv")
    assert written.count("granted") >= 3
    assert "refused" not in written
    page.locator("#result_list tbody tr a").first.click()
    assert page.locator(".object-tools .dangerous").count() == 0
    assert [*wrong, *wrong_in_any_look(page)] == []


def test_i22_a_viewer_sees_everything_and_no_act(page: Watched, world: World) -> None:
    page.sign_in("vera")
    place = Deployment.objects.get(proxy=world.orders, environment=world.test)
    for path in (
        "/admin/proxies/apiproxy/",
        f"/admin/proxies/apiproxy/{world.orders.pk}/change/",
        f"/admin/credentials/credential/{world.credentials['orders'].pk}/change/?tab=tokens",
        "/admin/tokens/issuedtoken/",
        "/admin/tokens/tokenpolicy/",
    ):
        page.open(path)
        acts = page.locator("#content a[href*='/act/'], #content .addlink, #content select[name=action]")
        assert [act.evaluate("act => act.outerHTML") for act in acts.all() if act.is_visible()] == []
    page.open(f"/admin/proxies/deployment/{place.pk}/act/undeploy/")
    assert "403" in page.inner_text("body") or page.locator("#id_typed_name").count() == 0
    page.open("/admin/tokens/tokenrequestlog/")
    assert page.locator("#result_list").count() == 0


def test_many_tokens_are_revoked_at_once_after_a_page_that_says_what_dies(page: Watched, world: World) -> None:
    proxy, client = fresh_proxy(world, "bulk")
    for _ in range(4):
        world.issue(client, at=now())
    page.sign_in()
    page.open(f"/admin/tokens/issuedtoken/?client={client.client_id}")
    boxes = page.locator("input.action-select")
    assert boxes.count() == 4
    for box in boxes.all()[:3]:
        box.check()
    page.select_option("select[name=action]", "revoke_selected")
    page.click("button[name=index]")
    assert "Live OAuth2 (opaque) tokens" in page.inner_text("#impact")
    wrong = wrong_in_any_look(page)
    page.fill("#id_typed", "revoke 2")
    submit(page)
    assert IssuedToken.objects.filter(family__proxy=proxy, revoked_at=None).count() == 4
    page.fill("#id_typed", "revoke 3")
    submit(page)
    page.locator(".messagelist").wait_for()
    assert IssuedToken.objects.filter(family__proxy=proxy, revoked_at=None).count() == 1
    assert wrong == []


def test_a_personal_access_token_is_made_shown_once_used_and_revoked(page: Watched, portal: Portal) -> None:
    page.sign_in()
    page.open(YOUR_TOKENS)
    wrong = wrong_in_any_look(page)
    page.fill("#id_name", f"script {page.viewport_size['width']}")
    page.locator("input[name=scopes]").first.check()
    page.locator("[type=submit].default").click()
    raw = page.locator("dl.shown-once code").last.inner_text()
    assert raw.startswith("lk_pt_")
    wrong += wrong_in_any_look(page)

    def asked() -> int:
        answer = page.request.get(f"{portal.url}/api/v1/proxies/", headers={"Authorization": f"Bearer {raw}"})
        return int(answer.status)

    assert asked() == 200
    page.open(YOUR_TOKENS)
    assert raw not in page.content()
    page.locator("tr", has_text=f"script {page.viewport_size['width']}").get_by_role("button").click()
    assert asked() == 401
    assert raw not in portal.log.read_text(errors="replace")
    assert wrong == []


def test_d12_undeploying_shows_what_dies_wants_the_name_and_is_in_the_history(page: Watched, world: World) -> None:
    proxy, client = fresh_proxy(world, "impact")
    token = world.issue(client, at=now())
    page.sign_in()
    page.open(f"/admin/proxies/apiproxy/{proxy.pk}/change/")
    wrong = wrong_in_any_look(page)
    page.locator("#places tr", has_text="Test").get_by_role("link", name="Undeploy").click()
    assert "Live OAuth2 (opaque) tokens in Test" in page.inner_text("#impact")
    assert "Milder" in page.inner_text("#impact")
    wrong += wrong_in_any_look(page)
    page.fill("#id_note", "moved away")
    page.fill("#id_typed_name", "something else")
    submit(page)
    assert "not the exact name" in page.inner_text("#content")
    assert world.good(token, proxy, at=now())
    page.fill("#id_typed_name", f"{proxy} in Test")
    submit(page)
    assert "have ended, for good" in page.inner_text(".messagelist")
    assert not world.good(token, proxy, at=now())
    page.open(f"/admin/proxies/apiproxy/{proxy.pk}/change/")
    assert "moved away" in page.inner_text("table.changes")
    page.locator("#places tr", has_text="Test").get_by_role("link", name="Deploy").click()
    submit(page)
    assert Deployment.objects.filter(proxy=proxy, undeployed_at=None).count() == 2
    assert wrong == []


def test_why_a_token_was_refused_is_told_and_the_token_is_kept_nowhere(
    page: Watched, world: World, portal: Portal
) -> None:
    proxy, client = fresh_proxy(world, "why")
    token = world.issue(client, at=now()).access_token
    deployment.undeploy(proxy, world.test, by="grace", note="the wrong place")
    page.sign_in()
    page.open("/admin/explain/")
    page.fill("#id_token", token)
    page.select_option("#id_proxy", proxy.slug)
    submit(page)
    told = page.inner_text("#explanation")
    assert "✗" in told
    assert "grace" in told
    assert "the wrong place" in told
    assert token not in page.content()
    assert token not in page.url
    assert token not in portal.log.read_text(errors="replace")
    assert wrong_in_any_look(page) == []


def test_a_policy_starts_from_a_preset_and_its_picture_follows_what_is_typed(page: Watched, world: World) -> None:
    proxy, _ = fresh_proxy(world, "terms")
    policy = TokenPolicy.objects.get(proxy=proxy)
    page.sign_in()
    page.open(f"/admin/tokens/tokenpolicy/{policy.pk}/act/change/")
    page.locator(".presets").get_by_role("link").nth(1).click()
    assert "= 540 s" in page.inner_text("#lifetime")
    wrong = wrong_in_any_look(page)
    page.fill("#id_refresh_token_lifetime_secs", "60")
    page.get_by_text("= 180 s").wait_for()
    assert page.input_value("#id_refresh_token_lifetime_secs") == "60"
    page.locator("#lifetime summary").click()
    assert "180" in page.inner_text("#lifetime table")
    page.click("button[name=preview]")
    assert "= 180 s" in page.inner_text("#lifetime")
    policy.refresh_from_db()
    assert policy.refresh_token_lifetime_secs == 86_400
    submit(page)
    policy.refresh_from_db()
    assert (policy.access_token_lifetime_secs, policy.refresh_token_lifetime_secs, policy.refresh_count) == (60, 60, 3)
    assert "does not outlive the access token" in page.inner_text(".messagelist")
    assert [*wrong, *wrong_in_any_look(page)] == []


def test_anything_is_found_also_a_pasted_token_that_stays_nowhere(page: Watched, world: World, portal: Portal) -> None:
    proxy, client = fresh_proxy(world, "sought")
    token = world.issue(client, at=now()).access_token
    page.sign_in()
    page.open("/admin/find/")
    wrong = wrong_in_any_look(page)
    page.fill("#portal-find", proxy.slug)
    page.press("#portal-find", "Enter")
    page.locator(".found").first.wait_for()
    assert {"API proxies", "Credentials"} <= set(page.locator(".found h2").all_inner_texts())
    wrong += wrong_in_any_look(page)
    page.locator(".found a").first.click()
    assert page.inner_text("h1") == str(proxy)
    page.open("/admin/find/")
    page.fill("#portal-find", token)
    page.press("#portal-find", "Enter")
    page.wait_for_url("**/admin/tokens/issuedtoken/*/change/")
    assert token not in page.content()
    assert token not in portal.log.read_text(errors="replace")
    assert wrong == []


def test_the_keyboard_alone_finds_a_proxy_and_undeploys_it(page: Watched, world: World) -> None:
    proxy, client = fresh_proxy(world, "keys")
    token = world.issue(client, at=now())
    desk = page.viewport_size["width"] > 900
    page.open("/admin/login/?next=/admin/")
    page.keyboard.type("ada")
    tab_to(page, "#id_password")
    page.keyboard.type("correct horse battery staple")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{page.portal.url}/admin/")
    if desk:
        page.keyboard.press("/")
    else:
        tab_to(page, ".bar-find-link")
        page.keyboard.press("Enter")
        page.wait_for_url("**/admin/find/")
    assert page.evaluate("document.activeElement.id") == "portal-find"
    page.keyboard.type(proxy.slug)
    page.keyboard.press("Enter")
    page.locator(".found").first.wait_for()
    tab_to(page, ".found a")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/admin/proxies/apiproxy/{proxy.pk}/change/")
    place = Deployment.objects.get(proxy=proxy, environment=world.test)
    tab_to(page, f"a[href$='/deployment/{place.pk}/act/undeploy/']")
    page.keyboard.press("Enter")
    page.locator("#id_typed_name").wait_for()
    tab_to(page, "#id_note")
    page.keyboard.type("by keyboard")
    tab_to(page, "#id_typed_name")
    page.keyboard.type(f"{proxy} in Test")
    page.keyboard.press("Enter")
    page.locator(".messagelist").wait_for()
    assert not world.good(token, proxy, at=now())
