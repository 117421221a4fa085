"""A list costs the same whatever the table holds: the count stops, pages end, searches ask an index."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.contrib import admin
from django.db import OperationalError, connection
from django.http import HttpResponse
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from credentials.models import User
from proxies import history
from proxies.adminkit import lists
from proxies.models import ApiProxy, ChangeRecord, Deployment, Environment, GroupMembership
from tests import world as worlds
from tokens.models import IssuedToken

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


def test_a_list_never_counts_a_table(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "MOST", 60)
    changes(65)
    answer, asked = statements(browser, URL)
    assert not [sql for sql in asked if "COUNT(" in sql.upper()]
    assert [sql for sql in asked if "LIMIT 61" in sql]
    assert "more than 60 changes" in answer.content.decode()


def test_a_question_that_no_index_answers_is_stopped_and_says_so(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(seconds: float) -> Iterator[None]:
        yield
        raise lists.TooLong

    monkeypatch.setattr(lists, "answered_within", contextmanager(never))
    changes(2)
    page = browser.get(URL).content.decode()
    assert "This would take too long" in page


@pytest.mark.parametrize(
    "sql", ["SELECT COUNT(*) FROM (WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s) SELECT i FROM s) x"]
)
def test_a_statement_without_an_end_is_ended(db: None, sql: str) -> None:
    with pytest.raises(lists.TooLong), lists.answered_within(0.05), connection.cursor() as cursor:
        cursor.execute(sql)
    with connection.cursor() as cursor:  # and the connection is as good as before
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)


def test_another_trouble_of_the_database_is_not_taken_for_a_long_wait(db: None) -> None:
    with pytest.raises(OperationalError), lists.answered_within(5):
        raise OperationalError


def test_few_parents_are_looked_up_and_many_are_asked_for_by_each_row(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = worlds.build()
    rules = GroupMembership.objects.all()
    few = lists.through(rules, "proxy", ApiProxy.objects.filter(slug="orders"))
    monkeypatch.setattr(lists, "MOST", 0)
    many = lists.through(rules, "proxy", ApiProxy.objects.filter(slug="orders"))
    assert "EXISTS" in str(many.query)
    assert "EXISTS" not in str(few.query)
    assert list(few) == list(many) == list(rules.filter(proxy=world.orders))


def test_no_address_sorts_by_a_column_that_no_index_knows(browser: Browser) -> None:
    url = "/admin/tokens/issuedtoken/"
    screen = admin.site._registry[IssuedToken]
    columns = [*(["action_checkbox"] if screen.actions else []), *screen.list_display]
    _, asked = statements(browser, f"{url}?o={columns.index('holder')}")
    assert [sql for sql in asked if 'ORDER BY "tokens_issuedtoken"."id" DESC' in sql]
    _, asked = statements(browser, f"{url}?o={columns.index('expires')}")
    assert [sql for sql in asked if 'ORDER BY "tokens_issuedtoken"."expires_at" ASC' in sql]


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


def test_a_search_for_a_name_that_nobody_has_does_not_touch_the_long_table(db: None) -> None:
    """Joined to the name, PostgreSQL would read the whole table to find nothing."""
    with CaptureQueriesContext(connection) as asked:
        found = lists.find_in(Deployment.objects.all(), "nobody", ["proxy__slug", "environment__slug"], [])
    assert not found.exists()
    assert len(asked) == 2
    assert not any('FROM "proxies_deployment"' in query["sql"] for query in asked)


def test_a_search_by_the_name_of_what_a_row_points_at_finds_its_rows(db: None) -> None:
    proxy = ApiProxy.objects.create(name="Orders", slug="orders", audience="https://orders.example/")
    Deployment.objects.create(
        proxy=proxy, environment=Environment.objects.create(name="Test", slug="test"), deployed_at=timezone.now()
    )
    assert lists.find_in(Deployment.objects.all(), "orders", ["environment__slug", "proxy__slug"], []).count() == 1
