"""What lists of this floor can be narrowed by."""

import django_filters  # type: ignore[import-untyped]

from proxies.models import Environment, Management
from proxies.restkit.filters import HasDate, Moment, OwnerFilter, Part, Text, Whole


class EnvironmentFilter(django_filters.FilterSet):
    """Environments: by name and kind."""

    name = Part()
    kind = django_filters.ChoiceFilter(choices=Environment.Kind.choices)


class HolderFilter(OwnerFilter):
    """Proxies and groups: by name, audience, mode, owner; archived or not; deployed in an environment."""

    name = Part()
    audience = Text()
    mode = django_filters.ChoiceFilter(choices=Management.choices)
    archived = HasDate("archived_at")


class ProxyFilter(HolderFilter):
    """Proxies: also by the group they are in."""

    group = Text(field_name="groups__slug")


class GroupFilter(HolderFilter):
    """Groups: also by a proxy that is in them."""

    member = Text(field_name="members__slug")


class DeploymentFilter(django_filters.FilterSet):
    """Deployments: of a proxy or group, in an environment, undeployed or not."""

    proxy = Text(field_name="proxy__slug")
    group = Text(field_name="group__slug")
    environment = Text(field_name="environment__slug")
    undeployed = HasDate("undeployed_at")


class ChangeFilter(django_filters.FilterSet):
    """The history: of a thing, by a person, by the act, in a span of time."""

    subject_kind = Text(max_length=40)
    subject_id = Whole()
    actor = Text(max_length=150)
    verb = Text(max_length=60)
    environment = Text(max_length=50)
    since = Moment(field_name="at", lookup_expr="gte")
    until = Moment(field_name="at", lookup_expr="lt")
