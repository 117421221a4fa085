"""What is judged on every page of a walk: its width, axe, in each of the four looks."""

from typing import Any

from axe_playwright_python.sync_playwright import Axe

from tests.browser.conftest import Watched

DESK, PHONE = {"width": 1366, "height": 860}, {"width": 390, "height": 844}
STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


def serious(page: Watched) -> list[str]:
    """What axe finds; the marks that it puts on the page itself breach the policy and are not counted."""
    before = list(page.violations)
    found: Any = Axe().run(page.page, options={"runOnly": STANDARDS})
    page.violations[:] = before
    return [
        f"{breach['id']}: {breach['nodes'][0]['html'][:200]} {breach['nodes'][0]['failureSummary'][:200]}"
        for breach in found.response["violations"]
        if breach["impact"] in ("serious", "critical")
    ]


def too_wide(page: Watched) -> bool:
    """Whether the window has to be scrolled sideways."""
    wide: bool = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    return wide


def wrong_in_any_look(page: Watched) -> list[str]:
    """What is wrong with the page as it stands, on a desk and a phone, in light and in dark; it is put back after."""
    before = page.viewport_size
    wrong = []
    for size in (DESK, PHONE):
        page.set_viewport_size(size)
        if too_wide(page):
            wrong.append(f"{page.url} is wider than {size['width']}")
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            wrong += [f"{page.url} {size['width']} {scheme} {each}" for each in serious(page)]
    page.emulate_media(color_scheme=None, reduced_motion="reduce")
    page.set_viewport_size(before)
    return wrong


def tab_to(page: Watched, selector: str, *, most: int = 120) -> None:
    """Press Tab until the thing is focused, as somebody without a mouse does."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement?.matches(selector) ?? false", selector):
            return
    raise AssertionError(f"{selector} is not reached by {most} tabs on {page.url}")
