"""Revoking many rows in the background: start, pause, resume, work off. Sole writer of BulkWork and BulkSlice.

Each row is revoked by the very function of its button, in a transaction of its own with its one row in the log. A slice
is marked when all of its rows are done. Whoever takes up a slice that a killed process left skips the rows that have
ended, so that each revocation happens, and is logged, once.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import NamedTuple, TypeVar

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from proxies import history
from tokens import lifecycle
from tokens.lifecycle import Request
from tokens.models import BulkSlice, BulkWork, IssuedToken, RefreshKey, TokenFamily

ROWS_PER_SLICE = 200
SLICES_PER_RUN = 50
_SLICES_AT_ONCE = 100
What = BulkWork.What

Row = IssuedToken | TokenFamily | RefreshKey
Keep = Callable[[], None]
T = TypeVar("T")


class Done(NamedTuple):
    """What one run did."""

    rows: int
    ended: int
    works_finished: int


def start(
    what: str,
    rows: Iterable[int],
    *,
    by: str,
    because: str = "",
    chosen_by: str = "",
    address: str = "",
    at: datetime | None = None,
) -> BulkWork:
    """Ask for the revocation of these rows, each once; the background job begins within seconds."""
    now = at or timezone.now()
    with transaction.atomic():
        work = BulkWork.objects.create(
            what=What(what),
            by=by[:150],
            because=because[:200],
            chosen_by=chosen_by[:500],
            address=address[:45],
            total=0,
            created_at=now,
        )
        total = _keep_slices(work, rows)
        # Nothing to do is done at once.
        BulkWork.objects.filter(pk=work.pk).update(total=total, finished_at=None if total else now)
        after = {"what": work.what, "rows": total, "filter": work.chosen_by}
        history.record("start", work, by=by, at=now, note=because, after=after)
    work.refresh_from_db()
    return work


def _keep_slices(work: BulkWork, rows: Iterable[int]) -> int:
    """Written as they come, so that a million rows do not lie in memory; how many rows there were."""
    total = 0
    for some in _batches(enumerate(_batches(rows, ROWS_PER_SLICE)), _SLICES_AT_ONCE):
        made = [BulkSlice(work=work, number=number, rows=each) for number, each in some]
        BulkSlice.objects.bulk_create(made)
        total += sum(len(each.rows) for each in made)
    return total


def _batches(given: Iterable[T], size: int) -> Iterator[list[T]]:
    rest = iter(given)
    while some := list(islice(rest, size)):
        yield some


def pause(work: BulkWork, *, by: str, at: datetime | None = None) -> bool:
    """Go no further than the slice in work; False where it was paused or finished before."""
    now = at or timezone.now()
    return _moved(work, "pause", Q(paused_at=None, finished_at=None), by=by, at=now, paused_at=now, paused_by=by[:150])


def resume(work: BulkWork, *, by: str, at: datetime | None = None) -> bool:
    """Go on where it stopped; False where it was not paused."""
    now = at or timezone.now()
    return _moved(work, "resume", Q(paused_at__isnull=False), by=by, at=now, paused_at=None, paused_by="")


def _moved(work: BulkWork, verb: str, only: Q, *, by: str, at: datetime, **values: object) -> bool:
    with transaction.atomic():
        moved = BulkWork.objects.filter(only, pk=work.pk).update(**values)
        if moved:
            history.record(verb, work, by=by, at=at, **history.switched("paused", verb == "pause"))
    work.refresh_from_db()
    return bool(moved)


def waiting(*, up_to: int) -> int:
    """Rows that are still to be revoked, of what is not paused, counted no further than a person cares."""
    left = sum(total - done for total, done in _open().values_list("total", "done"))
    return min(left, up_to)


def _open() -> QuerySet[BulkWork]:
    return BulkWork.objects.filter(finished_at=None, paused_at=None).order_by("id")


def work_off(*, keep: Keep = lambda: None, slices: int = SLICES_PER_RUN, at: datetime | None = None) -> Done:
    """Do some slices, the oldest work first. `keep` is called before each row and may raise to stop."""
    rows = ended = finished = 0
    for _ in range(slices):
        work = _open().first()  # asked anew each time: somebody may have paused it
        if work is None:
            break
        part = BulkSlice.objects.filter(work=work, done_at=None).order_by("number").first()
        if part is not None:
            rows += len(part.rows)
            _revoke(work, part, keep, at)
            ended += _ended(work, part)
        finished += _mark(work, part, at or timezone.now())
    return Done(rows, ended, finished)


def _ended(work: BulkWork, part: BulkSlice) -> int:
    """Rows of the slice that were ended by this work, in this run or in one that was killed."""
    return _rows(work.what, part.rows).filter(revoked_by=work.by, revoked_at__gte=work.created_at).count()


def _revoke(work: BulkWork, part: BulkSlice, keep: Keep, at: datetime | None) -> None:
    """End what has not ended yet."""
    BulkWork.objects.filter(pk=work.pk, started_at=None).update(started_at=at or timezone.now())
    for row in _rows(work.what, part.rows).filter(revoked_at=None).iterator():
        keep()
        _revoke_one(work, row, at)


def _rows(what: str, keys: list[int]) -> QuerySet[Row]:
    found: QuerySet[Row]
    if what == What.TOKEN:
        found = IssuedToken.objects.select_related("family__credential", "family__user", "family__environment")
    elif what == What.FAMILY:
        found = TokenFamily.objects.select_related("credential", "user", "environment")
    else:
        found = RefreshKey.objects.select_related("family__credential", "family__user", "family__environment")
    return found.filter(pk__in=keys).order_by("pk")


def _revoke_one(work: BulkWork, row: Row, at: datetime | None) -> bool:
    asked = Request(address=work.address, actor=work.by)
    return revoke(row, by=work.by, because=work.because, request=asked, at=at)


def revoke(row: Row, *, by: str, because: str, request: Request, at: datetime | None = None) -> bool:
    """End one row by the function of its button; False where it was ended before."""
    if isinstance(row, IssuedToken):
        return lifecycle.revoke_token(row, by=by, because=because, request=request, at=at)
    if isinstance(row, TokenFamily):
        return lifecycle.revoke_family(row, by=by, because=because, request=request, at=at)
    return lifecycle.revoke_key(row, by=by, because=because, request=request, at=at)


def _mark(work: BulkWork, part: BulkSlice | None, now: datetime) -> int:
    """The slice is done, and the work where it was the last; 1 where it was."""
    with transaction.atomic():
        if part is not None and BulkSlice.objects.filter(pk=part.pk, done_at=None).update(done_at=now):
            ended = F("ended") + _ended(work, part)
            BulkWork.objects.filter(pk=work.pk).update(done=F("done") + len(part.rows), ended=ended)
        if BulkSlice.objects.filter(work=work, done_at=None).exists():
            return 0
        finished = BulkWork.objects.filter(pk=work.pk, finished_at=None).update(finished_at=now)
        if finished:
            work.refresh_from_db()
            history.record("finish", work, by="", at=now, after={"rows": work.total, "ended": work.ended})
        return finished


def selected(what: str, chosen: QuerySet[Row]) -> Iterator[int]:
    """The rows to revoke of the rows that a list showed: themselves, or their families, each once."""
    of_rows = chosen.model is TokenFamily or what != What.FAMILY
    name = "pk" if of_rows else "family_id"
    keys = chosen.order_by(name).values_list(name, flat=True)
    yield from (keys if of_rows else keys.distinct()).iterator(chunk_size=2_000)
