"""One's own account in a real browser, under the strict policy: a second factor from set-up to removal."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from tests.browser.conftest import PASSWORD, Portal, Watched
from tests.browser.looks import DESK, PHONE, serious, too_wide
from tests.tokens.codes import code

pytestmark = pytest.mark.browser
LOOKS = [
    pytest.param(viewport, scheme, id=f"{name}-{scheme}")
    for name, viewport in (("desk", DESK), ("phone", PHONE))
    for scheme in ("light", "dark")
]
PAGE = "/admin/second-factor/"


def judged(page: Watched) -> list[str]:
    """What is wrong with the page that is open."""
    return [f"{page.url} {each}" for each in (*serious(page), *(["too wide"] if too_wide(page) else []))]


def first_step(page: Watched) -> None:
    page.open("/admin/login/?next=/admin/your-tokens/")
    page.fill("#id_username", "ada")
    page.fill("#id_password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/admin/login/code/**")


@pytest.mark.parametrize(("viewport", "scheme"), LOOKS)
def test_d38_a_second_factor_is_set_up_asked_for_replaced_by_paper_and_removed(
    portal: Portal, new_page: Callable[..., Watched], viewport: dict[str, int], scheme: str
) -> None:
    portal.person()
    page = new_page(viewport=viewport, color_scheme=scheme)
    page.sign_in()
    page.open(PAGE)
    wrong = judged(page)
    page.click("button[name=begin]")
    key = page.locator("#key").inner_text()
    picture = page.locator("svg.qr").bounding_box()
    assert picture is not None
    assert picture["width"] == picture["height"] >= 150
    wrong += judged(page)
    page.fill("#id_code", "000")
    page.keyboard.press("Enter")
    page.get_by_text("wrong, too old").wait_for()
    assert key not in page.content()
    wrong += judged(page)
    # The step that follows stays unused, for the login below.
    page.fill("#id_code", code(key))
    page.keyboard.press("Enter")
    page.locator(".recovery-codes").wait_for()
    codes = page.locator(".recovery-codes code").all_inner_texts()
    assert len(codes) == 10
    wrong += judged(page)
    page.get_by_role("link", name="I have kept them").click()
    page.get_by_text("10 recovery codes are unused").wait_for()
    wrong += judged(page)

    other = new_page(viewport=viewport, color_scheme=scheme)
    first_step(other)
    wrong += judged(other)
    other.fill("#id_code", "000")
    other.keyboard.press("Enter")
    other.get_by_text("wrong, too old").wait_for()
    other.fill("#id_code", code(key, datetime.now(UTC) + timedelta(seconds=30)))
    other.keyboard.press("Enter")
    other.wait_for_url("**/admin/your-tokens/")

    third = new_page(viewport=viewport, color_scheme=scheme)
    first_step(third)
    third.fill("#id_code", codes[0])
    third.keyboard.press("Enter")
    third.wait_for_url("**/admin/your-tokens/")
    third.open(PAGE)
    third.get_by_text("9 recovery codes are unused").wait_for()
    third.fill("#id_remove_password", PASSWORD)
    third.keyboard.press("Enter")
    third.locator("button[name=begin]").wait_for()
    assert wrong == []
    assert [*page.violations, *other.violations, *third.violations] == []


@pytest.mark.parametrize(("viewport", "scheme"), LOOKS)
def test_somebody_new_is_invited_and_sets_a_password_by_a_link_that_leaves_no_trace(
    portal: Portal, new_page: Callable[..., Watched], viewport: dict[str, int], scheme: str
) -> None:
    portal.person("root", superuser=True)
    page = new_page(viewport=viewport, color_scheme=scheme)
    page.sign_in("root")
    page.open("/admin/credentials/user/add/")
    page.fill("#id_username", "grace")
    page.check("#id_is_staff")
    wrong = judged(page)
    page.click(".submit-row [type=submit]")
    page.locator(".shown-once").wait_for()
    address = page.locator(".shown-once code").inner_text()
    wrong += judged(page)

    stranger = new_page(viewport=viewport, color_scheme=scheme)
    stranger.page.goto(address)
    stranger.locator("#id_password").wait_for()
    assert stranger.url == f"{portal.url}/admin/set-password/"
    assert not stranger.locator("#id_link").is_visible()
    wrong += judged(stranger)
    for password in ("short", "another horse battery"):
        stranger.fill("#id_password", password)
        stranger.fill("#id_again", password)
        stranger.keyboard.press("Enter")
        if password == "short":
            stranger.get_by_text("too short").wait_for()
            wrong += judged(stranger)
    stranger.get_by_text("Your password is set, grace").wait_for()
    stranger.sign_in("grace", "another horse battery")
    assert address.rpartition("#")[2] not in portal.log.read_text(errors="replace")
    assert wrong == []
    assert [*page.violations, *stranger.violations] == []
