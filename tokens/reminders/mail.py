"""Reminders by mail."""

import re
import smtplib
from email.utils import parseaddr
from http import HTTPStatus
from typing import NamedTuple

from django.conf import settings
from django.core.mail import EmailMessage

from tokens.models import Reminder
from tokens.reminders import messages

REFUSED = HTTPStatus.INTERNAL_SERVER_ERROR.value  # SMTP: 5xx is for good as well
_DOMAIN = re.compile(r"[A-Za-z0-9.-]+", re.ASCII)


class Trouble(NamedTuple):
    """Why something was not taken, in the words of this program.

    `for_good`: another attempt is in vain. `of_place`: the next one there would fare no better now.
    """

    why: str
    for_good: bool = False
    of_place: bool = True


def send(reminder: Reminder) -> Trouble | None:
    """One mail to the owner; None where the mail server took it. The Message-ID is that of the event."""
    message = EmailMessage(
        messages.subject(reminder),
        messages.text(reminder),
        to=[reminder.owner_email],
        headers={"Message-ID": f"<{reminder.event_id}@{_domain()}>", "Auto-Submitted": "auto-generated"},
    )
    try:
        message.send()
    except smtplib.SMTPRecipientsRefused as refused:
        codes = [code for code, _ in refused.recipients.values()]
        return Trouble("The mail server refused the owner's address.", min(codes, default=0) >= REFUSED, of_place=False)
    except smtplib.SMTPAuthenticationError:
        return Trouble("The mail server did not take the user and password of EMAIL_URL.")
    except (smtplib.SMTPException, OSError, ValueError) as trouble:
        return Trouble(f"The mail server did not take it ({type(trouble).__name__}).")
    return None


def _domain() -> str:
    found = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2]
    return found if _DOMAIN.fullmatch(found) else "latchkey.invalid"
