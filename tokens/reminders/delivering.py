"""Working off the outbox: by mail and webhook, at least once, each under the id of its event."""

import logging
import time
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from django.utils import timezone

from credentials.errors import SealBroken
from tokens.errors import WebhookFailed, WebhookRefused
from tokens.models import Delivery
from tokens.reminders import mail, messages, outbox, webhooks

logger = logging.getLogger(__name__)
PER_RUN = 500
AT_ONCE = 50
SECONDS_PER_RUN = 60.0
Keep = Callable[[], None]


class Delivered(NamedTuple):
    """What one run did."""

    sent: int
    failed: int
    given_up: int


class _Run:
    """One run. A place that has just failed is left alone until the next one, so that others don't wait for it."""

    def __init__(self) -> None:
        self.sent = self.failed = self.given_up = 0
        self.troubled: set[int | None] = set()

    def waiting(self, now: datetime) -> list[Delivery]:
        rows = outbox.waiting(now).exclude(webhook__in=[key for key in self.troubled if key is not None])
        if None in self.troubled:
            rows = rows.exclude(webhook=None)
        return list(rows.select_related("reminder", "webhook").order_by("next_attempt_at", "pk")[:AT_ONCE])

    def deliver(self, delivery: Delivery, now: datetime) -> None:
        if delivery.webhook_id in self.troubled or not outbox.claim(delivery, now):
            return
        trouble = _send(delivery, now)
        if trouble is None:
            outbox.delivered(delivery, now)
            self.sent += 1
            return
        if trouble.of_place:
            self.troubled.add(delivery.webhook_id)
        self.failed += 1
        self.given_up += outbox.failed(delivery, trouble.why, now, for_good=trouble.for_good)
        logger.warning("reminder %s was not delivered: %s", delivery.reminder.event_id, trouble.why)


def deliver(*, keep: Keep = lambda: None, at: datetime | None = None) -> Delivered:
    """Send what is to be sent by now."""
    begun, now = time.monotonic(), at or timezone.now()
    run = _Run()
    run.given_up += outbox.give_up_killed(now)
    for _round in range(PER_RUN // AT_ONCE):
        for delivery in (found := run.waiting(now)):
            if time.monotonic() - begun > SECONDS_PER_RUN:
                return Delivered(run.sent, run.failed, run.given_up)
            run.deliver(delivery, at or timezone.now())
            keep()
        if not found:
            break
    return Delivered(run.sent, run.failed, run.given_up)


def _send(delivery: Delivery, now: datetime) -> mail.Trouble | None:
    reminder, webhook = delivery.reminder, delivery.webhook
    if webhook is None:
        return mail.send(reminder)
    try:
        webhooks.send(webhook, event_id=reminder.event_id, body=messages.payload(reminder), now=now)
    except (WebhookFailed, WebhookRefused) as trouble:
        return mail.Trouble(str(trouble))
    except SealBroken:
        return mail.Trouble("The secret of the webhook cannot be opened: see manage.py doctor.")
    return None
