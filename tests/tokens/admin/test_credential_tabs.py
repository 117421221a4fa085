"""The page of a credential in tabs: links that need no script, each for whoever may see it, with few statements."""

from datetime import date
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client as Browser
from django.urls import reverse

from credentials import clients
from credentials.models import Credential, User
from proxies.adminkit import act_url
from tests import world as worlds
from tests.world import World

TABS = ("overview", "grants", "secrets", "policies", "tokens", "log")


@pytest.fixture
def world(db: None) -> World:
    return worlds.build()


def browser_of(*permissions: str) -> Browser:
    user = User.objects.create_user("looker", password="x", is_staff=True, is_superuser=permissions == ("all",))
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    browser = Browser()
    browser.force_login(user)
    return browser


def page(browser: Browser, credential: Credential, tab: str) -> str:
    url = reverse("admin:credentials_credential_change", args=[credential.pk])
    return browser.get(url, {"tab": tab}).content.decode()


def shop(world: World) -> Credential:
    """A client with a grant, and tokens of both outcomes."""
    client = world.credential("shop", world.billing)
    for _ in range(3):
        world.issue(client, target="billing")
    return world.credentials["shop"]


def test_each_tab_shows_its_part(world: World) -> None:
    subject = shop(world)
    browser = browser_of("all")
    shown = {tab: page(browser, subject, tab) for tab in TABS}
    for tab in TABS:
        assert f'<a href="?tab={tab}" aria-current="page">' in shown[tab]
        assert shown[tab].count("?tab=") == len(TABS)
    assert subject.client_id in shown["overview"]
    assert "field-client_id" not in shown["grants"]
    assert str(world.billing) in shown["grants"]
    assert "Rotate" in shown["secrets"]
    assert "policy of" in shown["policies"]
    assert shown["tokens"].count("row-link") == 3
    assert shown["log"].count("badge-good") >= 3
    assert page(browser, subject, "no such").count("field-client_id") == 1


@pytest.mark.parametrize("tab", TABS)
def test_the_statements_of_a_tab_do_not_grow_with_its_rows(
    world: World, tab: str, django_assert_max_num_queries: Any
) -> None:
    subject = shop(world)
    browser = browser_of("all")
    with django_assert_max_num_queries(16):
        page(browser, subject, tab)


def test_i22_a_tab_is_for_whoever_may_see_what_is_in_it(world: World) -> None:
    subject = shop(world)
    browser = browser_of("view_credential", "view_grant")
    shown = page(browser, subject, "log")
    assert shown.count("?tab=") == 2
    assert "/act/" not in page(browser, subject, "grants")
    for hidden in ("log", "tokens"):
        assert "Newest" not in page(browser, subject, hidden)


def test_grants_have_their_last_day_and_the_button_to_withdraw(world: World) -> None:
    subject = shop(world)
    (grant,) = subject.grants.all()
    clients.grant(to=subject, target=world.billing, by="test", expires_on=date(2026, 1, 20))
    shown = page(browser_of("all"), subject, "grants")
    assert "2026-01-20" in shown
    assert act_url(grant, "withdraw") in shown


def test_an_empty_tab_says_what_to_do(world: World) -> None:
    fresh = clients.open_credential(name="fresh", by="test").credential
    browser = browser_of("all")
    assert "Press Grant to let it reach" in page(browser, fresh, "grants")
    assert "Press Grant first" in page(browser, fresh, "policies")
    assert "They appear here when it asks" in page(browser, fresh, "tokens")
    assert "has not asked for anything" in page(browser, fresh, "log")
    key = Credential.objects.get(proxy=world.orders)
    assert "which it reaches without a grant" in page(browser, key, "grants")
    assert "policy of" in page(browser, key, "policies")
