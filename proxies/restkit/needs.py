"""What an action of the management API needs, and who has it (R34, I22)."""

from dataclasses import dataclass
from typing import Any

from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from proxies.restkit.problems import InsufficientScope

# The scope of what is one's own and no personal access token can do.
OWN = ""


@dataclass(frozen=True, slots=True)
class Need:
    """Of one action: the permission of the person, the scope of a personal access token, and what kind of act it is.

    `permission` is `app.codename`, `also` are more of them; empty, everybody has it for what is their own. `act` names
    the act of the admin's screen that does the same. A `dangerous` one tells its impact and wants the name; an `edit`
    is made to a version (If-Match); what `answers_secret` is kept by nobody.
    """

    permission: str
    scope: str
    also: tuple[str, ...] = ()
    act: str = ""
    dangerous: bool = False
    edit: bool = False
    answers_secret: bool = False


class MayDo(BasePermission):
    """The permission that the view names for the action, and for a personal access token its scope as well.

    A token only narrows: the person's permissions are looked up anew each time.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        """True where both are there. Raises InsufficientScope where the token is what is missing."""
        if view.action in (None, "metadata"):
            return True  # the method is not allowed here, which the framework says next
        need: Need | None = view.needs.get(view.action)
        return need is not None and has(request, need)


def has(request: Request, need: Need) -> bool:
    """True where the person may and the token, if it is a personal one, is for it. Raises InsufficientScope."""
    if not request.user.is_authenticated:
        return False
    if need.permission and not request.user.has_perms((need.permission, *need.also)):
        return False
    limited_to: frozenset[str] | None = getattr(request.auth, "limited_to", None)
    if limited_to is not None and need.scope not in limited_to:
        raise InsufficientScope(need.scope)
    return True


def allow(request: Request, need: Need) -> None:
    """For what takes more than the action itself. Raises PermissionDenied or InsufficientScope."""
    if not has(request, need):
        raise PermissionDenied
