"""What lists of this floor can be narrowed by."""

from typing import Any

import django_filters  # type: ignore[import-untyped]
from django.db.models import QuerySet
from django.utils import timezone

from proxies.restkit.filters import Flag, HasDate, Moment, Part, Text, Whole
from tokens.models import LegacyVerifier, RefreshMode, Reminder, SigningKey, TokenFamily, TokenFormat, TokenRequestLog
from tokens.querysets import in_state
from tokens.reminders import outbox
from tokens.session_rules import KeyState


class PolicyFilter(django_filters.FilterSet):
    """Token policies: by owner and terms."""

    proxy = Text(field_name="proxy__slug")
    group = Text(field_name="group__slug")
    credential = Text(field_name="credential__client_id", max_length=100)
    token_format = django_filters.ChoiceFilter(choices=TokenFormat.choices)
    refresh_mode = django_filters.ChoiceFilter(choices=RefreshMode.choices)
    never_expires = Flag()
    suspended = HasDate("suspended_at")


class FamilyFilter(django_filters.FilterSet):
    """Families: by holder, target, environment, kind, time of issue, revoked or not."""

    client_id = Text(field_name="credential__client_id", max_length=100)
    user = Text(field_name="user__username", max_length=150)
    proxy = Text(field_name="proxy__slug")
    group = Text(field_name="group__slug")
    environment = Text(field_name="environment__slug")
    audience = Text()
    kind = django_filters.ChoiceFilter(choices=TokenFamily.Kind.choices)
    token_format = django_filters.ChoiceFilter(choices=TokenFormat.choices)
    revoked = HasDate("revoked_at")
    issued_since = Moment(field_name="issued_at", lookup_expr="gte")
    issued_until = Moment(field_name="issued_at", lookup_expr="lt")


class TokenFilter(django_filters.FilterSet):
    """Access tokens: by holder, target, environment, family, time of issue, end and last use."""

    client_id = Text(field_name="family__credential__client_id", max_length=100)
    user = Text(field_name="family__user__username", max_length=150)
    proxy = Text(field_name="family__proxy__slug")
    group = Text(field_name="family__group__slug")
    environment = Text(field_name="family__environment__slug")
    family = Whole()
    token_format = django_filters.ChoiceFilter(choices=TokenFormat.choices)
    revoked = HasDate("revoked_at")
    never_expires = Flag(field_name="expires_at", lookup_expr="isnull")
    issued_since = Moment(field_name="issued_at", lookup_expr="gte")
    issued_until = Moment(field_name="issued_at", lookup_expr="lt")
    expires_before = Moment(field_name="expires_at", lookup_expr="lt")
    used_before = Moment(field_name="last_used_at", lookup_expr="lt")
    used = HasDate("last_used_at")


class RefreshKeyFilter(django_filters.FilterSet):
    """JWT refresh keys: by owner, audience, state, device, end and last use."""

    owner = Text(field_name="family__user__username", max_length=150)
    audience = Text(field_name="family__audience")
    kind = django_filters.ChoiceFilter(field_name="family__kind", choices=TokenFamily.Kind.choices)
    state = django_filters.ChoiceFilter(choices=[(state.value, state.value) for state in KeyState], method="by_state")
    device_id = Text(max_length=150)
    token_hash = Text(max_length=64)
    family = Whole()
    expires_before = Moment(field_name="expires_at", lookup_expr="lt")
    used_before = Moment(field_name="last_used_at", lookup_expr="lt")
    used = HasDate("last_used_at")

    def by_state(self, queryset: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:  # noqa: ARG002 - as filters are called
        return in_state(queryset, KeyState(value), timezone.now())


class SigningKeyFilter(django_filters.FilterSet):
    """Signing keys: by environment and algorithm."""

    environment = Text(field_name="environment__slug")
    algorithm = django_filters.ChoiceFilter(choices=SigningKey.Algorithm.choices)


class LogFilter(django_filters.FilterSet):
    """The request log: by time, action, outcome, who, for what, which token."""

    since = Moment(field_name="at", lookup_expr="gte")
    until = Moment(field_name="at", lookup_expr="lt")
    action = django_filters.ChoiceFilter(choices=TokenRequestLog.Action.choices)
    outcome = django_filters.ChoiceFilter(choices=TokenRequestLog.Outcome.choices)
    reason = Text(max_length=60)
    status_from = Whole(field_name="status", lookup_expr="gte", max_value=599)
    status_to = Whole(field_name="status", lookup_expr="lte", max_value=599)
    environment = Text(max_length=50)
    client_id = Text(max_length=100)
    username = Text(max_length=150)
    actor = Text(max_length=150)
    proxy = Text(max_length=80)
    group = Text(max_length=80)
    jti = Text(max_length=64)
    family_id = Whole()
    fingerprint = Text(max_length=16)
    address = Text(max_length=45)
    request_id = Text(max_length=64)


class LegacyVerifierFilter(django_filters.FilterSet):
    """Verifiers of imported tokens: by environment, kind and end."""

    environment = Text(field_name="environment__slug")
    kind = django_filters.ChoiceFilter(choices=LegacyVerifier.Kind.choices)
    ends_before = Moment(field_name="ends_at", lookup_expr="lt")


class ReminderFilter(django_filters.FilterSet):
    """Reminders: by kind, stage, owner and how their deliveries are."""

    kind = django_filters.ChoiceFilter(choices=Reminder.Kind.choices)
    stage = django_filters.ChoiceFilter(choices=Reminder.Stage.choices)
    owner = Part(field_name="owner_name")
    state = django_filters.ChoiceFilter(choices=[(state, state) for state in outbox.STATES], method="by_state")

    def by_state(self, queryset: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:  # noqa: ARG002 - as filters are called
        return outbox.in_state(queryset, value)


class WebhookFilter(django_filters.FilterSet):
    """Webhooks: by name, paused or not, archived or not."""

    name = Part()
    paused = HasDate("paused_at")
    archived = HasDate("archived_at")
