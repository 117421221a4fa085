"""Named questions about what was handed out."""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import BooleanField, Case, F, Q, QuerySet, When

from credentials.models import User
from tokens.models import (
    IssuedToken,
    JwtRefreshKey,
    RefreshKey,
    RefreshMode,
    TokenFamily,
    TokenFormat,
)
from tokens.session_rules import KeyState, key_state

NEW, SOON, UNUSED = timedelta(hours=1), timedelta(hours=24), timedelta(days=90)


def valid_family(now: datetime, prefix: str = "") -> Q:
    """A family that nothing has ended for good (D11); what is refused only for a while still counts."""

    def q(**conditions: Any) -> Q:
        return Q(**{f"{prefix}{name}": value for name, value in conditions.items()})

    def f(name: str) -> F:
        return F(f"{prefix}{name}")

    deployed = q(deployment__undeployed_at=None, deployment_generation=f("deployment__generation"))
    credential_deployed = q(
        credential_deployment__undeployed_at=None,
        credential_deployment_generation=f("credential_deployment__generation"),
    )
    return (
        q(revoked_at=None)
        & (q(ends_at=None) | q(ends_at__gt=now))
        & (q(credential=None) | q(credential__archived_at=None, key_generation=f("credential__key_generation")))
        & (q(user=None) | q(user_generation=f("user__generation")))
        & (q(deployment=None) | deployed)
        & (q(credential_deployment=None) | credential_deployed)
        & (q(signing_key=None) | q(signing_key__ended_at=None))
    )


def token_lives(now: datetime) -> Q:
    """An access token that nothing has ended."""
    return (
        (Q(expires_at=None) | Q(expires_at__gt=now))
        & (Q(token_format=TokenFormat.JWT) | Q(sequence=F("family__sequence")))
        & (Q(signing_key=None) | Q(signing_key__ended_at=None))
        & valid_family(now, "family__")
        & Q(revoked_at=None)
    )


def token_is_unused(now: datetime) -> Q:
    """Not used since it was issued, which was an hour ago or more."""
    return Q(last_used_at=None, issued_at__lte=now - NEW)


def token_is_idle(now: datetime) -> Q:
    """Not used for 90 days."""
    long_ago = now - UNUSED
    return Q(last_used_at__lte=long_ago) | Q(last_used_at=None, issued_at__lte=long_ago)


def refresh_key_lives(now: datetime) -> Q:
    """A refresh token that can be used, of a family that nothing has ended."""
    return (
        (Q(sequence=F("family__sequence")) | Q(family__refresh_mode=RefreshMode.STATIC))
        & valid_family(now, "family__")
        & Q(family__exhausted_at=None, revoked_at=None, expires_at__gt=now)
    )


# A refresh token with which its family can be refreshed once more at most.
LAST_REFRESH = Q(family__refresh_count__isnull=False, family__sequence__gte=F("family__refresh_count") - 1)


def live_tokens(now: datetime) -> QuerySet[IssuedToken]:
    """Access tokens that nothing has ended."""
    return IssuedToken.objects.filter(token_lives(now))


def live_refresh_keys(now: datetime) -> QuerySet[RefreshKey]:
    """Refresh tokens that can be used."""
    return RefreshKey.objects.filter(refresh_key_lives(now))


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


def families_of(username: str) -> QuerySet[TokenFamily]:
    """The logins and minted keys of one person, along the index of owners.

    The person is found first: joined, PostgreSQL takes an unknown name for an average one and reads all families.
    """
    key = User.objects.filter(username=username).values_list("pk", flat=True).first()
    return TokenFamily.objects.none() if key is None else TokenFamily.objects.filter(user=key)


def row_by_row(condition: Q) -> Case:
    """A condition that a database can only ask of each row, so that a list is read along its index until it is full.

    PostgreSQL takes several conditions on two tables to be rarer than they are, and would join and sort all rows.
    """
    return Case(When(condition, then=True), default=False, output_field=BooleanField())


def in_state(keys: QuerySet[JwtRefreshKey], state: KeyState, now: datetime) -> QuerySet[JwtRefreshKey]:
    """The refresh keys of people that are in this state now, as `session_rules.key_state` names it."""
    revoked = Q(revoked_at__isnull=False) | Q(family__revoked_at__isnull=False)
    current = Q(sequence=F("family__sequence"))
    if state is KeyState.REVOKED:
        return keys.filter(row_by_row(revoked))
    if state is KeyState.RENEWED:
        return keys.filter(row_by_row(~revoked & ~current))
    if state is KeyState.EXPIRED:
        return keys.filter(row_by_row(~revoked & current), expires_at__lte=now)
    holder_is_valid = Q(
        Q(family__signing_key=None) | Q(family__signing_key__ended_at=None),
        family__user__is_active=True,
        family__user__generation=F("family__user_generation"),
    )
    wanted = holder_is_valid if state is KeyState.LIVE else ~holder_is_valid
    return keys.filter(row_by_row(~revoked & current & Q(expires_at__gt=now) & wanted))


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
