"""Named questions about what was handed out."""

from datetime import datetime

from django.db.models import F, QuerySet

from tokens.models import RefreshKey


def live_sessions(user_id: int, now: datetime) -> QuerySet[RefreshKey]:
    """The current refresh key of each login of a person that lives now, newest first."""
    return (
        RefreshKey.objects.filter(
            family__user_id=user_id,
            family__kind="login",
            family__revoked_at=None,
            family__user_generation=F("family__user__generation"),
            sequence=F("family__sequence"),
            revoked_at=None,
            expires_at__gt=now,
        )
        .select_related("family")
        .order_by("-id")
    )
