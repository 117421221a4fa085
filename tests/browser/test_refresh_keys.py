"""A refresh key's whole life in a real browser and by REST: made, copied, listed, used, revoked, refused (S2, D30)."""

import json
from collections.abc import Callable

import pytest

from credentials.models import User
from proxies import catalogue
from tests.browser.conftest import Portal, Watched
from tokens.models import JwtRefreshKey

pytestmark = pytest.mark.browser
LIST = "/admin/tokens/jwtrefreshkey/"
MAY = ("view_jwtrefreshkey", "add_jwtrefreshkey", "change_jwtrefreshkey")


def call(portal: Portal, path: str, raw: str, agent: str = "curl/8.5") -> tuple[int, dict[str, str]]:
    status, _, body = portal.post(
        f"/api/auth/{path}", json.dumps({"refresh": raw}).encode(), Content_Type="application/json", User_Agent=agent
    )
    return status, json.loads(body)


def made(page: Watched, audience: str = "My tool", lifetime: str = "2592000") -> str:
    """By the + of the list: two fields, Save, and the value that is shown once, copied."""
    page.open(LIST)
    page.locator(".object-tools .addlink").click()
    page.fill("#id_audience", audience)
    page.select_option("#id_lifetime_0", lifetime)
    page.click(".submit-row [type=submit]")
    page.locator("dl.shown-once div").first.get_by_role("button", name="Copy").click()
    copied: str = page.evaluate("navigator.clipboard.readText()")
    assert copied == page.locator("dl.shown-once code").first.inner_text()
    return copied


@pytest.fixture
def ada(portal: Portal) -> User:
    catalogue.add_environment(name="Test", slug="test", by="test")
    user: User = portal.person("ada", *MAY)
    return user


def test_d30_a_key_is_made_copied_used_and_revoked(portal: Portal, page: Watched, ada: User) -> None:
    page.sign_in()
    raw = made(page)

    # It is in the list, live, never used; the value is nowhere any more.
    page.get_by_role("link", name="Back to the list").click()
    row = page.locator("#result_list tbody tr")
    assert "My tool" in row.inner_text()
    assert "Live" in row.inner_text()
    assert raw not in page.content()
    assert JwtRefreshKey.objects.get().last_used_at is None

    # It works by REST, and Last Used and Device Info move.
    assert call(portal, "refresh", raw)[0] == 200
    key = JwtRefreshKey.objects.get()
    assert key.last_used_at is not None
    page.open(LIST)
    assert "curl 8" in row.inner_text()

    # One click on Revoke, a reason, and from the next request on it is refused.
    row.get_by_role("link", name="Revoke").click()
    page.fill("#id_because", "the laptop is lost")
    page.click(".submit-row [type=submit]")
    assert "the laptop is lost" in page.content()
    status, told = call(portal, "refresh", raw)
    assert (status, told["error_code"]) == (400, "refresh_token_revoked")
    assert page.violations == []


def test_b45_hostile_devices_and_names_are_inert_and_break_no_policy(portal: Portal, page: Watched, ada: User) -> None:
    page.sign_in()
    raw = made(page, audience='"><script>document.title="owned"</script>')
    assert call(portal, "refresh", raw, agent="<img src=x onerror=alert(1)> " + "x" * 2_000)[0] == 200
    key = JwtRefreshKey.objects.get()

    for path in (LIST, f"{LIST}{key.pk}/change/", f"{LIST}{key.pk}/act/revoke/"):
        page.open(path)
        assert "owned" not in page.title()
    page.open(LIST)
    page.locator("input.action-select").first.check()
    page.select_option("select[name=action]", "revoke_selected")
    page.click("button[name=index]")
    assert "owned" not in page.title()
    assert page.violations == []


def test_many_keys_are_revoked_after_a_page_that_says_what_dies(portal: Portal, page: Watched, ada: User) -> None:
    page.sign_in()
    first, second = made(page), made(page, audience="Other tool", lifetime="86400")
    page.open(LIST)
    for box in page.locator("input.action-select").all():
        box.check()
    page.select_option("select[name=action]", "revoke_selected")
    page.click("button[name=index]")

    assert "Families that can still be refreshed" in page.inner_text("#impact")
    page.fill("#id_typed", "revoke 2")
    page.click(".submit-row [type=submit]")

    assert "2 keys revoked." in page.inner_text(".messagelist")
    for raw in (first, second):
        assert call(portal, "refresh", raw)[1]["error_code"] == "refresh_token_revoked"
    assert page.violations == []


def test_a_key_is_found_by_pasting_it(portal: Portal, page: Watched, ada: User) -> None:
    page.sign_in()
    raw = made(page)
    page.open(LIST)
    page.get_by_role("link", name="Find by token").click()
    page.fill("#id_token", raw)
    page.click(".submit-row [type=submit]")

    assert page.url.endswith(f"{LIST}{JwtRefreshKey.objects.get().pk}/change/")
    assert raw not in portal.log.read_text(errors="replace")
    assert page.violations == []


@pytest.mark.parametrize("width", [390, 1366])
def test_the_screen_fits_and_works_without_script(
    portal: Portal, new_page: Callable[..., Watched], ada: User, width: int
) -> None:
    page = new_page(viewport={"width": width, "height": 844}, java_script_enabled=False)
    page.sign_in()
    page.open(f"{LIST}add/")
    page.fill("#id_audience", "My tool")
    page.fill("#id_lifetime_1", "45 days")
    page.click(".submit-row [type=submit]")
    assert page.locator("dl.shown-once code").first.inner_text().count(".") == 2
    assert JwtRefreshKey.objects.get().lifetime_secs == 45 * 86400

    for path in (LIST, f"{LIST}{JwtRefreshKey.objects.get().pk}/change/", f"{LIST}add/", f"{LIST}find/"):
        page.open(path)
        box = page.locator("main, #main").first.bounding_box()
        assert box is None or box["width"] <= width
    assert page.violations == []
