"""Sums of requests, from the hourly counts: what charts and reports ask for."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, Max, Sum
from django.db.models.functions import TruncDay

from tokens.errors import InvalidRequest
from tokens.models import RequestRollup

DIMENSIONS = ("action", "outcome", "reason", "environment", "proxy", "group", "client_id")
STEPS = {"hour": timedelta(days=31), "day": timedelta(days=366), "total": timedelta(days=366)}
MOST_ROWS = 5_000


@dataclass(frozen=True, slots=True)
class Sums:
    """One row for each step of time and kind; `whole` is False where more were left out."""

    rows: list[dict[str, Any]]
    whole: bool


def requests(*, since: datetime, until: datetime, step: str, by: str, where: Mapping[str, str] | None = None) -> Sums:
    """How many requests there were from one moment to another, by hour or day and by kind. Raises InvalidRequest."""
    if not since < until or until - since > STEPS[step]:
        raise InvalidRequest(f"By {step}, ask for a span of up to {STEPS[step].days} days.")
    counted = RequestRollup.objects.filter(hour__gte=since, hour__lt=until, **(where or {}))
    if step == "total":
        grouped = counted.values(kind=F(by))
    else:
        grouped = counted.values(moment=TruncDay("hour") if step == "day" else F("hour"), kind=F(by))
    sums = grouped.annotate(all=Sum("requests"), summed_ms=Sum("duration_ms"), most_ms=Max("longest_ms"))
    order = ("kind",) if step == "total" else ("moment", "kind")
    rows = [_told(row) for row in sums.order_by(*order)[: MOST_ROWS + 1]]
    return Sums(rows[:MOST_ROWS], len(rows) <= MOST_ROWS)


def _told(row: Mapping[str, Any]) -> dict[str, Any]:
    when = {"at": row["moment"]} if "moment" in row else {}
    figures = {"requests": row["all"], "duration_ms": row["summed_ms"], "longest_ms": row["most_ms"]}
    return {**when, "kind": row["kind"], **figures}
