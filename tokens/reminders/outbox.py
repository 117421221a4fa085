"""The outbox of reminders: written by a sweep, worked off by deliveries. Sole writer of Reminder and Delivery.

Each step is one statement or one transaction, so a sweep may be doubled or killed anywhere: the unique constraint says
that a stage is told once, and what was written without its deliveries gets them by the next sweep. An attempt is
counted before it is made: who is killed between sending and marking leaves a row that is sent again, with the same id.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import NamedTuple

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from credentials import secrets
from proxies import history
from tokens import reminder_rules
from tokens.errors import NobodyToRemind
from tokens.models import Delivery, Reminder, Webhook
from tokens.reminders import subjects
from tokens.reminders.subjects import Found

AT_ONCE = 200
_UNDONE = Q(delivered_at=None, dead_at=None)
Keep = Callable[[], None]


class Swept(NamedTuple):
    """What one sweep did."""

    reminders: int
    deliveries: int
    forgotten: int


def sweep(*, keep: Keep = lambda: None, at: datetime | None = None) -> Swept:
    """Write what is due to be told and was not yet, with a delivery for each place it goes to; forget what is old."""
    now = at or timezone.now()
    found = subjects.due(now)
    while part := list(islice(found, AT_ONCE)):
        _write(part, now)
        keep()
    reminders = deliveries = 0
    for reminder in _unaddressed():
        made = _address(reminder, now)
        reminders, deliveries = reminders + (made is not None), deliveries + (made or 0)
        keep()
    return Swept(reminders, deliveries, _forget(now))


def _write(part: list[Found], now: datetime) -> None:
    """What is there already is left as it is; of two sweeps at once the constraint lets one row in."""
    numbers = [each.subject_id for each in part]
    known = set(
        Reminder.objects.filter(kind__in={each.kind for each in part}, subject_id__in=numbers).values_list(
            "kind", "subject_id", "stage", "due_at"
        )
    )
    fresh = [each for each in part if (each.kind, each.subject_id, each.stage, each.due_at) not in known]
    if fresh:
        rows = [Reminder(event_id=f"msg_{secrets.random_name()}", created_at=now, **each._asdict()) for each in fresh]
        Reminder.objects.bulk_create(rows, ignore_conflicts=True)


def _unaddressed() -> Iterator[Reminder]:
    last = 0
    while part := list(Reminder.objects.filter(addressed_at=None, pk__gt=last).order_by("pk")[:AT_ONCE]):
        yield from part
        last = part[-1].pk


def _address(reminder: Reminder, now: datetime) -> int | None:
    """Write its deliveries; None where another sweep does it at this moment."""
    with transaction.atomic():
        if Reminder.objects.filter(pk=reminder.pk, addressed_at=None).update(addressed_at=now) == 0:
            return None
        return _deliver_to(reminder, now)


def _deliver_to(reminder: Reminder, now: datetime) -> int:
    """A delivery for the owner's mail and each webhook in use, where there is none yet."""
    places: list[Webhook | None] = list(Webhook.objects.filter(paused_at=None, archived_at=None))
    if settings.MAIL_IS_ON and reminder.owner_email:
        places.append(None)
    taken = set(reminder.deliveries.values_list("webhook_id", flat=True))
    rows = [
        Delivery(reminder=reminder, webhook=place, next_attempt_at=now)
        for place in places
        if (place and place.pk) not in taken
    ]
    Delivery.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def _forget(now: datetime) -> int:
    """What grows old without being seen to is told again after REMINDER_HISTORY_DAYS."""
    old = now - timedelta(days=settings.REMINDER_HISTORY_DAYS)
    gone = list(Reminder.objects.filter(created_at__lt=old, due_at__lt=now).values_list("pk", flat=True)[:10_000])
    Delivery.objects.filter(reminder__in=gone).delete()
    return Reminder.objects.filter(pk__in=gone).delete()[0]


# --- Deliveries -----------------------------------------------------------------------------------------------------


def waiting(now: datetime) -> QuerySet[Delivery]:
    """What is to be sent now. Webhooks that are paused wait; an archived one is told nothing more."""
    ready = Q(webhook=None) | Q(webhook__paused_at=None, webhook__archived_at=None)
    return Delivery.objects.filter(_UNDONE, ready, next_attempt_at__lte=now)


def claim(delivery: Delivery, now: datetime) -> bool:
    """Count an attempt that is about to be made; False where another has taken or settled it meanwhile."""
    number = delivery.attempts + 1
    taken = Delivery.objects.filter(_UNDONE, pk=delivery.pk, attempts=delivery.attempts, next_attempt_at__lte=now)
    if (
        taken.update(attempts=number, last_attempt_at=now, next_attempt_at=reminder_rules.next_attempt(number, now))
        == 0
    ):
        return False
    delivery.attempts = number
    return True


def delivered(delivery: Delivery, now: datetime) -> None:
    """It arrived."""
    Delivery.objects.filter(_UNDONE, pk=delivery.pk).update(delivered_at=now, last_error="")


def failed(delivery: Delivery, why: str, now: datetime, *, for_good: bool = False) -> bool:
    """It did not; True where it is given up, since it was the last attempt or another would not help."""
    dead = for_good or reminder_rules.is_last(delivery.attempts)
    rows = Delivery.objects.filter(_UNDONE, pk=delivery.pk)
    rows.update(last_error=why[:200], dead_at=now if dead else None)
    return dead


def give_up_killed(now: datetime) -> int:
    """A process that was killed in the last attempt could not say so; how many such there were."""
    rows = Delivery.objects.filter(_UNDONE, attempts__gte=reminder_rules.MOST_ATTEMPTS, next_attempt_at__lte=now)
    return rows.update(dead_at=now, last_error="The last attempt was interrupted.")


def resend(reminder: Reminder, *, by: str, at: datetime | None = None) -> int:
    """Send it again to whoever answers for it now, and every webhook, under the same event id; to how many places.

    Raises NobodyToRemind.
    """
    now = at or timezone.now()
    owner = subjects.owner_now(reminder)
    with transaction.atomic():
        Reminder.objects.filter(pk=reminder.pk).update(owner_name=owner.name, owner_email=owner.email)
        reminder.refresh_from_db()
        rows = reminder.deliveries.filter(Q(webhook=None) | Q(webhook__archived_at=None))
        if not (settings.MAIL_IS_ON and owner.email):
            rows = rows.exclude(webhook=None)
        again = rows.update(attempts=0, next_attempt_at=now, delivered_at=None, dead_at=None)
        again += _deliver_to(reminder, now)
        if again == 0:
            raise NobodyToRemind
        Reminder.objects.filter(pk=reminder.pk, addressed_at=None).update(addressed_at=now)
        history.record("resend", reminder, by=by, at=now, note=reminder.event_id)
    return again


def with_counts() -> QuerySet[Reminder]:
    """Reminders with their deliveries, in two SELECTs."""
    return Reminder.objects.prefetch_related("deliveries__webhook").order_by(F("id").desc())


STATES = ("failed", "waiting", "delivered", "nowhere")


def in_state(rows: QuerySet[Reminder], state: str) -> QuerySet[Reminder]:
    """Those with a delivery that failed or waits, those that have arrived everywhere, those that went nowhere."""
    of_it = Delivery.objects.filter(reminder=OuterRef("pk"))
    dead = Q(dead_at__isnull=False)
    return rows.filter(
        {
            "failed": Exists(of_it.filter(dead)),
            "waiting": Exists(of_it.filter(_UNDONE)),
            "delivered": Exists(of_it) & ~Exists(of_it.filter(dead | _UNDONE)),
            "nowhere": ~Exists(of_it),
        }[state]
    )
