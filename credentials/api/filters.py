"""What lists of this floor can be narrowed by."""

from typing import Any

import django_filters  # type: ignore[import-untyped]
from django.db.models import QuerySet
from django.utils import timezone

from credentials.models import ConnectionConfiguration
from credentials.rules import Rotation
from proxies.restkit.filters import HasDate, Part, Text


class ConnectionFilter(django_filters.FilterSet):
    """Connection configurations: by name, type, environment, owner, age of the token, open or deleted."""

    name = Part()
    deployment_type = django_filters.ChoiceFilter(choices=ConnectionConfiguration.DeploymentType.choices)
    environment = Text(field_name="environment__slug")
    owner = Part(field_name="owner_name")
    closed = HasDate("closed_at")
    rotation = django_filters.ChoiceFilter(
        choices=[(advice.value, advice.value) for advice in Rotation], method="by_rotation"
    )

    def by_rotation(self, queryset: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:  # noqa: ARG002 - as filters are called
        due = ConnectionConfiguration.objects.rotation_due(Rotation(value), timezone.now())
        return queryset.filter(pk__in=due.values("pk"))


class PersonalTokenFilter(django_filters.FilterSet):
    """Personal access tokens: by owner, revoked or not."""

    owner = Text(field_name="owner__username")
    revoked = HasDate("revoked_at")
