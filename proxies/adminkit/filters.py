"""Filters of lists that never look at the table to know what can be chosen."""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

from proxies.ownership import of_owner, orphans

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


class ChosenFilter(admin.SimpleListFilter):
    """Some named conditions, none of which is asked of the table to be offered."""

    conditions: "dict[str, StrOrPromise]" = {}

    def lookups(self, request: HttpRequest, model_admin: Any) -> "list[tuple[str, StrOrPromise]]":
        return list(self.conditions.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        return self.narrowed(queryset, value) if value in self.conditions else queryset

    def narrowed(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        """Rows of one condition."""
        raise NotImplementedError


class TextFilter(admin.SimpleListFilter):
    """A field to type into. Subclasses name title, parameter and lookup."""

    template = "admin/text_filter.html"
    lookup = ""
    placeholder: "StrOrPromise" = ""

    def suggestions(self) -> Iterable[str]:
        """What the field offers to choose from; other text is allowed."""
        return ()

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("", "")]  # one choice, or the admin leaves the filter out

    def choices(self, changelist: Any) -> Iterator[Any]:
        self.others = kept(changelist, self.parameter_name)
        yield {
            "selected": not self.value(),
            "query_string": changelist.get_query_string(remove=[self.parameter_name]),
            "display": _("All"),
        }
        if value := self.value():
            yield {"selected": True, "query_string": "", "display": value}

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = (self.value() or "").strip()
        return self.narrowed(queryset, value) if value else queryset

    def narrowed(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        """Rows with that value."""
        return queryset.filter(**{self.lookup or str(self.parameter_name): value})


class OwnerFilter(TextFilter):
    """Who answers for it: a person, a team, an e-mail address, or part of one."""

    title = gettext_lazy("owner, team or e-mail")
    parameter_name = "owner"

    def narrowed(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        return of_owner(queryset, value)


class OrphanFilter(ChosenFilter):
    """What nobody answers for (any more)."""

    title = gettext_lazy("responsibility")
    parameter_name = "orphans"
    conditions = {"yes": gettext_lazy("Nobody answers for it")}

    def narrowed(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        return orphans(queryset)


def kept(changelist: Any, *without: str | None) -> list[tuple[str, str]]:
    """The parameters of a list except these and the page."""
    return [
        (name, value)
        for name, values in changelist.filter_params.items()
        if name not in without and name != "p"
        for value in (values if isinstance(values, list) else [values])
    ]


class PeriodFilter(admin.FieldListFilter):
    """A time from one day to another (UTC, both included), with the usual periods as links."""

    template = "admin/period_filter.html"
    # Days from now: (label, first, last); None is open.
    periods: "tuple[tuple[StrOrPromise, int | None, int | None], ...]" = (
        (gettext_lazy("Today"), 0, 0), (gettext_lazy("Past 7 days"), -6, 0), (gettext_lazy("Past 30 days"), -29, 0),
        (gettext_lazy("Past 90 days"), -89, 0),
    )  # fmt: skip

    def __init__(self, *args: Any, field_path: str, **kwargs: Any) -> None:
        self.path = field_path
        self.names = (f"{field_path}__from", f"{field_path}__to")
        super().__init__(*args, field_path=field_path, **kwargs)  # type: ignore[misc]
        try:
            first, last = (self._given(name) for name in self.names)
            self.since, self.until = _start(first), _end(last)
        except (ValueError, OverflowError) as wrong:
            raise IncorrectLookupParameters(wrong) from wrong
        self.first, self.last = (each.date() if isinstance(each, datetime) else each for each in (first, last))
        self.chosen = (first, last)

    def expected_parameters(self) -> list[str | None]:
        return list(self.names)

    def _given(self, name: str) -> date | None:
        """A day, or a moment: an address may be more precise than the form."""
        given = self.used_parameters.get(name)
        text = str((given[-1] if isinstance(given, list) else given) or "")
        if len(text) > len("2026-01-01"):
            return datetime.fromisoformat(text).replace(tzinfo=UTC)
        return date.fromisoformat(text) if text else None

    @property
    def ordering(self) -> tuple[str, ...]:
        """The newest first."""
        return (f"-{self.path}",) if any(self.chosen) else ()

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.since:
            queryset = queryset.filter(**{f"{self.path}__gte": self.since})
        if self.until:
            queryset = queryset.filter(**{f"{self.path}__lt": self.until})
        return queryset

    def choices(self, changelist: Any) -> Iterator[Any]:
        self.others = kept(changelist, *self.names)
        yield {
            "selected": self.chosen == (None, None),
            "query_string": changelist.get_query_string(remove=list(self.names)),
            "display": _("Any time"),
        }
        today = timezone.now().astimezone(UTC).date()
        usual = {label: tuple(_from(today, days) for days in span) for label, *span in self.periods}
        for label, period in usual.items():
            days = {name: day.isoformat() for name, day in zip(self.names, period, strict=True) if day}
            yield {
                "selected": self.chosen == period,
                "query_string": changelist.get_query_string(days, list(self.names)),
                "display": label,
            }
        first, last = self.chosen
        if self.chosen != (None, None) and self.chosen not in usual.values():
            yield {
                "selected": True,
                "query_string": "",
                "display": _("{first} to {last}").format(first=_shown(first), last=_shown(last)),
            }


class ExpiryFilter(PeriodFilter):
    """The same for what lies ahead."""

    periods = (
        (gettext_lazy("Today"), 0, 0),
        (gettext_lazy("Next 7 days"), 0, 7),
        (gettext_lazy("Next 30 days"), 0, 30),
        (gettext_lazy("Past"), None, -1),
    )

    @property
    def ordering(self) -> tuple[str, ...]:
        """The next first; of what is past the last."""
        return (self.path,) if self.first else super().ordering


def _from(today: date, days: int | None) -> date | None:
    return None if days is None else today + timedelta(days=days)


def _start(given: date | None) -> datetime | None:
    return given if given is None or isinstance(given, datetime) else _midnight(given)


def _end(given: date | None) -> datetime | None:
    """A day is included, a moment is not."""
    return given if given is None or isinstance(given, datetime) else _midnight(given + timedelta(days=1))


def _shown(given: date | None) -> str:
    if given is None:
        return "…"
    return f"{given:%Y-%m-%d %H:%M}" if isinstance(given, datetime) else f"{given:%Y-%m-%d}"


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
