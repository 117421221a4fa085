"""Screens of proxies: what every call needs, by method and path, and whether a token may come by URL (S0.2, D22)."""

from typing import Any

import pytest
from django.test import Client as Browser

from credentials.models import User
from proxies.adminkit import act_url
from proxies.models import PathRule
from tests import world as worlds
from tests.world import World


@pytest.fixture
def world(db: None) -> World:
    return worlds.build()


@pytest.fixture
def browser(world: World) -> Browser:
    found = Browser()
    found.force_login(User.objects.create_superuser("root", password="a long password"))
    return found


def values(browser: Browser, url: str) -> dict[str, Any]:
    """What the form of an act shows at first."""
    initial: dict[str, Any] = browser.get(url).context["form"].initial
    return initial


def test_s0_2_path_rules_are_written_one_a_line_and_shown_again_as_written(world: World, browser: Browser) -> None:
    url = act_url(world.orders, "path-rules")
    written = "DELETE /invoices/* write\n* /reports/** any: read write\n* / all: read"
    assert browser.post(url, {"rules": written}).status_code == 302
    kept = list(PathRule.objects.order_by("id").values_list("method", "pattern", "scopes", "match"))
    assert kept == [
        ("DELETE", "/invoices/*", "write", "all"),
        ("", "/reports/**", "read write", "any"),
        ("", "/", "read", "all"),
    ]
    assert values(browser, url)["rules"] == written.replace("all: ", "")


@pytest.mark.parametrize("line", ["GET", "GET /a", "GET /a any:", "GET a read", "G3T /a read"])
def test_s0_2_a_line_that_says_too_little_or_no_path_is_refused(world: World, browser: Browser, line: str) -> None:
    answered = browser.post(act_url(world.orders, "path-rules"), {"rules": line})
    assert answered.status_code == 200
    assert not PathRule.objects.exists()


def test_d22_the_switch_for_a_token_in_the_url_is_offered_with_its_risk(world: World, browser: Browser) -> None:
    url = act_url(world.orders, "change")
    assert values(browser, url)["accept_token_in_url"] is False
    assert "Risky" in browser.get(url).content.decode()
    form = {name: value for name, value in values(browser, url).items() if value is not None}
    assert browser.post(url, {**form, "accept_token_in_url": "on", "required_match": "any"}).status_code == 302
    world.orders.refresh_from_db()
    assert (world.orders.accept_token_in_url, world.orders.required_match) == (True, "any")
