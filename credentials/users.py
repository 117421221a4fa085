"""People: create, password, deactivate. Sole writer of User state (D31)."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.contrib.auth.models import Group, Permission
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_noop

from credentials.errors import InvalidCredential
from credentials.models import User
from proxies import history
from proxies.values import why_unfit

_CHANGEABLE = frozenset(("email", "first_name", "last_name"))
_FIELDS = frozenset(("username", "email", "first_name", "last_name", "is_staff", "is_superuser"))


def create_user(*, username: str, password: str | None, by: str, at: datetime | None = None, **fields: Any) -> User:
    """A new person; without a password nobody can log in as them."""
    now = at or timezone.now()
    if because := why_unfit(User, {"username": username, **fields}, _FIELDS):
        raise InvalidCredential(because)
    try:
        with transaction.atomic():
            made = User.objects.create_user(username, password=password, **fields)
            history.record("create", made, by=by, at=now, after={"username": username, **fields})
    except IntegrityError as taken:
        raise InvalidCredential(gettext_noop("This user name is taken.")) from taken
    return made


def may_act_on(actor: User, subject: User, *, handing_out: bool = False) -> bool:
    """Only a superuser acts on a superuser or hands out permissions: nobody lifts themselves up."""
    return bool(actor.is_superuser or not (handing_out or subject.is_superuser))


# What lets somebody become the person, or keeps the person out.
TAKING_OVER = frozenset(("set-password", "password-link", "reset-second-factor", "deactivate", "reactivate"))


def may_do(act: str, actor: User, subject: User) -> bool:
    """Whether one person may do this act of the users' screen to another: `may_act_on`, and more for taking over.

    Only who may do all that the subject may do takes the subject over: otherwise a clerk would be a colleague with
    more rights tomorrow. Rights count even while the subject is deactivated.
    """
    if not may_act_on(actor, subject, handing_out=act == "access"):
        return False
    return bool(actor.is_superuser) or act not in TAKING_OVER or rights_of(subject) <= rights_of(actor)


def rights_of(person: User) -> set[str]:
    """Every permission that was given to a person, singly or by a group, as `app.codename`."""
    given = Permission.objects.filter(Q(user=person) | Q(group__user=person)).order_by()
    return {f"{app}.{name}" for app, name in given.values_list("content_type__app_label", "codename")}


def check_password(password: str, *, username: str, email: str = "") -> None:
    """Raises InvalidCredential for a password that the installation's rules find too weak."""
    try:
        validate_password(password, User(username=username, email=email))
    except ValidationError as weak:
        raise InvalidCredential(" ".join(weak.messages)) from weak


def change_user(user: User, *, by: str, at: datetime | None = None, **fields: Any) -> None:
    """Change the e-mail address or the names of a person; never the user name, which log and history know them by."""
    now = at or timezone.now()
    if because := why_unfit(User, fields, _CHANGEABLE):
        raise InvalidCredential(because)
    with transaction.atomic():
        kept = User.objects.select_for_update().get(pk=user.pk)
        before = {name: getattr(kept, name) for name, value in fields.items() if getattr(kept, name) != value}
        if before:
            after = {name: fields[name] for name in before}
            User.objects.filter(pk=kept.pk).update(**after)
            history.record("change", kept, by=by, at=now, before=before, after=after)
    user.refresh_from_db()


def set_password(user: User, password: str, *, by: str, note: str = "", at: datetime | None = None) -> None:
    """A new password; every token of the person ends at once (D31)."""
    now = at or timezone.now()
    with transaction.atomic():
        user.set_password(password)
        User.objects.filter(pk=user.pk).update(password=user.password, generation=F("generation") + 1)
        history.record("change login", user, by=by, at=now, note=note, after={"tokens_ended": True})
    user.refresh_from_db()


def raise_all_generations() -> int:
    """End every token, refresh key and session of every person; how many. Passwords stay as they are."""
    return User.objects.update(generation=F("generation") + 1)


def deactivate(user: User, *, by: str, note: str = "", at: datetime | None = None) -> None:
    """Refuse the person; their tokens end at once and stay dead if they come back (D31)."""
    now = at or timezone.now()
    with transaction.atomic():
        active = User.objects.filter(pk=user.pk, is_active=True)
        if active.update(is_active=False, generation=F("generation") + 1):
            history.record("deactivate", user, by=by, at=now, note=note, **history.switched("active", False))
    user.refresh_from_db()


def reactivate(user: User, *, by: str, at: datetime | None = None) -> None:
    """Let the person log in again."""
    now = at or timezone.now()
    with transaction.atomic():
        if User.objects.filter(pk=user.pk, is_active=False).update(is_active=True):
            history.record("reactivate", user, by=by, at=now, **history.switched("active", True))
    user.refresh_from_db()


def set_access(
    user: User,
    *,
    is_staff: bool,
    groups: Iterable[Group],
    user_permissions: Iterable[Permission],
    by: str,
    at: datetime | None = None,
) -> None:
    """Replace what a person may do: entering the admin, groups, single permissions. It counts from the next request."""
    now = at or timezone.now()
    with transaction.atomic():
        kept = User.objects.select_for_update().get(pk=user.pk)
        before = _access_of(kept)
        User.objects.filter(pk=user.pk).update(is_staff=is_staff)
        kept.is_staff = is_staff
        user.groups.set(groups)
        user.user_permissions.set(user_permissions)
        history.record("set access", user, by=by, at=now, before=before, after=_access_of(kept))
    user.refresh_from_db()


def _access_of(person: User) -> dict[str, Any]:
    """What was given to a person, by name, as it is in the database now."""
    singly = person.user_permissions.order_by().values_list("content_type__app_label", "codename")
    return {
        "is_staff": person.is_staff,
        "groups": ", ".join(sorted(person.groups.order_by().values_list("name", flat=True))),
        "permissions": " ".join(sorted(f"{app}.{codename}" for app, codename in singly)),
    }
