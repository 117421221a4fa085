"""Who answers for what (D43): the rows of one owner, and those for which nobody answers any more."""

from typing import TypeVar

from django.contrib.auth import get_user_model
from django.db.models import Model, Q, QuerySet

M = TypeVar("M", bound=Model)
OWNER_FIELDS = ("owner_name", "owner_team", "owner_email")


def of_owner(rows: QuerySet[M], text: str) -> QuerySet[M]:
    """Rows whose owner, team or e-mail address contains the text."""
    wanted = Q(owner_name__icontains=text) | Q(owner_team__icontains=text) | Q(owner_email__icontains=text)
    return rows.filter(wanted)


def orphans(rows: QuerySet[M]) -> QuerySet[M]:
    """Rows that nobody answers for.

    Unset: no owner, team or address. Deactivated: the owner, by user name or address, is a person who was deactivated,
    whatever the team is. Missing: a name that is no person here, with neither team nor address to turn to.
    """
    people = get_user_model()._default_manager.order_by()
    gone = people.filter(is_active=False)
    unset = Q(owner_name="", owner_team="", owner_email="")
    deactivated = Q(owner_name__in=gone.values("username")) | Q(owner_email__in=gone.exclude(email="").values("email"))
    missing = Q(owner_team="", owner_email="") & ~Q(owner_name__in=people.values("username"))
    return rows.filter(unset | deactivated | missing)
