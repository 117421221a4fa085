"""The calendar of signing keys: when the next one is published, when it signs, when an old one goes (D13, I21).

No Django, no clock, no queries.
"""

from __future__ import annotations

from datetime import datetime, timedelta

# How long whoever fetched the JWKS may keep it, as the door says: a key must have been there as long before it signs.
JWKS_LIFETIME = timedelta(seconds=300)
# Gateways that keep keys in files need somebody to fetch them and to reload.
LONGEST_LEAD = timedelta(days=7)
# Longer than any request: one that chose its key before a rotation may hand out its token after it.
AFTERGLOW = timedelta(seconds=60)


def lead(days: int) -> timedelta:
    """How long before it signs the next key is published, where keys rotate every so many days."""
    return min(LONGEST_LEAD, timedelta(days=days) / 2)


def publication_due(signing_since: datetime, days: int) -> datetime:
    """When the successor of a key is to be published."""
    return signing_since + timedelta(days=days) - lead(days)


def rotation_due(signing_since: datetime, days: int, published_at: datetime | None = None) -> datetime:
    """When the successor is to sign: late where it was published late, so that every gateway has had its time."""
    due = signing_since + timedelta(days=days)
    return due if published_at is None else max(due, published_at + lead(days))


def known_from(published_at: datetime) -> datetime:
    """From when on nobody holds a JWKS that lacks the key."""
    return published_at + JWKS_LIFETIME


def may_retire(verify_only_since: datetime, last_token_valid: bool, now: datetime) -> bool:
    """True for a rotated key that nothing valid was signed with, nor can be any more."""
    return not last_token_valid and now >= verify_only_since + AFTERGLOW
