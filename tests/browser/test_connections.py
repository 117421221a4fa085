"""A whole rotation in a real browser: nobody is cut off, and the old token is shown to be idle before it goes (S4)."""

import json
import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from credentials import rotation
from credentials.models import ConnectionConfiguration, ConnectionToken
from tests.browser.conftest import Portal, Watched
from tests.credentials.connections import active, environment, opened

pytestmark = pytest.mark.browser
BASE = "/admin/credentials/connectionconfiguration/"
EDITOR = (
    "view_connectionconfiguration",
    "add_connectionconfiguration",
    "change_connectionconfiguration",
    "change_connectiontoken",
    "reveal_connectiontoken",
)


def heartbeat(portal: Portal, raw: str, instance: str = "edge-1") -> int:
    body = json.dumps({"instance_id": instance, "deployment_type": "kubernetes", "version": "1.4.0"}).encode()
    status, headers, _ = portal.post(
        "/connect/heartbeat", body, Authorization=f"Bearer {raw}", Content_Type="application/json"
    )
    if status == 401:
        assert 'error="invalid_token"' in headers["WWW-Authenticate"]
    return status


def choose(page: Watched, token: int, act: str) -> None:
    row = page.locator(f"dialog tr[data-token='{token}'], .manage-tokens-page tr[data-token='{token}']").first
    row.locator("summary").click()
    row.get_by_role("button", name=act, exact=True).click()


def clipboard(page: Watched) -> str:
    text: str = page.evaluate("navigator.clipboard.readText()")
    return text


def test_a_whole_rotation_without_an_outage(portal: Portal, page: Watched) -> None:
    place = environment()
    portal.person("ada", *EDITOR)
    page.sign_in()

    # Open: the first token is on the page that answers.
    page.open(f"{BASE}add/")
    page.fill("#id_name", "EU edge")
    page.select_option("#id_deployment_type", "kubernetes")
    page.select_option("#id_environment", str(place.pk))
    page.click("[type=submit].default")
    shown = page.inner_text("dl.shown-once code")
    configuration = ConnectionConfiguration.objects.get()
    (old_key,) = active(configuration)

    # Copy it again from the dialog, and report with it.
    page.open(BASE)
    page.click("a[data-dialog]")
    page.locator("dialog h1").wait_for()
    assert page.get_by_role("button", name="Revoke", exact=True).count() == 0  # in a closed menu
    choose(page, old_key, "Copy")
    page.get_by_text("Copied to the clipboard.").wait_for()
    old = clipboard(page)
    assert old == shown
    assert heartbeat(portal, old) == 200

    # Generate: two active ones, and the dialog says what to do next.
    page.click("dialog button[value=generate]")
    page.get_by_text("Register it on all instances, then revoke the old one.").wait_for()
    assert page.is_disabled("dialog button[value=generate]")
    assert "Two tokens are active, which is the limit." in page.inner_text("dialog")
    new = page.inner_text("#manage-tokens-value")
    new_key = max(active(configuration))
    assert heartbeat(portal, new, "edge-2") == 200
    assert heartbeat(portal, old) == 200

    # The old one shows when and by whom it was used last: revoking it asks, and asks again.
    with page.expect_navigation():  # the list behind shows what the dialog has changed
        page.keyboard.press("Escape")
    assert "2 of 2" in page.inner_text("#result_list")
    page.open(f"{BASE}{configuration.pk}/change/?tab=instances")
    assert "edge-2" in page.inner_text(".connection-table")
    page.click("a[data-dialog]")
    used = page.locator(f"dialog tr[data-token='{old_key}'] .manage-tokens-used")
    assert re.search(r"last used \d+\sminutes? ago\s*edge-1 . 127\.0\.0\.1", used.inner_text())
    choose(page, old_key, "Revoke")
    page.fill("#manage-tokens-because", "rotated")
    page.get_by_role("button", name="Yes, revoke it").click()
    page.get_by_text("used within the last hour by instance edge-1 at 127.0.0.1").wait_for()
    assert len(active(configuration)) == 2
    page.get_by_role("button", name="Revoke it all the same").click()
    page.get_by_text(f"Token {old_key} is revoked.").wait_for()
    assert "Revoked by a user: rotated" in page.inner_text("dialog")

    # Its heartbeat is refused, the new one's is not, and the refusal is to be seen.
    assert heartbeat(portal, old) == 401
    assert heartbeat(portal, new, "edge-2") == 200
    page.open(BASE)
    assert "The token is revoked: edge-1" in page.inner_text("#result_list")

    # The sole one cannot be revoked, also by a forged POST with everything confirmed.
    page.click("a[data-dialog]")
    page.locator(f"dialog tr[data-token='{new_key}'] summary").click()
    assert page.is_disabled(f"dialog tr[data-token='{new_key}'] button[value=revoke]")
    assert "The only active token cannot be revoked." in page.inner_text("dialog")
    forged = page.evaluate(
        """async ([address, token]) => {
            const form = new FormData(document.querySelector("dialog form"));
            for (const [name, value] of Object.entries({act: "revoke", token, confirmed: "on", even_if_in_use: "on"}))
                form.set(name, value);
            return (await fetch(address, {method: "POST", body: form})).status;
        }""",
        [f"{BASE}{configuration.pk}/tokens/", new_key],
    )
    assert forged == 409
    assert active(configuration) == [new_key]
    assert heartbeat(portal, new) == 200
    assert page.violations == []


def test_the_same_address_is_a_page_that_works_without_script(portal: Portal, new_page: Callable[..., Watched]) -> None:
    made = opened(at=timezone.now() - timedelta(days=400))
    portal.person("ada", *EDITOR)
    page = new_page(java_script_enabled=False)
    page.sign_in()

    page.open(BASE)
    assert "rotation overdue" in page.inner_text("#result_list").lower()
    page.click("a[data-dialog]")
    assert page.url.endswith("/tokens/")
    choose(page, made.token.pk, "Show")
    assert page.inner_text("#manage-tokens-value") == made.raw
    page.click("button[value=generate]")
    assert "2 of 2 active tokens" in page.inner_text("#content")
    choose(page, made.token.pk, "Revoke")
    page.get_by_role("button", name="Yes, revoke it").click()

    assert made.token.pk not in active(made.token.configuration)
    assert "rotation overdue" not in page.inner_text("#content").lower()
    assert page.violations == []


def test_replace_now_in_the_dialog_and_cancelling_first(portal: Portal, page: Watched) -> None:
    made = opened(at=timezone.now())
    portal.person("ada", *EDITOR)
    page.sign_in()
    page.open(f"{BASE}{made.token.configuration_id}/change/")
    page.click("a[data-dialog]")

    choose(page, made.token.pk, "Replace now")
    page.locator("dialog a[data-refresh]").click()
    page.locator(".manage-tokens-question").wait_for(state="detached")
    assert active(made.token.configuration) == [made.token.pk]
    choose(page, made.token.pk, "Replace now")
    page.get_by_role("button", name="Yes, replace it now").click()
    page.get_by_text("Register the new one on all instances now.").wait_for()

    new = ConnectionToken.objects.latest("pk")
    assert page.inner_text("#manage-tokens-value") == rotation.reveal(new, by="")
    assert heartbeat(portal, made.raw) == 401
    assert page.violations == []


def test_who_may_not_reveal_is_told_so_and_the_keyboard_is_enough(portal: Portal, page: Watched) -> None:
    made = opened(at=timezone.now())
    portal.person("ada", *EDITOR[:4])
    page.sign_in()
    page.open(BASE)

    page.focus("a[data-dialog]")
    page.keyboard.press("Enter")
    page.locator("dialog h1").wait_for()
    page.focus("dialog summary")
    page.keyboard.press("Enter")
    assert "Show and Copy need a permission of their own." in page.inner_text("dialog")
    page.keyboard.press("Escape")
    page.locator("dialog").wait_for(state="detached")

    assert page.locator("a[data-dialog]").count() == 1
    assert made.raw not in page.content()
    assert page.violations == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_dialog_fits_a_phone_in_light_and_dark(
    portal: Portal, new_page: Callable[..., Watched], scheme: str
) -> None:
    made = opened(at=timezone.now())
    rotation.generate(made.token.configuration, by="ada")
    portal.person("ada", *EDITOR)
    page = new_page(viewport={"width": 390, "height": 800}, color_scheme=scheme)
    page.sign_in()
    page.open(f"{BASE}{made.token.configuration_id}/change/")
    page.click("a[data-dialog]")
    page.locator("dialog h1").wait_for()

    box = page.locator("dialog").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    assert page.evaluate("document.querySelector('dialog').scrollWidth <= document.querySelector('dialog').clientWidth")
    assert page.violations == []
