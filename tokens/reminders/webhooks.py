"""Webhooks: add, change, exchange the secret, pause, archive, try. Sole writer of Webhook."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from credentials import secrets
from proxies import history
from proxies.adminkit import ImpactLine
from proxies.values import why_unfit
from tokens.errors import WebhookRefused
from tokens.models import Webhook
from tokens.reminders import messages, outbound, signatures

# Both secrets sign so long after an exchange.
EARLIER_SECRET_LASTS = timedelta(days=1)


class Made(NamedTuple):
    """A webhook and its secret: the only moment the secret exists in clear outside of a delivery."""

    webhook: Webhook
    secret: str


def seal_context(webhook: Webhook) -> str:
    """What binds its secrets to its row."""
    return f"tokens_webhook:{webhook.identifier}:secret"


def add(*, name: str, url: str, by: str, at: datetime | None = None) -> Made:
    """A webhook that is told of every reminder from now on. Its secret is shown once. Raises WebhookRefused."""
    now = at or timezone.now()
    _check(name, url)
    secret = signatures.make_secret()
    webhook = Webhook(name=name, url=url, identifier=secrets.random_name(), created_at=now)
    webhook.sealed_secret = secrets.seal(secret.encode(), context=seal_context(webhook))
    with _named_once(), transaction.atomic():
        webhook.save(force_insert=True)
        history.record("add", webhook, by=by, at=now, after={"host": outbound.target(url).named})
    return Made(webhook, secret)


def change(webhook: Webhook, *, name: str, url: str, by: str, at: datetime | None = None) -> None:
    """Another name or address; the secret stays. Raises WebhookRefused."""
    now = at or timezone.now()
    _check(name, url)
    before = {"name": webhook.name, "host": host(webhook)}
    with _named_once(), transaction.atomic():
        Webhook.objects.filter(pk=webhook.pk).update(name=name, url=url)
        webhook.refresh_from_db()
        after = {"name": webhook.name, "host": host(webhook)}
        history.record("change", webhook, by=by, at=now, before=before, after=after)


def rotate_secret(webhook: Webhook, *, by: str, at: datetime | None = None) -> str:
    """The new secret, shown once. The earlier one signs beside it for a day, so that the receiver has time."""
    now = at or timezone.now()
    secret = signatures.make_secret()
    with transaction.atomic():
        held = Webhook.objects.select_for_update().get(pk=webhook.pk)
        Webhook.objects.filter(pk=webhook.pk).update(
            sealed_secret=secrets.seal(secret.encode(), context=seal_context(held)),
            sealed_earlier_secret=held.sealed_secret,
            earlier_secret_until=now + EARLIER_SECRET_LASTS,
        )
        until = {"earlier_one_until": now + EARLIER_SECRET_LASTS}
        history.record("rotate secret", webhook, by=by, at=now, after=until)
    webhook.refresh_from_db()
    return secret


def pause(webhook: Webhook, *, by: str, at: datetime | None = None) -> bool:
    """Send it nothing for now; what is waiting waits, and what comes meanwhile is not written for it."""
    return _set(webhook, "pause", by=by, at=at, only={"paused_at": None}, paused_at=at or timezone.now(), paused_by=by)


def resume(webhook: Webhook, *, by: str, at: datetime | None = None) -> bool:
    """Send it what waits, and what comes."""
    return _set(webhook, "resume", by=by, at=at, only={"paused_at__isnull": False}, paused_at=None, paused_by="")


def archive(webhook: Webhook, *, by: str, at: datetime | None = None) -> bool:
    """For good: its secrets are erased, it is told nothing more, and its deliveries stay for the record."""
    now = at or timezone.now()
    erased: dict[str, object] = {"url": "", "sealed_earlier_secret": None, "earlier_secret_until": None}
    erased["sealed_secret"] = secrets.seal(b"", context=seal_context(webhook))
    # Its name is free again.
    erased["name"] = f"{webhook.name[:60]} ({now:%Y-%m-%d %H:%M:%S})"
    return _set(webhook, "archive", by=by, at=now, only={"archived_at": None}, archived_at=now, **erased)


# What an act switches, and to what.
_SWITCHES = {"pause": ("paused", True), "resume": ("paused", False), "archive": ("archived", True)}


def _set(
    webhook: Webhook, verb: str, *, by: str, at: datetime | None, only: dict[str, object], **values: object
) -> bool:
    with transaction.atomic():
        done = Webhook.objects.filter(pk=webhook.pk, **only).update(**values)
        if done:
            history.record(verb, webhook, by=by, at=at or timezone.now(), **history.switched(*_SWITCHES[verb]))
    webhook.refresh_from_db()
    return bool(done)


def impact_lines(subject: object, act: str) -> list[ImpactLine]:
    """What archiving a webhook would lose."""
    if not isinstance(subject, Webhook) or act != "archive":
        return []
    waiting = subject.deliveries.filter(delivered_at=None, dead_at=None)
    return [ImpactLine(_("Reminders that wait for it"), waiting.count())]


def send_test(webhook: Webhook, *, by: str, at: datetime | None = None) -> int:
    """Send a message of the type `webhook.test` now; the status of the answer. Raises WebhookRefused, WebhookFailed."""
    now = at or timezone.now()
    body = messages.encoded({"type": "webhook.test", "timestamp": messages.moment(now), "data": {"asked_for_by": by}})
    return send(webhook, event_id=f"msg_{secrets.random_name()}", body=body, now=now)


def send(webhook: Webhook, *, event_id: str, body: bytes, now: datetime) -> int:
    """One signed POST; the status of the answer. Raises WebhookRefused, WebhookFailed."""
    signed = signatures.headers(_secrets(webhook, now), event_id=event_id, timestamp=int(now.timestamp()), body=body)
    return outbound.post(webhook.url, body, {"Content-Type": "application/json", "User-Agent": "Latchkey", **signed})


def host(webhook: Webhook) -> str:
    """Host and port of its address: what lists and the history show."""
    try:
        return outbound.target(webhook.url).named
    except WebhookRefused:  # archived, or the settings allow it no more
        return "-"


def in_use() -> bool:
    """True where any webhook is told of reminders."""
    return Webhook.objects.filter(paused_at=None, archived_at=None).exists()


def _secrets(webhook: Webhook, now: datetime) -> list[str]:
    both = webhook.earlier_secret_until is not None and now < webhook.earlier_secret_until
    sealed = (webhook.sealed_secret, webhook.sealed_earlier_secret if both else None)
    return [secrets.unseal(each, context=seal_context(webhook)).decode() for each in sealed if each is not None]


def _check(name: str, url: str) -> None:
    if because := why_unfit(Webhook, {"name": name, "url": url}, ("name", "url")):
        raise WebhookRefused(because)
    outbound.target(url)


@contextmanager
def _named_once() -> Iterator[None]:
    """Turns the constraint's refusal into a sentence."""
    try:
        yield
    except IntegrityError:
        raise WebhookRefused(gettext_noop("There is a webhook of this name.")) from None
