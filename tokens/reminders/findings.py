"""What keeps reminders from reaching anybody, for the doctor. Reads only."""

from collections.abc import Iterator

from django.conf import settings
from django.db.models import Q

from credentials.models import ConnectionConfiguration, Credential
from tokens.models import Delivery
from tokens.reminders import webhooks
from tokens.surroundings import Finding

SHOWN = 5


def reminders() -> Iterator[Finding]:
    """Nowhere to send them, nobody's address, and those that were given up."""
    if settings.MAIL_IS_ON:
        yield from _without_address()
    elif not webhooks.in_use():
        yield Finding(
            False,
            "Mail is off and there is no webhook in use, so nobody is reminded of what expires.",
            "Set EMAIL_URL, or add a webhook in the admin: docs/reminders.md.",
        )
    if given_up := Delivery.objects.filter(dead_at__isnull=False).count():
        yield Finding(
            False,
            f"{given_up} reminders did not arrive and were given up.",
            "See why in the admin (Reminders, state Failed), and press Resend when it is mended.",
        )


def _without_address() -> Iterator[Finding]:
    holders = Q(proxy=None) | Q(proxy__owner_email=""), Q(group=None) | Q(group__owner_email="")
    clients = Credential.objects.filter(*holders, archived_at=None, owner_email="")
    connections = ConnectionConfiguration.objects.still_open().filter(owner_email="")
    for rows, word, way in (
        (clients, "credentials", "manage.py change_credential NAME --owner-email ADDRESS"),
        (connections, "connection configurations", "Change them in the admin"),
    ):
        if count := rows.count():
            names = ", ".join(str(row) for row in rows.order_by("pk")[:SHOWN])
            more = " and more" if count > SHOWN else ""
            yield Finding(
                False,
                f"{count} {word} have no owner's address, so nobody is reminded by mail of their end: {names}{more}.",
                f"{way}.",
            )
