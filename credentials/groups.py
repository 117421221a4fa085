"""Groups of people and what they may do. Sole writer of Group (R34)."""

from collections.abc import Iterable
from datetime import datetime

from django.contrib.auth.models import Group, Permission
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext_noop

from credentials.errors import InvalidCredential
from proxies import history
from proxies.values import why_unfit


def add_group(*, name: str, permissions: Iterable[Permission], by: str, at: datetime | None = None) -> Group:
    """A new group. Raises InvalidCredential for a name that is taken."""
    now = at or timezone.now()
    if because := why_unfit(Group, {"name": name}, ("name",)):
        raise InvalidCredential(because)
    try:
        with transaction.atomic():
            made = Group.objects.create(name=name)
            made.permissions.set(permissions)
            history.record("create", made, by=by, at=now, after={"permissions": names_of(made)})
    except IntegrityError as taken:
        raise InvalidCredential(gettext_noop("There is a group of this name.")) from taken
    return made


def set_permissions(group: Group, permissions: Iterable[Permission], *, by: str, at: datetime | None = None) -> None:
    """Replace what its members may do. It counts from the next request (R33)."""
    now = at or timezone.now()
    with transaction.atomic():
        kept = Group.objects.select_for_update().get(pk=group.pk)
        before = names_of(kept)
        kept.permissions.set(permissions)
        after = names_of(kept)
        if after != before:
            history.record(
                "set access", kept, by=by, at=now, before={"permissions": before}, after={"permissions": after}
            )


def names_of(group: Group) -> str:
    """What its members may do, by name."""
    found = group.permissions.values_list("content_type__app_label", "codename")
    return " ".join(sorted(f"{app}.{codename}" for app, codename in found))
