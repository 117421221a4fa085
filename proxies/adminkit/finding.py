"""Find anything: one box on every page that looks through everything its viewer may see.

A screen says by which columns its rows are known; floors above add what is no screen's row, such as a pasted token.
What was typed comes by POST, since a token might be in it, and it is neither logged nor put into an address.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from operator import attrgetter
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from proxies.adminkit.lists import starting_with
from proxies.time_limit import TooLong, answered_within

# Rows shown of each kind; more are a link away.
MOST = 6
LONGEST_SECONDS = 2.0
# A word of this length may be a secret: it is not shown again, and no address is made of it.
SECRET_LENGTH = 40


class Found(NamedTuple):
    """One thing that was found: its name, its page, and what tells it from others of that name."""

    label: str
    url: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class FoundGroup:
    """What was found of one kind, and where all of it is."""

    title: str
    icon: str
    rows: tuple[Found, ...]
    more_url: str = ""


@dataclass(frozen=True, slots=True)
class Words:
    """By which columns a screen's rows are found: exactly, by their beginning (both by an index), or by a part.

    `within` reads a table, so it is for tables that people fill, not machines. `detail` names the attribute that tells
    rows apart.
    """

    exact: tuple[str, ...] = ()
    prefix: tuple[str, ...] = ()
    within: tuple[str, ...] = ()
    detail: str = ""

    def conditions(self, term: str) -> Iterator[Q]:
        """One for each column, the surest first."""
        yield from (Q(**{name: term}) for name in self.exact)
        yield from (starting_with(name, term) for name in self.prefix)
        yield from (Q(**{f"{name}__icontains": term}) for name in self.within)


# Gets request and term; answers a group, or None.
Finder = Callable[[HttpRequest, str], FoundGroup | None]
_finders: list[Finder] = []


def register_finder(finder: Finder) -> None:
    """Let a floor above find what is no row of a screen. Called by its admin module."""
    if finder not in _finders:
        _finders.append(finder)


def may_be_secret(term: str) -> bool:
    """Whether what was typed is too long for a name: it is not shown again."""
    return any(len(word) >= SECRET_LENGTH for word in term.split())


def find_anything(
    request: HttpRequest, screens: Iterable[Any], sections: Iterable[Any], term: str
) -> tuple[list[FoundGroup], bool]:
    """What the viewer may see of it, by kind; and whether the database took too long, so that some may be missing."""
    found: list[FoundGroup] = []
    try:
        with answered_within(LONGEST_SECONDS):
            found += [group for finder in _finders if (group := finder(request, term))]
            found += [group for screen in screens if (group := _of_screen(request, screen, term))]
    except TooLong:
        return [*found, *_screens(sections, term)], True
    return [*found, *_screens(sections, term)], False


def _of_screen(request: HttpRequest, screen: Any, term: str) -> FoundGroup | None:
    words: Words | None = getattr(screen, "words", None)
    if words is None or not screen.has_view_permission(request):
        return None
    related = screen.list_select_related
    queryset = screen.get_queryset(request).order_by()
    rows = list(islice(_rows(queryset.select_related(*related) if related else queryset, words, term), MOST + 1))
    if not rows:
        return None
    more = "" if len(rows) <= MOST or may_be_secret(term) else _listing(screen, term)
    shown = tuple(Found(str(row), _page_of(row), _told(row, words.detail)) for row in rows[:MOST])
    return FoundGroup(capfirst(str(screen.opts.verbose_name_plural)), screen.icon, shown, more)


def _rows(queryset: QuerySet[Any], words: Words, term: str) -> Iterator[Model]:
    """Each row once, the surest first; later columns are only asked while there is room."""
    seen: set[Any] = set()
    for condition in words.conditions(term):
        for row in queryset.filter(condition)[: MOST + 1]:
            if row.pk not in seen:
                seen.add(row.pk)
                yield row


def _told(row: Model, path: str) -> str:
    return str(attrgetter(path)(row)) if path else ""


def _page_of(row: Model) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


def _listing(screen: Any, term: str) -> str:
    listing = reverse(f"admin:{screen.opts.app_label}_{screen.opts.model_name}_changelist")
    return f"{listing}?{urlencode({'q': term})}"


def _screens(sections: Iterable[Any], term: str) -> Sequence[FoundGroup]:
    """Screens of that name."""
    entries = [entry for part in sections for entry in part["models"] if entry["admin_url"]]
    rows = tuple(
        Found(str(entry["name"]), entry["admin_url"]) for entry in entries if term.lower() in str(entry["name"]).lower()
    )
    return [FoundGroup(_("Screens"), "dashboard", rows[:MOST])] if rows else []
