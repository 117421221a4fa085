"""Links by which people set their own password: invitations and resets. Sole writer of PasswordLink.

The secret stands behind the # of the address, which browsers send to nobody: it is in no log of a server or proxy.
"""

import smtplib
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from credentials import secrets, users
from credentials.errors import MailNotSent, PasswordLinkRefused, PasswordLinkState
from credentials.models import PasswordLink, User
from proxies import history
from proxies.sentences import Sentence

PATH = "set-password/"


class Made(NamedTuple):
    """A new link: the only moment it exists in clear. `mailed` says that it went to its person already."""

    address: str
    expires_at: datetime
    mailed: bool


def may_mail(person: User) -> bool:
    """Whether a link could be mailed to this person."""
    return bool(settings.MAIL_IS_ON and person.email)


def make(person: User, *, by: str, by_mail: bool = False, at: datetime | None = None) -> Made:
    """A link that sets this person's password once, for PASSWORD_LINK_LIFETIME_SECONDS; an earlier one ends.

    The password of before works until then. Raises PasswordLinkState where the person is deactivated or cannot be
    mailed, and MailNotSent where the mail server did not take it: then there is no link.
    """
    now = at or timezone.now()
    raw = secrets.make(secrets.PASSWORD_LINK)
    expires_at = now + timedelta(seconds=settings.PASSWORD_LINK_LIFETIME_SECONDS)
    with transaction.atomic():
        held = User.objects.select_for_update().get(pk=person.pk)
        if not held.is_active:
            raise PasswordLinkState(gettext_noop("This person is deactivated. Reactivate them first."))
        if by_mail and not may_mail(held):
            raise PasswordLinkState(
                gettext_noop("This person cannot be mailed: no e-mail address, or no EMAIL_URL is set.")
            )
        made = {"digest": secrets.digest(raw), "user_generation": held.generation, "made_by": by[:150]}
        PasswordLink.objects.update_or_create(
            person=held, defaults={**made, "created_at": now, "expires_at": expires_at}
        )
        history.record("make set-up link", held, by=by, at=now, after={"expires_at": expires_at, "mailed": by_mail})
    address = f"{settings.PUBLIC_URL}/admin/{PATH}#{raw}"
    if by_mail:
        _mail(held, address, expires_at)
    return Made(address, expires_at, by_mail)


def invite(*, by: str, by_mail: bool = False, at: datetime | None = None, **fields: Any) -> tuple[User, Made]:
    """A new person without a password, and the link by which they set one: both, or neither where it can't be mailed.

    Raises InvalidCredential, PasswordLinkState, MailNotSent.
    """
    with transaction.atomic():
        made = users.create_user(password=None, by=by, at=at, **fields)
        return made, make(made, by=by, by_mail=by_mail, at=at)


def _mail(person: User, address: str, expires_at: datetime) -> None:
    text = _(
        "Hello %(name)s,\n\nset your password for Latchkey here:\n\n%(address)s\n\n"
        "The link works once, until %(until)s UTC. If you did not expect it, tell whoever looks after Latchkey.\n"
    ) % {"name": person.get_username(), "address": address, "until": f"{expires_at:%Y-%m-%d %H:%M}"}
    message = EmailMessage(_("Set your password for Latchkey"), text, to=[person.email])
    try:
        message.send()
    except (smtplib.SMTPException, OSError, ValueError) as trouble:
        PasswordLink.objects.filter(person=person).delete()
        raise MailNotSent(
            Sentence(
                gettext_noop("The mail server did not take it ({kind}). No link was made."),
                kind=type(trouble).__name__,
            )
        ) from None


def use(shown: str, password: str, *, at: datetime | None = None) -> User:
    """Set the password of whom a link is for; the link is gone and all tokens of the person end (D31).

    `shown` is the secret or the whole address. Raises PasswordLinkRefused for whatever does not work now, and
    InvalidCredential for a weak password, after which the link still works.
    """
    now = at or timezone.now()
    raw = shown.strip().rpartition("#")[2]
    link = _live(raw, now)
    users.check_password(password, username=link.person.username, email=link.person.email)
    with transaction.atomic():
        # Of two who show it at once, one finds it.
        if not PasswordLink.objects.filter(pk=link.pk, digest=link.digest).delete()[0]:
            raise PasswordLinkRefused
        users.set_password(link.person, password, by=link.person.get_username(), note="by a link", at=now)
    return link.person


def _live(raw: str, now: datetime) -> PasswordLink:
    if secrets.kind_of(raw) != secrets.PASSWORD_LINK:
        raise PasswordLinkRefused
    found = PasswordLink.objects.select_related("person").filter(digest__in=secrets.digests(raw)).first()
    if (
        found is None
        or found.expires_at <= now
        or not found.person.is_active
        or found.user_generation != found.person.generation
    ):
        raise PasswordLinkRefused
    return found
