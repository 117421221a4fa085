"""/api/docs/: under the strict policy, asking nobody else, on a desk and on a phone, in light and in dark (R42)."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Route

from tests.browser.conftest import Portal, Watched
from tests.browser.looks import DESK, PHONE, serious, too_wide

pytestmark = pytest.mark.browser
# One of each method, a dangerous one among them, opened to the bottom.
OPENED = ("proxies_list", "proxies_partial_update", "proxies_set_path_rules", "proxies_undeploy")


def only_proxies(route: Route) -> None:
    """The document's part about proxies: the page draws a long one by and by, and takes away what is out of sight."""
    answer = route.fetch(url=f"{route.request.url}?format=json")
    document = answer.json()
    document["paths"] = {path: told for path, told in document["paths"].items() if path.startswith("/api/v1/proxies/")}
    route.fulfill(response=answer, json=document)


def reached(page: Watched, name: str) -> None:
    """Scrolls to an operation: a long document is drawn as far as somebody has scrolled."""
    wanted = page.locator(f"[id$={name}] .opblock-summary-control").first
    page.evaluate("window.scrollTo(0, 0)")
    for _ in range(100):
        if wanted.count():
            break
        page.evaluate("window.scrollBy(0, 400)")
        page.wait_for_timeout(100)
    wanted.click()


@pytest.mark.parametrize(
    ("viewport", "scheme"), [pytest.param(DESK, "light", id="desk-light"), pytest.param(PHONE, "dark", id="phone-dark")]
)
@pytest.mark.timeout(240)
def test_the_page_of_the_api_keeps_the_policy_fits_and_satisfies_axe(
    portal: Portal, new_page: Callable[..., Watched], viewport: dict[str, int], scheme: str
) -> None:
    portal.person("ada", superuser=True)
    page = new_page(viewport=viewport, color_scheme=scheme)
    page.sign_in()
    page.route("**/api/schema/**", only_proxies)
    page.open("/api/docs/")
    page.locator(".opblock").first.wait_for()
    for name in OPENED:
        reached(page, name)
        page.locator(f"[id$={name}] .opblock-body .responses-inner").first.wait_for()
    page.locator("[id$=proxies_undeploy] .try-out__btn").click()
    page.locator("[id$=proxies_undeploy] .execute").wait_for()

    assert serious(page) == []
    assert not too_wide(page)
    assert page.locator("html.dark-mode").count() == (scheme == "dark")
    assert page.violations == []


def test_what_is_tried_out_is_done_with_the_session_and_its_form_token(
    portal: Portal, new_page: Callable[..., Watched]
) -> None:
    portal.person("ada", superuser=True)
    page = new_page()
    page.sign_in()
    page.open("/api/docs/")
    page.locator(".opblock").first.wait_for()
    reached(page, "environments_create")
    page.locator("[id$=environments_create] .try-out__btn").click()
    page.locator("[id$=environments_create] textarea").fill('{"name": "Test", "slug": "test"}')
    page.locator("[id$=environments_create] .execute").click()
    answer = page.locator("[id$=environments_create] .live-responses-table .response-col_status").last
    answer.wait_for()
    assert answer.inner_text().split()[0] == "201"
    assert page.violations == []
