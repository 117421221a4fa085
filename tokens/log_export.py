"""The request log as CSV or as JSON lines, row by row: what is held at any moment is one slice of it."""

import csv
import io
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from django.db.models import Q, QuerySet

from credentials.models import User
from proxies import history
from tokens.models import TokenRequestLog

SLICE = 2_000
COLUMNS = tuple(field.attname for field in TokenRequestLog._meta.concrete_fields)
# What a spreadsheet would take for a formula, or for the start of a new cell (R40).
_STARTERS = ("=", "+", "-", "@", "\t", "\r")


def record(person: User, *, by: str, chosen: str, at: datetime) -> None:
    """Keep in the history who took the log out, and which part of it (R38)."""
    history.record("export token request log", person, by=by, at=at, note=chosen)


def rows(chosen: QuerySet[TokenRequestLog]) -> Iterator[tuple[Any, ...]]:
    """All of them, the newest first, in slices that begin where the last has ended: no statement is long."""
    last: int | None = None
    while True:
        following = chosen if last is None else chosen.filter(pk__lt=last)
        part = list(following.order_by("-pk").values_list(*COLUMNS)[:SLICE])
        yield from part
        if len(part) < SLICE:
            return
        last = part[-1][0]


def oldest_first(chosen: QuerySet[TokenRequestLog], after: tuple[datetime, int] | None) -> Iterator[tuple[Any, ...]]:
    """All of them, or those behind a row of this time and number, in slices along the index of time."""
    while True:
        following = chosen
        if after is not None:
            following = chosen.filter(Q(at__gt=after[0]) | Q(pk__gt=after[1]), at__gte=after[0])
        part = list(following.order_by("at", "pk").values_list(*COLUMNS)[:SLICE])
        yield from part
        if len(part) < SLICE:
            return
        after = (part[-1][COLUMNS.index("at")], part[-1][0])


def cell(value: Any) -> str:
    """A value as a cell that stays text in a spreadsheet."""
    if value is None:
        return ""
    text = moment(value) if isinstance(value, datetime) else str(value)
    return f"'{text}" if text.startswith(_STARTERS) else text


def moment(at: datetime) -> str:
    """UTC, to the microsecond that is stored."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def csv_line(values: Iterable[Any]) -> str:
    """One row as a spreadsheet reads it."""
    page = io.StringIO()
    csv.writer(page).writerow([cell(value) for value in values])
    return page.getvalue()


def json_line(values: Iterable[Any]) -> str:
    """One row as an object, on a line of its own."""
    told = zip(COLUMNS, values, strict=True)
    return json.dumps({name: moment(value) if isinstance(value, datetime) else value for name, value in told}) + "\n"


def as_csv(chosen: QuerySet[TokenRequestLog]) -> Iterator[str]:
    """A heading, and a line for each row."""
    yield csv_line(COLUMNS)
    for values in rows(chosen):
        yield csv_line(values)


def as_json_lines(chosen: QuerySet[TokenRequestLog]) -> Iterator[str]:
    """An object a line."""
    for values in rows(chosen):
        yield json_line(values)


FORMATS = {"csv": (as_csv, "text/csv; charset=utf-8"), "jsonl": (as_json_lines, "application/jsonl; charset=utf-8")}
