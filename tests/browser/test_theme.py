"""Every screen of the admin under the strict policy: nothing refused, nothing foreign, nothing cut off, nothing that
axe calls serious; on a desk and on a phone, in light and in dark."""

from collections.abc import Callable, Iterator
from itertools import islice

import pytest
from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse

from proxies.adminkit import PortalAdmin, act_url
from tests import world as worlds
from tests.browser.conftest import Portal, Watched
from tests.browser.looks import DESK, PHONE, serious, too_wide
from tests.world import World
from tokens import signing

pytestmark = pytest.mark.browser
# What axe judges (colours, names, order) is seen in two of the four.
LOOKS = [
    pytest.param(DESK, "light", True, id="desk-light"),
    pytest.param(PHONE, "dark", True, id="phone-dark"),
    pytest.param(PHONE, "light", False, id="phone-light"),
    pytest.param(DESK, "dark", False, id="desk-dark"),
]


def filled(portal: Portal) -> World:
    world = worlds.build()
    signing.ensure(world.test, by="test")
    world.issue(world.credential("shop", world.billing), target="billing")
    world.issue(world.key_of(world.orders))
    portal.person("ada", superuser=True)
    return world


def every_address() -> Iterator[str]:
    """The list, the first thing, every act and the form for a new one, of every screen."""
    yield "/admin/"
    yield "/admin/password_change/"
    yield "/admin/second-factor/"
    for model, screen in admin.site._registry.items():
        opts = model._meta
        name = f"admin:{opts.app_label}_{opts.model_name}"
        yield reverse(f"{name}_changelist")
        if not isinstance(screen, PortalAdmin):
            continue
        if screen.add_act:
            yield reverse(f"{name}_add")
        subject = screen.get_queryset(HttpRequest()).first()
        if subject is not None:
            yield reverse(f"{name}_change", args=[subject.pk])
            # One plain act and one that asks for the name: the others are the same page with other fields.
            for kind in (False, True):
                named = [act.name for act in screen.acts if act.dangerous is kind]
                yield from (act_url(subject, name) for name in named[:1])


@pytest.mark.parametrize(("viewport", "scheme", "ask_axe"), LOOKS)
@pytest.mark.timeout(400)
def test_every_screen_keeps_the_policy_fits_and_satisfies_axe(
    portal: Portal, new_page: Callable[..., Watched], viewport: dict[str, int], scheme: str, ask_axe: bool
) -> None:
    filled(portal)
    page = new_page(viewport=viewport, color_scheme=scheme)
    page.open("/admin/login/")
    wrong = [f"/admin/login/ {each}" for each in serious(page)]
    page.sign_in()
    for address in every_address() if ask_axe else islice(every_address(), 14):
        page.open(address)
        if ask_axe:
            wrong += [f"{address} {each}" for each in serious(page)]
        if too_wide(page):
            wrong.append(f"{address} is wider than the window")
    assert wrong == []
    assert page.violations == []


def test_the_keyboard_alone_opens_the_menu_of_a_phone_and_goes_on(
    portal: Portal, new_page: Callable[..., Watched]
) -> None:
    filled(portal)
    page = new_page(viewport={"width": 390, "height": 844})
    page.sign_in()
    assert not page.locator("#portal-nav").is_visible()
    page.focus(".bar-menu")
    page.keyboard.press("Enter")
    page.locator("#portal-nav").wait_for(state="visible")
    page.keyboard.press("Escape")
    page.locator("#portal-nav").wait_for(state="hidden")
    page.keyboard.press("Enter")
    page.focus("#portal-nav a[href='/admin/proxies/apiproxy/']")
    page.keyboard.press("Enter")
    page.wait_for_url("**/admin/proxies/apiproxy/")
    assert page.violations == []


def test_times_are_in_the_zone_of_who_looks_with_utc_on_hover(portal: Portal, new_page: Callable[..., Watched]) -> None:
    filled(portal)
    page = new_page(timezone_id="Asia/Tokyo", locale="en-GB")
    page.sign_in()
    page.open("/admin/tokens/issuedtoken/")
    shown = page.locator("#result_list time").first
    assert shown.get_attribute("datetime") == "2026-01-01T12:00:00Z"
    assert shown.inner_text() == "1 Jan 2026, 21:00"
    assert (shown.get_attribute("title") or "").startswith("2026-01-01 12:00:00 UTC\n")
    assert page.violations == []


def test_a_value_is_copied_whole_and_the_button_says_so(portal: Portal, page: Watched) -> None:
    world = filled(portal)
    page.sign_in()
    page.open(act_url(world.credentials["shop"], "rotate"))
    page.click("input.default")
    row = page.locator("dl.shown-once > div").last
    row.get_by_role("button").click()
    row.get_by_text("Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == row.locator("code").inner_text()
    assert page.violations == []


def test_the_sidebar_stays_folded_on_the_next_page(portal: Portal, page: Watched) -> None:
    filled(portal)
    page.sign_in()
    page.click(".bar-fold")
    page.locator("#portal-nav").wait_for(state="hidden")
    page.open("/admin/proxies/apiproxy/")
    assert not page.locator("#portal-nav").is_visible()
    page.click(".bar-fold")
    page.locator("#portal-nav").wait_for(state="visible")
    assert page.violations == []
