"""The first page: every number leads to a list that counts the same, and nobody is shown what they may not see."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from credentials.models import User
from tests import world as worlds
from tests.world import World
from tokens import errors, figures, lifecycle, rollups
from tokens.models import Figures

SEEN = ("view_issuedtoken", "view_refreshkey", "view_requestrollup", "view_tokenrequestlog", "view_signingkey")


@pytest.fixture
def world(db: None) -> World:
    """Some requests of just now, as a browser sees them."""
    made, now = worlds.build(), timezone.now()
    request = worlds.REQUEST
    made.policy(made.orders, access=3_000, refresh=6_000, count=1)
    made.policy(made.billing, never_expires=True, format="jwt")
    for holder in (made.orders, made.orders, made.billing, made.commerce):
        lifecycle.issue(made.key_of(holder), request=request, at=now)
    with pytest.raises(errors.InvalidTarget):
        lifecycle.issue(made.key_of(made.orders), target="nowhere", request=request, at=now)
    rollups.roll_up()
    figures.take()
    return made


def person(*permissions: str) -> Browser:
    user = User.objects.create_user("viewer", password="a long password", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    browser = Browser()
    browser.force_login(user)
    return browser


def cards(page: str) -> dict[str, tuple[str, int]]:
    """Title -> address and number."""
    found = re.findall(
        r'<(?:a|div) class="card kpi[^"]*"(?: href="([^"]*)")?><span class="kpi-title">([^<]*)</span>'
        r'<span class="kpi-number number">([\d,]+)</span>',
        page,
    )
    return {title: (url.replace("&amp;", "&"), int(number.replace(",", ""))) for url, title, number in found}


def rows(browser: Browser, url: str) -> int:
    answer = browser.get(url)
    assert answer.status_code == 200, url
    return answer.content.decode().count("data-first")


def test_each_card_leads_to_a_list_of_as_many_rows(world: World) -> None:
    browser = person(*SEEN)
    shown = cards(browser.get("/admin/").content.decode())
    assert {title: number for title, (_, number) in shown.items()} == {
        "Live access tokens": 4,
        "Live refresh tokens": 3,
        "Granted in 24 hours": 4,
        "Refused in 24 hours": 1,
        "Expire within 24 hours": 3,
        "Never expire": 1,
    }
    for title, (url, number) in shown.items():
        assert rows(browser, url) == number, title


def test_kinds_notices_and_bars_lead_to_their_rows(world: World) -> None:
    browser = person(*SEEN)
    page = browser.get("/admin/").content.decode()
    kinds = re.findall(r'href="([^"]*token_format__exact=\w+)">(\w+)<.*?<td class="number">(\d+)</td>', page, re.DOTALL)
    assert [(name, int(count)) for _, name, count in kinds] == [("Opaque", 3), ("JWT", 1)]
    for url, _, count in kinds:
        assert rows(browser, url.replace("&amp;", "&")) == int(count)
    last = re.search(r'href="([^"]*status=last)"><span class="notice-count[^"]*">(\d+)<', page)
    assert last is not None
    assert rows(browser, last.group(1)) == int(last.group(2)) == 2
    bars = re.findall(r'<a href="([^"]*at__from[^"]*)" aria-label="([^"]*)">', page)
    assert len(bars) == 2  # of the hours and of the days
    for url, told in bars:
        assert "4 issued, 0 refreshed, 1 refused" in told
        assert rows(browser, url.replace("&amp;", "&")) == 5


def test_i22_who_may_see_nothing_is_told_nothing(world: World) -> None:
    page = person("view_environment").get("/admin/").content.decode()
    assert cards(page) == {}
    assert "chart-bar" not in page
    assert "Background jobs" not in page


def test_i22_numbers_of_the_log_lead_nowhere_for_who_may_not_read_it(world: World) -> None:
    shown = cards(person("view_requestrollup").get("/admin/").content.decode())
    assert shown == {"Granted in 24 hours": ("", 4), "Refused in 24 hours": ("", 1)}


def test_the_age_of_the_figures_is_shown_and_old_ones_are_called_so(world: World) -> None:
    browser = person(*SEEN)
    assert "old figures" not in browser.get("/admin/").content.decode()
    Figures.objects.update(taken_at=timezone.now() - timedelta(minutes=10), took_ms=9_999)
    page = browser.get("/admin/").content.decode()
    assert "old figures" in page
    assert "data-relative" in page


def test_the_page_asks_the_same_few_questions_however_many_tokens_there_are(world: World) -> None:
    browser = person(*SEEN)
    browser.get("/admin/")
    with CaptureQueriesContext(connection) as seen:
        browser.get("/admin/")
    assert len(seen) <= 8
    assert not [query for query in seen.captured_queries if "tokens_issuedtoken" in query["sql"]]


def test_an_empty_portal_says_what_to_do_first(db: None) -> None:
    page = person("view_environment").get("/admin/").content.decode()
    assert "Five steps to the first token" in page


def test_each_chart_has_its_table(world: World) -> None:
    page = person(*SEEN).get("/admin/").content.decode()
    assert page.count('<details class="chart-table">') == 2
    found: Any = re.search(r"<tbody>(.*?)</tbody>", page.partition('class="chart-table"')[2], re.DOTALL)
    assert found.group(1).count("<tr>") == 24
