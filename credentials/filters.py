"""What lists of this floor can be narrowed by."""

from typing import Any

import django_filters  # type: ignore[import-untyped]
from django.db.models import QuerySet
from django.utils import timezone

from credentials.models import ConnectionConfiguration
from credentials.rules import Rotation


class ConnectionFilter(django_filters.FilterSet):
    """Connection configurations: by name, type, environment, owner, age of the token, open or deleted."""

    name = django_filters.CharFilter(lookup_expr="icontains")
    environment = django_filters.CharFilter(field_name="environment__slug")
    owner = django_filters.CharFilter(field_name="owner_name", lookup_expr="icontains")
    closed = django_filters.BooleanFilter(field_name="closed_at", lookup_expr="isnull", exclude=True)
    rotation = django_filters.ChoiceFilter(
        choices=[(advice.value, advice.value) for advice in Rotation], method="by_rotation"
    )

    class Meta:
        model = ConnectionConfiguration
        fields = ("deployment_type",)

    def by_rotation(self, queryset: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:  # noqa: ARG002 - as filters are called
        due = ConnectionConfiguration.objects.rotation_due(Rotation(value), timezone.now())
        return queryset.filter(pk__in=due.values("pk"))
