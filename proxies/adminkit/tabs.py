"""Tabs of a page of one thing: links that work without script, each with tables of its own. Floors above add theirs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

# Rows shown of each kind; more are a link away.
MOST = 50


@dataclass(frozen=True, slots=True)
class Table:
    """Rows to look at. `empty` says what an empty one means and what to do; `more_url` is the list with all of them."""

    title: "StrOrPromise"
    headings: Sequence["StrOrPromise"]
    rows: Sequence[Sequence[Any]]
    empty: "StrOrPromise" = ""
    more_url: str = ""


@dataclass(frozen=True, slots=True)
class Tab:
    """Some tables about one thing. `permission` is `app.codename`; empty: whoever may see the page."""

    name: str
    label: "StrOrPromise"
    tables: Callable[[HttpRequest, Any], Sequence[Table]]
    permission: str = ""
    # The tab that also has the fields of the thing, and is shown first.
    first: bool = False

    def allowed(self, request: HttpRequest) -> bool:
        """Whether this person sees it."""
        return not self.permission or request.user.has_perm(self.permission)


def chosen_tab(request: HttpRequest, tabs: Sequence[Tab]) -> Tab | None:
    """The tab that the address names, among those that are allowed; the first for any other name."""
    allowed = [tab for tab in tabs if tab.allowed(request)]
    return next((tab for tab in allowed if tab.name == request.GET.get("tab")), allowed[0] if allowed else None)
