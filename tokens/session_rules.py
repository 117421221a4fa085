"""The arithmetic of logins and their refresh keys: lifetimes, renewal, the state of a key. No Django, no clock."""

from __future__ import annotations

import re
from datetime import datetime
from enum import StrEnum

DAY = 24 * 3600
# What the screen offers (D30); any other number of seconds may be given as well.
LIFETIMES: tuple[tuple[int, str], ...] = (
    (DAY, "1 day"),
    (7 * DAY, "7 days"),
    (30 * DAY, "30 days"),
    (90 * DAY, "90 days"),
    (180 * DAY, "180 days"),
    (365 * DAY, "1 year"),
)


class Unrenewable(StrEnum):
    """Why a refresh key that is valid gets no successor (D38)."""

    NOT_REFRESHABLE = "not_refreshable"
    TOO_EARLY = "too_early"


def renewable_from(*, created_at: datetime, expires_at: datetime, last_percent: int) -> datetime:
    """When the last so many percent of a key's life begin; with 100 at its birth."""
    return expires_at - (expires_at - created_at) * min(max(last_percent, 0), 100) / 100


def why_not_renewable(
    *, refreshable: bool, created_at: datetime, expires_at: datetime, last_percent: int, now: datetime
) -> Unrenewable | None:
    """Why a valid key is not renewed now, or None where it is (S1.13-S1.15, D38)."""
    if not refreshable:
        return Unrenewable.NOT_REFRESHABLE
    earliest = renewable_from(created_at=created_at, expires_at=expires_at, last_percent=last_percent)
    return Unrenewable.TOO_EARLY if now < earliest else None


def refresh_lifetime(asked: int | None, *, default: int, maximum: int) -> int | None:
    """Seconds a refresh key gets: those asked for, or the default; None where they are not from 1 to the maximum."""
    wanted = default if asked is None else asked
    return wanted if 1 <= wanted <= max(maximum, default) else None


def access_lifetime(*, default: int, refresh: int) -> int:
    """Seconds an access token of a session gets: never more than the session was asked for."""
    return min(default, refresh)


class KeyState(StrEnum):
    """A refresh key at a glance, computed from dates and generations, never stored."""

    LIVE = "live"
    RENEWED = "renewed"
    EXPIRED = "expired"
    REVOKED = "revoked"
    ENDED = "ended"


def key_state(
    *,
    revoked_at: datetime | None,
    family_revoked_at: datetime | None,
    expires_at: datetime,
    is_current: bool,
    holder_valid: bool,
    now: datetime,
) -> KeyState:
    """The one state of a key: revoked beats renewed, renewed beats expired, and a dead holder ends what would live."""
    if revoked_at is not None or family_revoked_at is not None:
        return KeyState.REVOKED
    if not is_current:
        return KeyState.RENEWED
    if now >= expires_at:
        return KeyState.EXPIRED
    return KeyState.LIVE if holder_valid else KeyState.ENDED


_UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": DAY, "week": 7 * DAY, "month": 30 * DAY, "year": 365 * DAY}
_LIFETIME = re.compile(r"([0-9]{1,10})\s*([a-z]*)")


def lifetime_in_seconds(text: str) -> int | None:
    """Seconds of a lifetime as people write it: `45 days`, `12 hours`, or a bare number of seconds; None for others."""
    found = _LIFETIME.fullmatch(text.strip().lower())
    if found is None:
        return None
    unit = found[2].removesuffix("s") or "second"
    return int(found[1]) * _UNITS[unit] if unit in _UNITS else None
