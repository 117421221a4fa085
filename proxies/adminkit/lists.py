"""Lists of any length: no count of the table, pages that end, searches that an index answers, and an end to waiting."""

from collections.abc import Sequence
from typing import Any

from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.core.paginator import InvalidPage, Paginator
from django.db import connection
from django.db.models import Exists, Model, OuterRef, Q, QuerySet
from django.http import HttpRequest

from proxies.time_limit import TooLong, answered_within

MOST = 10_000
LONGEST_SECONDS = 3.0


class BoundedPaginator(Paginator):
    """Pages over what was found, up to MOST: whoever looks for something older narrows the list instead of leafing."""

    @property
    def more(self) -> bool:
        """True where there are more rows than can be leafed through."""
        return len(self.object_list) > MOST

    @property
    def count(self) -> int:
        """Rows that can be leafed through."""
        return min(len(self.object_list), MOST)


class PortalChangeList(ChangeList):
    """A list that costs the same in a table of any size.

    The keys of what matches are fetched once, no more than can be leafed through; then the rows of one page. The first
    statement has no joins but those of its filters, and neither counts. A combination of filters that no index answers
    is stopped and says so.
    """

    too_long = False

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        """As a filter in use says, unless the viewer has chosen: what it narrows by is an index to read along."""
        wished = next((each for spec in self.filter_specs if (each := getattr(spec, "ordering", None))), None)
        if wished and not self.params.get("o"):
            return list(self._get_deterministic_ordering(list(wished)))  # type: ignore[attr-defined]
        return list(super().get_ordering(request, queryset))

    def get_ordering_field(self, field_name: Any) -> Any:
        """None for a column that the screen does not sort by, also where the address asks for it."""
        sortable = self.sortable_by is None or field_name in self.sortable_by
        return super().get_ordering_field(field_name) if sortable else None

    def get_results(self, request: HttpRequest) -> None:
        keys: list[Any] = []
        try:
            with answered_within(LONGEST_SECONDS):
                keys = list(
                    self.narrowed_for_page(self.queryset).select_related(None).values_list("pk", flat=True)[: MOST + 1]
                )
        except TooLong:
            keys, self.too_long = [], True
        paginator = self.model_admin.get_paginator(request, keys, self.list_per_page)  # type: ignore[arg-type]
        self.paginator, self.result_count = paginator, paginator.count
        self.can_show_all = self.result_count <= self.list_max_show_all
        self.multi_page = self.result_count > self.list_per_page
        self.show_full_result_count, self.full_result_count, self.show_admin_actions = False, None, True
        self.result_list: Any = self._rows(self._page(keys))
        self.model_admin.prepare_rows(self.result_list)  # type: ignore[attr-defined]
        allowed = self.model_admin.allowed_acts(request)  # type: ignore[attr-defined]
        for row in self.result_list:
            row.acts_allowed = allowed

    def narrowed_for_page(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The same first MOST rows, found with less reading. A list that knows no better looks at all."""
        return queryset

    def _page(self, keys: list[Any]) -> list[Any]:
        if (self.show_all and self.can_show_all) or not self.multi_page:
            return keys[: self.result_count]
        try:
            return list(self.paginator.page(self.page_num).object_list)
        except InvalidPage as wrong:
            raise IncorrectLookupParameters(wrong) from wrong

    def _rows(self, keys: list[Any]) -> list[Any]:
        found = self.apply_select_related(self.root_queryset).order_by().in_bulk(keys) if keys else {}
        return [found[key] for key in keys if key in found]


def starting_with(lookup: str, term: str) -> Q:
    """A prefix that the index of the column answers on both databases."""
    if connection.vendor == "postgresql":
        return Q(**{f"{lookup}__startswith": term})
    # SQLite's LIKE reads the whole table; its index is in the order of code points.
    return Q(**{f"{lookup}__gte": term, f"{lookup}__lt": term + "\U0010ffff"})


def find_in(queryset: QuerySet[Any], term: str, exact: Sequence[str], prefix: Sequence[str]) -> QuerySet[Any]:
    """Rows by the first lookup that knows the term: each is one probe of an index, never a scan of the table."""
    ways = [_exactly(queryset.model, lookup, term) for lookup in exact] + [starting_with(each, term) for each in prefix]
    for way in ways:
        if way is not None and queryset.order_by().filter(way).exists():
            return queryset.filter(way)
    return queryset.none()


def _exactly(model: type[Model], lookup: str, term: str) -> Q | None:
    """The lookup with what it points at found first; None where nothing has that name.

    PostgreSQL plans by how common a value is, and knows that of a key that it is given: joined, it takes an unknown
    name for an average one and reads the whole table to find nothing.
    """
    path, _, name = lookup.rpartition("__")
    if not path:
        return Q(**{lookup: term})
    for step in path.split("__"):
        model = model._meta.get_field(step).related_model  # type: ignore[assignment]  # a foreign key has one
    key = model._default_manager.filter(**{name: term}).values_list("pk", flat=True).first()
    return None if key is None else Q(**{path: key})


def through(queryset: QuerySet[Any], name: str, parents: QuerySet[Any]) -> QuerySet[Any]:
    """Rows whose `name` is one of the parents, for a list with the newest first.

    Few parents are looked up one by one; of many, each row asks for its own, and a page is full soon. Left to itself a
    database now and then sorts all rows of the many.
    """
    keys = list(parents.order_by().values_list("pk", flat=True)[: MOST + 1])
    if len(keys) <= MOST:
        return queryset.filter(**{f"{name}__in": parents.order_by().values("pk")})
    return queryset.filter(Exists(parents.order_by().filter(pk=OuterRef(f"{name}_id"))))
