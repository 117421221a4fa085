"""REST of the request log: read by filters, taken out as a stream, safe in a spreadsheet, noted in the history."""

import csv
import json
from datetime import timedelta

import pytest

from proxies.models import ChangeRecord
from tests.api import caller, issued, problem
from tests.world import REQUEST, START
from tokens import lifecycle, log_export, rollups
from tokens.api import request_log
from tokens.lifecycle import Client
from tokens.models import TokenRequestLog

pytestmark = pytest.mark.django_db
BASE = "/api/v1/request-log/"


@pytest.fixture
def auditor(db):
    return caller("view_tokenrequestlog", "export_tokenrequestlog", name="audrey")


def refused(client_id: str) -> None:
    from credentials.errors import CredentialError

    with pytest.raises(CredentialError):
        lifecycle.issue(Client(client_id, "wrong"), request=REQUEST)


def body(answer) -> str:
    return b"".join(answer.streaming_content).decode()


def test_rows_are_found_by_what_is_listed(auditor, world):
    issued(world.key_of(world.orders))
    refused("nobody")

    def found(**query: str) -> list[tuple[str, str]]:
        rows = auditor.get(BASE, query).json()["results"]
        return [(row["outcome"], row["client_id"]) for row in rows]

    assert found() == [("refused", "nobody"), ("granted", world.clients["orders"].client_id)]
    assert found(outcome="refused", reason="client_auth_failed") == [("refused", "nobody")]
    assert found(status_from="400", status_to="499") == [("refused", "nobody")]
    assert found(proxy="orders", action="issue") == [("granted", world.clients["orders"].client_id)]
    assert found(since="2099-01-01T00:00:00Z") == []
    assert found(username="%") == []
    row = auditor.get(f"{BASE}{TokenRequestLog.objects.latest('id').pk}/").json()
    assert row["client_id"] == "nobody"


@pytest.mark.parametrize(
    "query",
    [
        "status_from=1e999999",
        "status_from=600",
        "family_id=NaN",
        "family_id=99999999999999999999",
        "since=now",
        "until=0001-01-01T00:00:00%2B14:00",
        "action=steal",
        "jti=%00",
        "reason=" + "x" * 61,
        "secret=x",
        "cursor=-1",
    ],
)
def test_b51_hostile_queries_are_400(auditor, query):
    assert problem(auditor.get(f"{BASE}?{query}"))[0] == 400
    if "cursor" not in query:
        assert problem(auditor.get(f"{BASE}csv/?{query}"))[0] == 400


def test_d24_there_is_no_door_to_change_it(auditor, world):
    issued(world.key_of(world.orders))
    key = TokenRequestLog.objects.get().pk
    for method in ("put", "patch", "post", "delete"):
        assert getattr(auditor, method)(f"{BASE}{key}/", {}).status_code == 405
    assert auditor.post(BASE, {}).status_code == 405
    assert auditor.options(BASE).status_code == 405


def test_the_export_streams_every_row_in_small_steps_newest_first(auditor, world, monkeypatch):
    monkeypatch.setattr(log_export, "SLICE", 2)
    for _ in range(5):
        issued(world.key_of(world.orders))

    answer = auditor.get(f"{BASE}csv/?proxy=orders")

    assert answer.streaming
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="token-requests-')
    assert "no-store" in answer.headers["Cache-Control"]
    rows = list(csv.DictReader(body(answer).splitlines()))
    assert [int(row["id"]) for row in rows] == list(
        TokenRequestLog.objects.order_by("-id").values_list("id", flat=True)
    )
    assert {row["proxy"] for row in rows} == {"orders"}

    lines = [json.loads(line) for line in body(auditor.get(f"{BASE}jsonl/?outcome=refused")).splitlines()]
    assert lines == []
    lines = [json.loads(line) for line in body(auditor.get(f"{BASE}jsonl/")).splitlines()]
    assert len(lines) == 5
    assert set(lines[0]) == set(log_export.COLUMNS)


def test_pages_of_what_is_rare_miss_nothing(auditor, world, monkeypatch):
    """The hourly sums say where to look; whatever they say, each row comes once."""
    monkeypatch.setattr(request_log, "LARGEST_PAGE", 2)
    for hours in range(0, 60, 3):
        at = START + timedelta(hours=hours, minutes=hours % 7)
        wanted = "orders" if hours % 2 else "billing"
        for _ in range(1 + hours % 3):
            lifecycle.issue(world.clients[wanted], request=REQUEST, at=at)
    rollups.roll_up(at=START + timedelta(hours=80))
    seen: list[int] = []
    url = f"{BASE}?proxy=orders&page_size=2"
    while url:
        page = auditor.get(url).json()
        seen += [row["id"] for row in page["results"]]
        url = page["next"]
    assert seen == list(TokenRequestLog.objects.filter(proxy="orders").order_by("-id").values_list("id", flat=True))
    assert len(seen) > 9


@pytest.mark.parametrize("start", ["=", "+", "-", "@"])
def test_r40_no_cell_is_a_formula(auditor, world, start):
    refused(f'{start}cmd|"/C calc"!A0')
    rows = list(csv.DictReader(body(auditor.get(f"{BASE}csv/")).splitlines()))
    assert rows[0]["client_id"].startswith(f"'{start}")


def test_r38_taking_it_out_is_noted_in_the_history(auditor, world):
    auditor.get(f"{BASE}csv/?client_id=nobody")
    record = ChangeRecord.objects.get(verb="export token request log")
    assert (record.actor, record.subject_name, record.note) == ("audrey", "audrey", "client_id=nobody")


def test_i22_who_may_read_may_not_take_out(world):
    reader = caller("view_tokenrequestlog", name="rita")
    assert reader.get(BASE).status_code == 200
    for kind in ("csv", "jsonl"):
        assert problem(reader.get(f"{BASE}{kind}/")) == (403, "permission_denied")
    assert not ChangeRecord.objects.filter(verb="export token request log").exists()
