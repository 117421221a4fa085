"""What lists of this floor can be narrowed by."""

from typing import Any

import django_filters  # type: ignore[import-untyped]
from django.db.models import QuerySet
from django.utils import timezone

from credentials.models import ConnectionConfiguration, CredentialKey
from credentials.ownership import orphaned_credentials
from credentials.rules import Rotation
from proxies.restkit.filters import Flag, HasDate, Moment, OwnerFilter, Part, Text


class ConnectionFilter(OwnerFilter):
    """Connection configurations: by name, type, environment, owner, age of the token, open or deleted."""

    name = Part()
    deployment_type = django_filters.ChoiceFilter(choices=ConnectionConfiguration.DeploymentType.choices)
    environment = Text(field_name="environment__slug")
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


class CredentialFilter(OwnerFilter):
    """Credentials: by client id, name, owner, what they are the key of, what they reach, active or not."""

    client_id = Text(max_length=100)
    name = Part()
    proxy = Text(field_name="proxy__slug")
    group = Text(field_name="group__slug")
    deactivated = HasDate("deactivated_at")
    archived = HasDate("archived_at")
    expires_before = django_filters.DateFilter(field_name="expires_on", lookup_expr="lt")

    def by_orphaned(self, rows: QuerySet[Any], _name: str, wanted: bool) -> QuerySet[Any]:
        """Those of their own that nobody answers for, or the others."""
        found = orphaned_credentials(rows.order_by())
        return rows.filter(pk__in=found.values("pk")) if wanted else rows.exclude(pk__in=found.values("pk"))


class KeyFilter(django_filters.FilterSet):
    """Public keys and certificates: by client, kind, key id, end."""

    credential = Text(field_name="credential__client_id", max_length=100)
    kind = django_filters.ChoiceFilter(choices=CredentialKey.Kind.choices)
    kid = Text(max_length=100)
    removed = HasDate("removed_at")
    ends_before = Moment(field_name="not_after", lookup_expr="lt")


class GrantFilter(django_filters.FilterSet):
    """Grants: by who, by what, withdrawn or not."""

    credential = Text(field_name="credential__client_id", max_length=100)
    user = Text(field_name="user__username", max_length=150)
    proxy = Text(field_name="proxy__slug")
    group = Text(field_name="group__slug")
    withdrawn = HasDate("withdrawn_at")


class UserFilter(django_filters.FilterSet):
    """People: by name, e-mail address, group, active or not."""

    username = Text(max_length=150)
    email = Part()
    group = Text(field_name="groups__name", max_length=150)
    is_active = Flag()
    is_staff = Flag()
