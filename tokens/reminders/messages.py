"""What a reminder says: as JSON for webhooks, as plain text for mail. The same row always says the same."""

import json
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _

from tokens.models import Reminder

Kind, Stage = Reminder.Kind, Reminder.Stage


def moment(at: datetime) -> str:
    """UTC, in whole seconds."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def encoded(message: dict[str, Any]) -> bytes:
    """As it is signed and sent."""
    return json.dumps(message, separators=(",", ":")).encode()


def payload(reminder: Reminder) -> bytes:
    """The body of a webhook: type, timestamp and data, as the Standard Webhooks specification has them."""
    return encoded(
        {
            "type": f"reminder.{reminder.kind}",
            "timestamp": moment(reminder.created_at),
            "data": {
                "stage": reminder.stage,
                "due_at": moment(reminder.due_at),
                "subject": {"id": reminder.subject_id, "name": reminder.subject_name},
                "owner": {"name": reminder.owner_name, "email": reminder.owner_email},
                "url": link(reminder),
            },
        }
    )


def link(reminder: Reminder) -> str:
    """Where a person sees to it."""
    return f"{settings.PUBLIC_URL}{path(reminder)}"


def path(reminder: Reminder) -> str:
    """The page of its screen, or the admin's first page."""
    screen = reminder.screen.replace(".", "_")
    try:
        return reverse(f"admin:{screen}_change", args=[reminder.screen_id])
    except NoReverseMatch:
        return reverse("admin:index")


def subject(reminder: Reminder) -> str:
    """The line of a mail, on one line whatever a name holds."""
    return " ".join(f"[Latchkey] {sentence(reminder)}".split())[:200]


def sentence(reminder: Reminder) -> str:
    """What is to come, in a few words."""
    return _SENTENCES[Kind(reminder.kind)](reminder.stage) % {
        "name": reminder.subject_name,
        "day": f"{reminder.due_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC",
    }


def _ageing(stage: str) -> str:
    if stage == Stage.OVERDUE:
        return _("The connection token of %(name)s is overdue for rotation since %(day)s")
    return _("The connection token of %(name)s should be rotated, since %(day)s")


_SENTENCES = {
    Kind.CREDENTIAL: lambda _stage: _("The credential %(name)s expires on %(day)s"),
    Kind.SECRET: lambda _stage: _("A client secret of %(name)s retires on %(day)s"),
    Kind.CERTIFICATE: lambda _stage: _("A certificate of %(name)s expires on %(day)s"),
    Kind.GRANT: lambda _stage: _("The grant %(name)s expires on %(day)s"),
    Kind.LICENCE: lambda _stage: _("The licence of %(name)s ends on %(day)s"),
    Kind.CONNECTION_TOKEN: _ageing,
    Kind.REFRESH_KEY: lambda _stage: _("The refresh key for %(name)s expires on %(day)s"),
    Kind.PERSONAL_TOKEN: lambda _stage: _("The personal access token %(name)s expires on %(day)s"),
}


def _advice(kind: Reminder.Kind) -> str:
    return {
        Kind.CREDENTIAL: _("From then on it is refused. Move its last day, or tell its clients that it ends."),
        Kind.SECRET: _("From then on it is refused. See that every client uses the newer one."),
        Kind.CERTIFICATE: _("From then on it is refused. Add the next one, and then let the clients use it."),
        Kind.GRANT: _("From then on its tokens are refused there. Grant it again with a later day, or let it end."),
        Kind.LICENCE: _("Then its connection tokens are revoked, for good. Extend the licence before."),
        Kind.CONNECTION_TOKEN: _("Generate a new one, register it on all instances, then revoke the old one."),
        Kind.REFRESH_KEY: _("Then it gets no access tokens any more. Renew it, or make a new one."),
        Kind.PERSONAL_TOKEN: _("Then scripts that use it are refused. Make a new one on the page “Your tokens”."),
    }[kind]


def text(reminder: Reminder) -> str:
    """The body of a mail."""
    told = [
        f"{sentence(reminder)}.",
        _advice(Kind(reminder.kind)),
        link(reminder),
        _("You get this since you are named as its owner."),
    ]
    return "\n\n".join(told) + "\n"
