"""Pages of the admin that belong to no model, and what the front page shows: floors above register theirs here."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest, HttpResponse

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


@dataclass(frozen=True, slots=True)
class AdminPage:
    """A page with an entry in the sidebar. `permission` is `app.codename`; empty: everybody who may enter.

    One that is `for_strangers` has no entry and asks for no login: it belongs to the way in.
    """

    name: str
    label: "StrOrPromise"
    path: str
    view: Callable[[HttpRequest], HttpResponse]
    section: str
    icon: str = "dot"
    place: int = 50
    permission: str = ""
    for_strangers: bool = False

    def allowed(self, request: HttpRequest) -> bool:
        """Whether this person may open it."""
        return not self.permission or request.user.has_perm(self.permission)


class MoreToProve(Exception):
    """The password was right and something else is asked for: raised by the login's form, with the answer to give."""

    def __init__(self, answer: HttpResponse) -> None:
        self.answer = answer
        super().__init__()


FrontPage = Callable[[HttpRequest], dict[str, Any]]
_pages: list[AdminPage] = []
_front: list[FrontPage] = []


def register_page(page: AdminPage) -> None:
    """Add a page. Called by an AppConfig."""
    if page.name not in {each.name for each in _pages}:
        _pages.append(page)


def pages() -> tuple[AdminPage, ...]:
    """All pages that were registered."""
    return tuple(_pages)


def register_front_page(provider: FrontPage) -> None:
    """Let a floor above fill the first page: context for templates/admin/index.html. Called by its admin module."""
    if provider not in _front:
        _front.append(provider)


def front_page(request: HttpRequest) -> dict[str, Any]:
    """What everyone who registered has for the first page."""
    return {name: value for provider in _front for name, value in provider(request).items()}
