"""Named questions about what was handed out."""

from datetime import datetime

from django.db.models import F, Q, QuerySet

from tokens.models import JwtRefreshKey, RefreshKey
from tokens.session_rules import KeyState, key_state


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


def in_state(keys: QuerySet[JwtRefreshKey], state: KeyState, now: datetime) -> QuerySet[JwtRefreshKey]:
    """The refresh keys of people that are in this state now, as `session_rules.key_state` names it."""
    revoked = Q(revoked_at__isnull=False) | Q(family__revoked_at__isnull=False)
    current = Q(sequence=F("family__sequence"))
    if state is KeyState.REVOKED:
        return keys.filter(revoked)
    keys = keys.exclude(revoked)
    if state is KeyState.RENEWED:
        return keys.exclude(current)
    keys = keys.filter(current)
    if state is KeyState.EXPIRED:
        return keys.filter(expires_at__lte=now)
    holder_is_valid = Q(
        family__user__is_active=True,
        family__user_generation=F("family__user__generation"),
        family__signing_key__ended_at=None,
    )
    keys = keys.filter(expires_at__gt=now)
    return keys.filter(holder_is_valid) if state is KeyState.LIVE else keys.exclude(holder_is_valid)


def state_of(key: JwtRefreshKey, now: datetime) -> KeyState:
    """The state of one key whose family, user and signing key are at hand."""
    family = key.family
    user, signing_key = family.user, family.signing_key
    return key_state(
        revoked_at=key.revoked_at,
        family_revoked_at=family.revoked_at,
        expires_at=key.expires_at,
        is_current=key.sequence == family.sequence,
        holder_valid=user is not None
        and user.is_active
        and user.generation == family.user_generation
        and (signing_key is None or signing_key.ended_at is None),
        now=now,
    )
