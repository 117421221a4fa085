"""The screen of the request log: columns and filters of F0, an export that stays text, no way to change it."""

import csv
import io
import json
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from credentials.models import User
from proxies.models import ChangeRecord
from tests import world as worlds
from tests.world import REQUEST, START, World, later
from tokens import errors, lifecycle, log_export, log_windows, rollups
from tokens.models import TokenRequestLog
from tokens.statements import log

URL = "/admin/tokens/tokenrequestlog/"
COLUMNS = [
    "Time", "Request", "Reason", "Group", "Proxy", "Token format", "Client", "User", "Scopes", "Issued", "Expires",
    "Refresh token issued", "Refresh token expires", "Refresh sequence", "Status", "Total time", "Environment",
    "Address",
]  # fmt: skip


@pytest.fixture
def world(db: None) -> World:
    made = worlds.build()
    made.refresh(made.key_of(made.orders), made.issue(made.key_of(made.orders)).refresh_token, at=5)
    made.issue(made.key_of(made.commerce), at=10, environment="live")
    with pytest.raises(errors.InvalidTarget):
        made.issue(made.key_of(made.orders), at=20, target="nowhere")
    return made


def person(*permissions: str) -> Browser:
    user = User.objects.create_user("auditor", password="a long password", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    browser = Browser()
    browser.force_login(user)
    return browser


@pytest.fixture
def auditor(world: World) -> Browser:
    return person("view_tokenrequestlog", "export_tokenrequestlog")


def rows_of(browser: Browser, query: str = "") -> int:
    answer = browser.get(URL + query)
    assert answer.status_code == 200
    return answer.content.decode().count('data-label="Time"')


def test_f0_the_list_has_the_documented_columns(auditor: Browser) -> None:
    page = auditor.get(URL).content.decode()
    place = 0
    for name in COLUMNS:
        found = page.find(f">{name}<", place)
        assert found >= place, name
        place = found


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("", 4),
        ("?environment=live", 1),
        ("?proxy=orders", 2),
        ("?group=commerce", 1),
        ("?action__exact=refresh", 1),
        ("?outcome__exact=refused", 1),
        ("?reason=invalid_target", 1),
        ("?reason=nothing", 0),
        ("?status_above=399", 1),
        ("?status_below=300", 3),
        ("?status_above=many", 4),
        ("?at__from=2026-01-01&at__to=2026-01-01", 4),
        ("?at__from=2026-01-02", 0),
        ("?person=ada", 0),
        ("?environment=test&outcome__exact=granted&proxy=orders&at__from=2026-01-01", 2),
    ],
)
@pytest.mark.parametrize("counted", [False, True], ids=["not summed up", "summed up"])
def test_f0_each_filter_narrows(auditor: Browser, query: str, count: int, counted: bool) -> None:
    if counted:
        rollups.roll_up(at=later(10 * 3600))
    assert rows_of(auditor, query) == count


def test_f0_a_client_is_found_by_its_id_and_a_token_by_the_start_of_its_jti(world: World, auditor: Browser) -> None:
    client = world.key_of(world.commerce).client_id
    assert rows_of(auditor, f"?client_id={client}") == 1
    assert rows_of(auditor, f"?q={client}") == 1
    jti = world.log()[0].jti
    assert rows_of(auditor, f"?q={jti[:9]}") == 1
    assert rows_of(auditor, "?q=nothing-of-this") == 0


def test_b45_what_a_stranger_sent_stays_text_in_list_and_detail(world: World, auditor: Browser) -> None:
    hostile = "<script>alert(1)</script>"
    request = lifecycle.Request(address="192.0.2.9", user_agent=hostile, request_id=hostile)
    with pytest.raises(Exception, match="authentication"):
        lifecycle.issue(lifecycle.Client(hostile, "x"), request=request, at=later(30))
    row = TokenRequestLog.objects.latest("id")
    for url in (URL, reverse("admin:tokens_tokenrequestlog_change", args=[row.pk])):
        page = auditor.get(url).content.decode()
        assert hostile not in page
        assert "&lt;script&gt;" in page


def test_d24_nothing_can_be_added_changed_or_deleted(world: World, auditor: Browser) -> None:
    row = TokenRequestLog.objects.latest("id")
    for name, args in (("add", []), ("change", [row.pk]), ("delete", [row.pk])):
        url = reverse(f"admin:tokens_tokenrequestlog_{name}", args=args)
        assert auditor.post(url, {"post": "yes"}).status_code == 403
    assert auditor.post(URL, {"action": "delete_selected", "_selected_action": [row.pk]}).status_code in (200, 302, 403)
    assert TokenRequestLog.objects.count() == 4


def streamed(answer: Any) -> str:
    return b"".join(answer.streaming_content).decode()


def test_the_export_has_what_the_filters_choose_and_leaves_a_trace(auditor: Browser) -> None:
    answer = auditor.get(f"{URL}export.csv?outcome__exact=granted")
    assert answer["Content-Type"].startswith("text/csv")
    assert "no-store" in answer["Cache-Control"]
    found = list(csv.DictReader(io.StringIO(streamed(answer))))
    assert [row["action"] for row in found] == ["issue", "refresh", "issue"]
    assert found[-1]["at"] == "2026-01-01T12:00:00Z"
    record = ChangeRecord.objects.latest("id")
    assert (record.verb, record.actor) == ("export token request log", "auditor")
    assert record.note == "outcome__exact=granted"


def test_the_export_in_json_has_an_object_a_line(auditor: Browser) -> None:
    lines = streamed(auditor.get(f"{URL}export.jsonl")).splitlines()
    found = [json.loads(line) for line in lines]
    assert len(found) == 4
    assert set(found[0]) == set(log_export.COLUMNS)
    assert found[0]["reason"] == "invalid_target"
    assert auditor.get(f"{URL}export.xml").status_code == 404


@pytest.mark.parametrize("held", [("view_tokenrequestlog",), ("export_tokenrequestlog",), ()])
def test_i22_the_export_needs_its_own_permission(world: World, held: tuple[str, ...]) -> None:
    browser = person(*held)
    assert browser.get(f"{URL}export.csv").status_code == 403
    if "view_tokenrequestlog" in held:
        assert "export.csv" not in browser.get(URL).content.decode()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("=1+1", "'=1+1"),
        ("+49", "'+49"),
        ("-2", "'-2"),
        ("@import", "'@import"),
        ("\tx", "'\tx"),
        ("\rx", "'\rx"),
        ("a=1", "a=1"),
        ("", ""),
        (None, ""),
        (0, "0"),
        (START, "2026-01-01T12:00:00Z"),
    ],
)
def test_r40_no_cell_is_a_formula(text: Any, shown: str) -> None:
    assert log_export.cell(text) == shown


def test_r40_a_client_that_calls_itself_a_formula_is_text_in_the_file(world: World, auditor: Browser) -> None:
    with pytest.raises(Exception, match="authentication"):
        lifecycle.issue(lifecycle.Client("=HYPERLINK(1)", "x"), request=REQUEST, at=later(30))
    found = list(csv.DictReader(io.StringIO(streamed(auditor.get(f"{URL}export.csv")))))
    assert found[0]["client_id"] == "'=HYPERLINK(1)"


def test_the_export_holds_one_slice_at_a_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_export, "SLICE", 2)
    with CaptureQueriesContext(connection) as seen:
        found = log_export.rows(TokenRequestLog.objects.all())
        assert len(seen) == 0
        next(found)
        assert len(seen) == 1
        assert len(list(found)) == 3
    assert all("LIMIT 2" in query["sql"] for query in seen.captured_queries)
    assert len(seen) == 3


# ---------------------------------------------------------------------------------- where to look for what is rare


def filled(hours: dict[int, str]) -> None:
    row = log.LogRow(*([""] * len(log.LogRow._fields)))._replace(
        family_id=None, issued_at=None, expires_at=None, refresh_expires_at=None, refresh_sequence=None,
        duration_ms=1.0, action="issue", status=200, outcome="granted",
    )  # fmt: skip
    for hour, reason in hours.items():
        log.write(row._replace(at=START + timedelta(hours=hour, minutes=5), reason=reason))
    rollups.roll_up(at=START + timedelta(days=30))


@pytest.mark.django_db
def test_what_is_rare_is_looked_for_in_its_hours_alone() -> None:
    filled({0: "rare", 1: "usual", 2: "usual", 5: "rare", 6: "rare", 9: "usual", 20: "usual"})
    found = log_windows.where({"reason": "rare"}, most=100, since=None, until=None)
    assert found is not None
    rows = TokenRequestLog.objects.filter(found)
    assert [row.at.hour for row in rows.order_by("id")] == [12, 17, 18, 8]  # and what may not be summed up yet
    assert rows.filter(reason="rare").count() == 3


@pytest.mark.django_db
def test_no_more_hours_than_fill_the_list() -> None:
    filled({0: "rare", 5: "rare", 9: "rare", 20: "usual"})
    found = log_windows.where({"reason": "rare"}, most=1, since=None, until=None)
    assert found is not None
    assert TokenRequestLog.objects.filter(found, reason="rare").count() == 2


@pytest.mark.django_db
def test_a_period_is_kept_to_and_unknown_kinds_are_left_to_the_log() -> None:
    filled({0: "rare", 5: "rare", 9: "rare", 20: "usual"})
    since, until = START + timedelta(hours=4), START + timedelta(hours=6)
    found = log_windows.where({"reason": "rare"}, most=100, since=since, until=until)
    assert found is not None
    assert [row.at.hour for row in TokenRequestLog.objects.filter(found, reason="rare")] == [17]
    assert log_windows.where({}, most=1, since=None, until=None) is None
    assert log_windows.where({"address": "x"}, most=1, since=None, until=None) is None


@pytest.mark.django_db
def test_without_sums_the_log_itself_is_asked() -> None:
    assert log_windows.where({"reason": "rare"}, most=1, since=None, until=None) is None


@pytest.mark.django_db
def test_what_is_scattered_all_over_is_bounded_by_its_oldest_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_windows, "MOST_WINDOWS", 2)
    filled({0: "usual", 3: "rare", 5: "rare", 9: "rare", 20: "usual"})
    found = log_windows.where({"reason": "rare"}, most=100, since=None, until=None)
    assert found is not None
    assert [row.at.hour for row in TokenRequestLog.objects.filter(found).order_by("id")] == [15, 17, 21, 8]
