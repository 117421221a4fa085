"""The search box of every page: what it finds, for whom, how fast, and what it never tells."""

import logging
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client as Browser
from django.urls import reverse

from credentials.models import User
from tests import world as worlds
from tests.credentials.connections import opened
from tests.world import World
from tokens import lifecycle
from tokens.models import IssuedToken, RefreshKey

FIND = "/admin/find/"


@pytest.fixture
def world(db: None) -> World:
    made = worlds.build()
    opened(environment=made.test)
    return made


def browser_of(*permissions: str) -> Browser:
    user = User.objects.create_user("looker", password="x", is_staff=True, is_superuser=permissions == ("all",))
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    browser = Browser()
    browser.force_login(user)
    return browser


def found(browser: Browser, term: str) -> dict[str, list[str]]:
    """Titles and the names below them; of a sole thing the address it leads to."""
    answer: Any = browser.post(FIND, {"q": term})
    if answer.status_code == 302:
        return {"alone": [answer["Location"]]}
    assert answer["Cache-Control"].startswith("max-age=0")
    return {group.title: [row.label for row in group.rows] for group in answer.context["groups"]}


def test_by_a_part_of_a_name_everything_that_has_it_grouped(world: World) -> None:
    world.credential("billing shop", world.billing)
    shown = found(browser_of("all"), "billing")
    assert shown["API proxies"] == [world.billing.name]
    assert "billing shop" in shown["Credentials"]


def test_i22_nobody_finds_what_he_may_not_see(world: World) -> None:
    world.credential("billing shop", world.billing)
    client = world.issue(world.key_of(world.orders))
    browser = browser_of("view_apiproxy")
    page = reverse("admin:proxies_apiproxy_change", args=[world.billing.pk])
    assert found(browser, "billing") == {"alone": [page]}
    assert found(browser, client.access_token) == {}
    assert found(browser, IssuedToken.objects.get().jti) == {}


def test_a_pasted_token_leads_to_its_record_and_stays_nowhere(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    answer = world.issue(world.key_of(world.orders))
    browser = browser_of("all")
    token, key = IssuedToken.objects.get(), RefreshKey.objects.get()
    token_page = reverse("admin:tokens_issuedtoken_change", args=[token.pk])
    assert found(browser, f"  {answer.access_token}\n") == {"alone": [token_page]}
    assert found(browser, answer.refresh_token) == {"alone": [reverse("admin:tokens_refreshkey_change", args=[key.pk])]}
    unknown = answer.access_token[:-1] + ("1" if answer.access_token.endswith("0") else "0")
    page = browser.post(FIND, {"q": unknown})
    assert page.status_code == 200
    assert unknown not in page.content.decode()
    written = "".join(record.getMessage() for record in caplog.records)
    assert answer.access_token not in written
    assert unknown not in written


def test_by_the_beginning_of_a_jti_and_by_a_sessions_audience(world: World) -> None:
    world.issue(world.key_of(world.orders))
    clara = User.objects.create_user("clara", password="x")
    lifecycle.mint(clara, audience="My tool", lifetime=600, request=worlds.REQUEST)
    browser = browser_of("all")
    jti = IssuedToken.objects.get(family__user=None).jti
    assert len(found(browser, jti[:12])) == 1
    assert found(browser, "My tool") == {"alone": ["/admin/tokens/jwtrefreshkey/?audience=My+tool"]}
    assert found(browser, "clara")["alone"] == [reverse("admin:credentials_user_change", args=[clara.pk])]


def test_by_a_client_id_its_requests_for_whoever_may_read_the_log(world: World) -> None:
    client = world.key_of(world.orders)
    world.issue(client)
    client_id = client.client_id
    shown = found(browser_of("view_tokenrequestlog", "view_credential"), client_id)
    assert shown["Token request log"] == [f"Requests of {client_id}"]
    assert len(shown["Credentials"]) == 1


def test_an_address_finds_nothing_since_it_would_be_logged(world: World) -> None:
    page: Any = browser_of("all").get(FIND, {"q": "billing"})
    assert page.context["groups"] == []
    assert 'method="post"' in page.content.decode()


def test_screens_are_found_by_name_and_the_statements_do_not_grow(
    world: World, django_assert_max_num_queries: Any
) -> None:
    browser = browser_of("all")
    assert found(browser, "token polic") == {"alone": ["/admin/tokens/tokenpolicy/"]}
    for number in range(12):
        world.credential(f"billing {number}", world.billing)
    with django_assert_max_num_queries(60):
        shown = found(browser, "billing")
    assert len(shown["Credentials"]) == 6
    page = browser.post(FIND, {"q": "billing"}).content.decode()
    assert "credential/?q=billing" in page
