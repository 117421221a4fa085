"""REST of figures: sums of requests by time and kind, and what lives now."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.api import caller, issued, problem
from tokens import statistics
from tokens.models import RequestRollup

pytestmark = pytest.mark.django_db
BASE = "/api/v1/stats/requests/"
DAY = datetime(2026, 3, 1, tzinfo=UTC)
SPAN = {"since": "2026-03-01T00:00:00Z", "until": "2026-03-04T00:00:00Z"}


@pytest.fixture
def viewer(db):
    return caller("view_requestrollup", "view_issuedtoken")


def counted(hours: int, outcome: str, requests: int, *, proxy: str = "orders") -> None:
    RequestRollup.objects.create(
        hour=DAY + timedelta(hours=hours),
        action="issue",
        outcome=outcome,
        proxy=proxy,
        requests=requests,
        duration_ms=requests * 2,
        longest_ms=requests,
    )


def sums(viewer, **query: str) -> list[tuple[str | None, str, int]]:
    answer = viewer.get(BASE, {**SPAN, **query})
    assert answer.status_code == 200, answer.content
    return [(each.get("at", "")[:13] or None, each["kind"], each["requests"]) for each in answer.json()["sums"]]


def test_requests_are_summed_by_hour_day_and_in_total(viewer):
    for hours, outcome, requests in ((0, "granted", 5), (1, "granted", 3), (1, "refused", 1), (25, "granted", 2)):
        counted(hours, outcome, requests)
    counted(72, "granted", 100)

    assert sums(viewer, step="hour") == [
        ("2026-03-01T00", "granted", 5),
        ("2026-03-01T01", "granted", 3),
        ("2026-03-01T01", "refused", 1),
        ("2026-03-02T01", "granted", 2),
    ]
    assert sums(viewer) == [
        ("2026-03-01T00", "granted", 8),
        ("2026-03-01T00", "refused", 1),
        ("2026-03-02T00", "granted", 2),
    ]
    assert sums(viewer, step="total") == [(None, "granted", 10), (None, "refused", 1)]
    assert sums(viewer, step="total", by="proxy", outcome="refused") == [(None, "orders", 1)]
    assert sums(viewer, proxy="billing") == []


def test_more_rows_than_are_answered_are_said_to_be_left_out(viewer, monkeypatch):
    monkeypatch.setattr(statistics, "MOST_ROWS", 1)
    counted(0, "granted", 1)
    counted(0, "refused", 1)
    answer = viewer.get(BASE, SPAN).json()
    assert (answer["whole"], len(answer["sums"])) == (False, 1)


@pytest.mark.parametrize(
    "query",
    [
        {"since": "2026-03-05T00:00:00Z"},
        {"since": "2020-01-01T00:00:00Z"},
        {"step": "hour", "since": "2026-01-01T00:00:00Z"},
        {"step": "minute"},
        {"by": "address"},
        {"proxy": "\x00"},
        {"hours": "1"},
        {"since": "9999-12-31T23:59:59-14:00"},
    ],
)
def test_odd_spans_are_400(viewer, query):
    assert problem(viewer.get(BASE, {**SPAN, **query}))[0] == 400


def test_what_lives_is_counted(viewer, world):
    issued(world.key_of(world.orders))
    issued(world.key_of(world.billing))

    def live(**query: str) -> tuple[int, int]:
        found = viewer.get("/api/v1/stats/live/", query).json()
        return found["opaque"], found["clients"]

    assert live() == (2, 2)
    assert live(proxy="orders") == (1, 1)
    assert live(environment="live") == (0, 0)
    assert problem(viewer.get("/api/v1/stats/live/", {"proxy": "nothing"}))[0] == 400
