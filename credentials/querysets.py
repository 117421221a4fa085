"""Questions that screens, tasks and REST ask of the tables of this floor. They never write."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Self

from django.db import models
from django.db.models import Count, Max, Min, Q

from credentials import rules

_ACTIVE = Q(tokens__slot__isnull=False)


class ConnectionConfigurationQuerySet(models.QuerySet[Any]):
    """Named questions about connection configurations."""

    def still_open(self) -> Self:
        """Those that were not closed (D35)."""
        return self.filter(closed_at__isnull=True)

    def with_tokens_counted(self) -> Self:
        """Each with `active_tokens`, `oldest_active_at` and `last_used_at` of its active tokens, in the same SELECT."""
        return self.annotate(
            active_tokens=Count("tokens", filter=_ACTIVE),
            oldest_active_at=Min("tokens__created_at", filter=_ACTIVE),
            last_used_at=Max("tokens__last_used_at", filter=_ACTIVE),
        )

    def in_trouble(self, now: datetime) -> Self:
        """The open ones that hold an active token and of whose instances not one reports any more (F4)."""
        lately = now - rules.SILENCE
        return (
            self.still_open()
            .filter(_ACTIVE, instances__isnull=False)
            .exclude(instances__last_heartbeat_at__gte=lately)
            .distinct()
        )

    def past_licence(self, now: datetime) -> Self:
        """Those whose licence ended while they hold active tokens (S4.19)."""
        return self.filter(licence_ends_at__lte=now, tokens__slot__isnull=False).distinct()

    def rotation_due(self, advice: rules.Rotation, now: datetime) -> Self:
        """The open ones whose oldest active token has reached this age and not the next one (D34)."""
        overdue_from = rules.months_before(now, rules.OVERDUE_MONTHS)
        recommended_from = rules.months_before(now, rules.RECOMMENDED_MONTHS)
        counted = self.still_open().with_tokens_counted()
        if advice is rules.Rotation.OVERDUE:
            return counted.filter(oldest_active_at__lte=overdue_from)
        if advice is rules.Rotation.RECOMMENDED:
            return counted.filter(oldest_active_at__lte=recommended_from, oldest_active_at__gt=overdue_from)
        return counted.exclude(oldest_active_at__lte=recommended_from)
