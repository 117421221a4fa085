"""Where in the request log something is to be found, told by its hourly sums: a rare thing is looked for in its hours.

Without it a list of what hardly ever happens would read the whole log. The sums are behind by an hour or so: what came
after the newest of them is always looked at.
"""

from collections.abc import Mapping
from datetime import datetime
from itertools import accumulate

from django.db.models import Max, Q, Sum

from tokens.models import RequestRollup, TokenRequestLog
from tokens.rollups import HOUR, OPEN_HOURS

MOST_WINDOWS = 100
# What the sums tell apart. A client is found by an index of the log's own.
KINDS = ("environment", "proxy", "group", "action", "outcome", "reason")


def where(kinds: Mapping[str, str], *, most: int, since: datetime | None, until: datetime | None) -> Q | None:
    """The hours that hold the newest `most` of these kinds; None where the sums cannot help."""
    if not kinds or not set(kinds) <= set(KINDS):
        return None
    newest = RequestRollup.objects.aggregate(newest=Max("hour"))["newest"]
    if newest is None:
        return None
    settled = newest - OPEN_HOURS * HOUR
    sums = RequestRollup.objects.filter(**kinds, hour__lt=settled)
    if since is not None:
        sums = sums.filter(hour__gt=since - HOUR)
    if until is not None:
        sums = sums.filter(hour__lt=until)
    counted = list(
        sums.values("hour").annotate(count=Sum("requests")).order_by("-hour").values_list("hour", "count")[:5_000]
    )
    enough = next((at + 1 for at, total in enumerate(accumulate(n for _, n in counted)) if total > most), len(counted))
    spans = _spans([hour for hour, _ in counted[:enough]])
    if len(spans) > MOST_WINDOWS:  # scattered over the log: the oldest of them bounds it all the same
        return Q(at__gte=spans[-1][0])
    found = Q(at__gte=settled)
    for first, end in spans:
        found |= Q(at__gte=first, at__lt=end)
    return found


def before(row_id: int, kinds: Mapping[str, str], *, most: int) -> Q | None:
    """The same for a page that goes on after a row: the row's own hour, and the hours before it that hold enough."""
    at = TokenRequestLog.objects.filter(pk=row_id).values_list("at", flat=True).first()
    if at is None:
        return None
    hour = at.replace(minute=0, second=0, microsecond=0)
    found = where(kinds, most=most, since=None, until=hour)
    return None if found is None else found | Q(at__gte=hour)


def _spans(hours: list[datetime]) -> list[tuple[datetime, datetime]]:
    """Hours, the newest first, as spans of hours that follow one another."""
    spans: list[tuple[datetime, datetime]] = []
    for hour in hours:
        if spans and spans[-1][0] == hour + HOUR:
            spans[-1] = (hour, spans[-1][1])
        else:
            spans.append((hour, hour + HOUR))
    return spans
