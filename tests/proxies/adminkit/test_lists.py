"""A list costs the same whatever the table holds: the count stops, pages end, searches ask an index."""

from datetime import timedelta

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from credentials.models import User
from proxies import history
from proxies.adminkit import lists
from proxies.models import ApiProxy, ChangeRecord, Environment

URL = "/admin/proxies/changerecord/"


@pytest.fixture
def browser(db: None) -> Browser:
    made = Browser()
    made.force_login(User.objects.create_superuser("root", password="a long password"))
    return made


def changes(count: int) -> None:
    place = Environment.objects.get_or_create(name="Test", slug="test")[0]
    for number in range(count):
        history.record("deploy", place, by="ada", at=timezone.now() - timedelta(minutes=number))


def statements(browser: Browser, url: str) -> tuple[HttpResponse, list[str]]:
    with CaptureQueriesContext(connection, ) as seen:  # fmt: skip
        answer = browser.get(url)
    assert answer.status_code == 200
    return answer, [query["sql"] for query in seen.captured_queries]


def test_a_list_counts_no_further_than_its_limit(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "MOST", 60)
    changes(65)
    answer, asked = statements(browser, URL)
    counts = [sql for sql in asked if "COUNT(" in sql]
    assert counts
    assert all("LIMIT 61" in sql for sql in counts)
    assert "more than 60 changes" in answer.content.decode()


def test_pages_end_where_the_count_does(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "MOST", 60)
    changes(120)
    assert browser.get(f"{URL}?p=2").status_code == 200
    assert browser.get(f"{URL}?p=3").status_code == 302  # back to the first page, as for any page that is not there


def test_a_list_asks_the_same_number_of_questions_for_one_row_and_for_fifty(browser: Browser) -> None:
    changes(1)
    _, one = statements(browser, URL)
    changes(49)
    _, fifty = statements(browser, URL)
    assert len(one) == len(fifty)


def test_a_period_narrows_by_whole_days_and_keeps_what_else_was_chosen(browser: Browser) -> None:
    place = Environment.objects.create(name="Test", slug="test")
    now = timezone.now()
    for days in (0, 3, 40):
        history.record("deploy", place, by="ada", note=f"{days} days ago", at=now - timedelta(days=days))
    today = f"{now:%Y-%m-%d}"
    first = f"{now - timedelta(days=6):%Y-%m-%d}"
    page = browser.get(f"{URL}?at__from={first}&at__to={today}&verb=deploy").content.decode()
    assert "0 days ago" in page
    assert "3 days ago" in page
    assert "40 days ago" not in page
    assert '<input type="hidden" name="verb" value="deploy">' in page
    assert browser.get(f"{URL}?at__from=yesterday").status_code == 302


def test_a_choice_is_shown_as_what_takes_it_away(browser: Browser) -> None:
    changes(2)
    page = browser.get(f"{URL}?verb=deploy").content.decode()
    assert 'class="chip" href="?"' in page
    assert "Clear all filters" in page


def test_an_empty_list_says_what_to_do_next(browser: Browser) -> None:
    url = reverse("admin:proxies_apiproxy_changelist")
    page = browser.get(url).content.decode()
    assert "No API proxies yet" in page
    assert "Then give it a key and a policy, and deploy it." in page
    assert reverse("admin:proxies_apiproxy_add") in page
    ApiProxy.objects.create(name="Orders", slug="orders", audience="https://orders.example/")
    searched = browser.get(f"{url}?q=nothing").content.decode()
    assert "Nothing matches" in searched


def test_a_search_takes_the_first_lookup_that_knows_the_term(db: None) -> None:
    changes(1)
    history.record("deploy", Environment.objects.get(), by="deploy", at=timezone.now())
    everything = ChangeRecord.objects.all()
    assert lists.find_in(everything, "deploy", ["actor", "verb"], []).count() == 1
    assert lists.find_in(everything, "deploy", ["verb", "actor"], []).count() == 2
    assert lists.find_in(everything, "dep", ["verb"], ["verb"]).count() == 2
    assert lists.find_in(everything, "depp", ["verb"], ["verb"]).count() == 0
