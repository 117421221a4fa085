"""What lists can be narrowed by: each field is named, typed and bounded (B51)."""

from datetime import UTC
from typing import Any

import django_filters  # type: ignore[import-untyped]
from django import forms
from django.db.models import QuerySet
from django_filters.fields import IsoDateTimeField  # type: ignore[import-untyped]
from django_filters.rest_framework import DjangoFilterBackend  # type: ignore[import-untyped]
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from proxies.ownership import orphans

LARGEST_NUMBER = 2**63 - 1


class Text(django_filters.CharFilter):
    """An exact text, of bounded length."""

    def __init__(self, *args: Any, **named: Any) -> None:
        named.setdefault("max_length", 255)
        super().__init__(*args, **named)


class Part(Text):
    """A text that contains this one."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **{"lookup_expr": "icontains", **named})


class Whole(django_filters.NumberFilter):
    """A whole number that fits a column: `1e999999` is none."""

    field_class = forms.IntegerField

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **{"min_value": 0, "max_value": LARGEST_NUMBER, **named})

    def get_max_validator(self) -> None:
        """The field itself has the bound."""
        return


class _MomentField(IsoDateTimeField):
    default_error_messages = {"invalid": "A moment as 2027-01-31T12:00:00Z."}

    def clean(self, value: Any) -> Any:
        moment = super().clean(value)
        try:
            return None if moment is None else moment.astimezone(UTC)
        except (OverflowError, ValueError) as outside:
            raise forms.ValidationError("This moment lies outside the calendar.") from outside


class Moment(django_filters.IsoDateTimeFilter):
    """A moment (RFC 3339)."""

    field_class = _MomentField


class Flag(django_filters.BooleanFilter):
    """True or false; anything else is refused, not passed over."""

    field_class = forms.TypedChoiceField

    def __init__(self, *args: Any, **named: Any) -> None:
        choices = [("true", "true"), ("false", "false"), ("1", "true"), ("0", "false")]
        wanted = {"choices": choices, "coerce": lambda value: value in ("true", "1"), "empty_value": None}
        super().__init__(*args, **{"widget": forms.TextInput, **wanted, **named})


class HasDate(Flag):
    """True where a date column is set: `archived`, `revoked`, `closed`."""

    def __init__(self, field_name: str) -> None:
        super().__init__(field_name=field_name, lookup_expr="isnull", exclude=True)


class OwnerFilter(django_filters.FilterSet):
    """What is owned: by the person, the team or the address, and whether anybody answers for it still."""

    owner = Part(field_name="owner_name")
    owner_team = Part()
    owner_email = Part()
    orphaned = Flag(method="by_orphaned")

    def by_orphaned(self, rows: QuerySet[Any], _name: str, wanted: bool) -> QuerySet[Any]:
        """Those that nobody answers for, or the others."""
        return orphans(rows) if wanted else rows.exclude(pk__in=orphans(rows.order_by()).values("pk"))


class ListedFilters(DjangoFilterBackend):
    """The filters of a view and no others: a misspelt name is refused, for it would answer everything."""

    def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: Any) -> QuerySet[Any]:
        """The rows that are asked for. Raises ValidationError."""
        filterset = self.get_filterset_class(view, queryset)
        known = {*(filterset.base_filters if filterset else ()), *getattr(view.pagination_class, "names", ())}
        refuse_unknown(request, known)
        found: QuerySet[Any] = super().filter_queryset(request, queryset, view)
        return found


def refuse_unknown(request: Request, known: set[str]) -> None:
    """Raises ValidationError for a query parameter that is not known, or stands twice."""
    for name, values in request.query_params.lists():
        if name not in known:
            told = f"Not known here. There are: {', '.join(sorted(known)) or 'none'}."
            raise ValidationError({name[:50]: [told]})
        if len(values) > 1:
            raise ValidationError({name: ["Stands more than once."]})
