"""Hourly sums of the request log. Sole writer of RequestRollup.

An hour is counted anew as long as rows may still be added to it and then left alone, so a run that was lost, doubled
or killed makes no difference.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import Case, Count, Exists, F, Max, OuterRef, Sum, Value, When
from django.db.models.functions import Coalesce
from django.utils import timezone

from credentials.models import Credential
from tokens.models import RequestRollup, TokenRequestLog

HOUR = timedelta(hours=1)
# The newest hour that was counted, and so many before it, may have got rows since.
OPEN_HOURS = 1
KIND = ("environment", "proxy", "group", "action", "outcome", "reason")


class RolledUp(NamedTuple):
    """What a run has written."""

    hours: int
    counts: int


def roll_up(*, at: datetime | None = None, keep: Callable[[], None] = lambda: None) -> RolledUp:
    """Count every hour that is not counted yet, and those again that are still open."""
    hours = counts = 0
    newest = RequestRollup.objects.aggregate(newest=Max("hour"))["newest"]
    hour = _next_hour_with_requests(None if newest is None else newest - OPEN_HOURS * HOUR)
    end = at or timezone.now()
    while hour is not None and hour <= end:
        written = _count_hour(hour)
        if written:
            hours, counts = hours + 1, counts + written
        keep()
        hour = _next_hour_with_requests(hour + HOUR)
    return RolledUp(hours, counts)


def waiting(*, up_to: int) -> int:
    """How many rows of the log are in no hour yet, counted no further than this."""
    newest = RequestRollup.objects.aggregate(newest=Max("hour"))["newest"]
    rows = TokenRequestLog.objects.all() if newest is None else TokenRequestLog.objects.filter(at__gte=newest + HOUR)
    return rows.order_by()[:up_to].count()


def _next_hour_with_requests(since: datetime | None) -> datetime | None:
    rows = TokenRequestLog.objects.order_by("at").values_list("at", flat=True)
    found = (rows if since is None else rows.filter(at__gte=since)).first()
    return None if found is None else found.replace(minute=0, second=0, microsecond=0)


def _count_hour(hour: datetime) -> int:
    """Replace the counts of an hour, unless nothing was added to it; how many there are then."""
    rows = TokenRequestLog.objects.filter(at__gte=hour, at__lt=hour + HOUR).order_by()
    counted = RequestRollup.objects.filter(hour=hour)
    if rows.count() == counted.aggregate(all=Coalesce(Sum("requests"), 0))["all"]:
        return 0
    made = [RequestRollup(hour=hour, client_id=found.pop("known"), **found) for found in _kinds(rows)]
    with transaction.atomic():
        counted.delete()
        RequestRollup.objects.bulk_create(made, batch_size=200)
    return len(made)


def _kinds(rows: Any) -> list[dict[str, Any]]:
    """The sums. A client id that nobody has could be anything: all of those are counted as one."""
    exists = Exists(Credential.objects.filter(client_id=OuterRef("client_id")))
    known = Case(When(exists, then=F("client_id")), default=Value(""))
    return list(
        rows.annotate(known=known)
        .values(*KIND, "known")
        .annotate(
            requests=Count("pk"),
            summed=Coalesce(Sum("duration_ms"), 0.0),
            longest_ms=Coalesce(Max("duration_ms"), 0.0),
        )
        .values(*KIND, "known", "requests", "longest_ms", duration_ms=F("summed"))
    )
