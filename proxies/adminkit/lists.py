"""Lists of any length: a count that stops, pages that end, and searches that an index answers."""

from collections.abc import Sequence
from typing import Any

from django.core.paginator import Paginator
from django.db import connection
from django.db.models import Q, QuerySet
from django.utils.functional import cached_property

MOST = 10_000


class BoundedPaginator(Paginator):
    """Counts up to MOST rows and no further, so that a page costs the same in a table of any size.

    Pages end there as well: whoever looks for something older narrows the list instead of leafing.
    """

    @cached_property
    def _counted(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by()[: MOST + 1].count()) if isinstance(rows, QuerySet) else len(rows)

    @property
    def more(self) -> bool:
        """True where there are more rows than were counted."""
        return self._counted > MOST

    @cached_property
    def count(self) -> int:
        """Rows that can be leafed through."""
        return min(self._counted, MOST)


def starting_with(lookup: str, term: str) -> Q:
    """A prefix that the index of the column answers on both databases."""
    if connection.vendor == "postgresql":
        return Q(**{f"{lookup}__startswith": term})
    # SQLite's LIKE reads the whole table; its index is in the order of code points.
    return Q(**{f"{lookup}__gte": term, f"{lookup}__lt": term + "\U0010ffff"})


def find_in(queryset: QuerySet[Any], term: str, exact: Sequence[str], prefix: Sequence[str]) -> QuerySet[Any]:
    """Rows by the first lookup that knows the term: each is one probe of an index, never a scan of the table."""
    ways = [Q(**{lookup: term}) for lookup in exact] + [starting_with(lookup, term) for lookup in prefix]
    for way in ways:
        if queryset.order_by().filter(way).exists():
            return queryset.filter(way)
    return queryset.none()
