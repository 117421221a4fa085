"""What was shown: an access token, a refresh token, or nothing we know. No query but for a new kid."""

from datetime import UTC, datetime
from typing import Any, NamedTuple

from credentials import compact_jwt, secrets
from tokens import foreign, jose, signing


class Shown(NamedTuple):
    """How to look a shown value up. All empty: it can't be one of ours and no query is worth it (D20)."""

    access_digests: tuple[str, ...] = ()
    refresh_digests: tuple[str, ...] = ()
    jti: str = ""
    expires_at: datetime | None = None
    environment_id: int | None = None
    prefix: str | None = None
    bad_signature: bool = False

    @property
    def is_ours(self) -> bool:
        """True where a query is worth it."""
        return bool(self.access_digests or self.refresh_digests or self.jti)

    @property
    def is_own_access_token(self) -> bool:
        """True for an access token of the portal's own, opaque or a JWT: the tables say what it is worth."""
        return self.prefix == secrets.ACCESS_TOKEN or bool(self.jti)

    def expired(self, now: datetime) -> bool:
        """True where the verified claims say so themselves, also when the record is long gone (D41, S0.5)."""
        return self.expires_at is not None and now >= self.expires_at


def look_at(raw: str, *, now: datetime) -> Shown:
    """What this value is, by its form, checksum or signature; of no form of ours, by those of imported ones (D20)."""
    kind = secrets.kind_of(raw)
    if kind == secrets.ACCESS_TOKEN:
        return Shown(access_digests=tuple(secrets.digests(raw)), prefix=kind)
    if kind == secrets.REFRESH_TOKEN:
        return Shown(refresh_digests=tuple(secrets.digests(raw)), prefix=kind)
    if kind is not None:
        return Shown(prefix=kind)
    if not compact_jwt.looks_like_jwt(raw):
        return _foreign(raw, now) or Shown()
    return _jwt(raw, now)


def _foreign(raw: str, now: datetime) -> Shown | None:
    """A token of another system, or None where no verifier is there that could know it."""
    found = foreign.recognise(raw, now)
    if not found.access and not found.refresh:
        return None
    return Shown(
        access_digests=foreign.digests(found.access),
        refresh_digests=foreign.digests(found.refresh),
        expires_at=found.expires_at,
        # What is a refresh token for certain opens nothing, whatever else is wrong with it.
        prefix=None if found.access else "imported refresh token",
    )


def _jwt(raw: str, now: datetime) -> Shown:
    try:
        head = compact_jwt.header(raw)
        key = signing.key_by_id(head.kid) if head.kid else None
        if key is None:
            return _foreign(raw, now) or Shown(bad_signature=True)
        if head.type.lower() == jose.REFRESH_TYPE:
            # A person's refresh key opens nothing, whatever it says (S1.10); a forged one is no key at all.
            jose.read(raw, key=key, types=(jose.REFRESH_TYPE,))
            return Shown(prefix=jose.REFRESH_TYPE)
        claims = jose.read(raw, key=key, types=(jose.ACCESS_TYPE, jose.NEVER_EXPIRING_TYPE))
        expires_at = _moment(claims.get("exp"))
    except (compact_jwt.Unreadable, ValueError, OverflowError):
        return Shown(bad_signature=True)
    return Shown(jti=claims["jti"], expires_at=expires_at, environment_id=key.environment_id)


def _moment(value: Any) -> datetime | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        raise compact_jwt.Unreadable("exp is not a whole number")
    return datetime.fromtimestamp(value, UTC)
