"""Recognising tokens of other systems that were imported (D20).

What is stored instead of such a token is the keyed hash of a name made from what the other system knows it by: the
SHA-256 of an opaque token; of a JWT with a good signature its jti, or for an access token of simplejwt, which nobody
has recorded, its user. So no query is added to any look-up, and whoever holds the other system's key can forge its
own tokens alone: never one of ours, which are never looked up by such a name.
"""

import hashlib
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from credentials import compact_jwt, secrets
from tokens.models import LegacyVerifier

# How long a process goes on with what it has read; an end that lies in a verifier itself counts to the moment.
FRESH_SECONDS = 5.0
_SHORTEST, _LONGEST_OPAQUE = 16, 512
_TYPES = frozenset(("", "jwt"))
ACCESS, REFRESH, SLIDING = "access", "refresh", "sliding"


@dataclass(frozen=True, slots=True)
class Verifier:
    """A verifier with its key ready for use."""

    name: str
    kind: str
    algorithm: str
    kid: str
    user_claim: str
    key: Any
    ends_at: datetime

    def __repr__(self) -> str:
        return f"Verifier({self.name})"


@dataclass(frozen=True, slots=True)
class Foreign:
    """A token of another system: the names of what is stored of it, by what it is."""

    access: tuple[str, ...] = ()
    refresh: tuple[str, ...] = ()
    expires_at: datetime | None = None


def seal_context(name: str) -> str:
    """What binds a sealed key to its verifier."""
    return f"tokens_legacyverifier:{name}:sealed_key"


def of_checksum(verifier: str, checksum: str) -> str:
    """The name of an opaque token."""
    return f"legacy|{verifier}|sha256|{checksum}"


def of_user(verifier: str, user: str) -> str:
    """The name of all access tokens of a user, none of which was recorded."""
    return f"legacy|{verifier}|user|{user}"


def of_jti(verifier: str, jti: str) -> str:
    """The name of a recorded JWT."""
    return f"legacy|{verifier}|jti|{jti}"


def checksum(raw: str) -> str:
    """The SHA-256 that django-oauth-toolkit keeps of a token."""
    return hashlib.sha256(raw.encode("utf-8", "surrogatepass")).hexdigest()


_kept: tuple[float, tuple[Verifier, ...]] | None = None


def forget() -> None:
    """Read the verifiers again at the next question: one was registered or moved here."""
    global _kept  # noqa: PLW0603 - one small memory for the process
    _kept = None


def verifiers(now: datetime) -> tuple[Verifier, ...]:
    """Those that have not ended. One query in some seconds, and only when a foreign token is shown."""
    global _kept  # noqa: PLW0603
    moment = time.monotonic()
    if _kept is None or moment - _kept[0] > FRESH_SECONDS:
        _kept = moment, tuple(_read(now))
    return tuple(each for each in _kept[1] if now < each.ends_at)


def _read(now: datetime) -> Iterator[Verifier]:
    for each in LegacyVerifier.objects.filter(ends_at__gt=now).order_by("pk"):
        raw = None if each.sealed_key is None else secrets.unseal(each.sealed_key, context=seal_context(each.name))
        key = None if raw is None else ready(each.algorithm, raw)
        yield Verifier(each.name, each.kind, each.algorithm, each.kid, each.user_claim, key, each.ends_at)


def ready(algorithm: str, key: bytes) -> Any:
    """A key as it is kept, ready to verify with."""
    return key if algorithm.startswith("HS") else compact_jwt.public_key(key.decode())


def recognise(raw: str, now: datetime) -> Foreign:
    """What a value of no form of ours may be; nothing where no verifier would know it."""
    if len(raw) < _SHORTEST or not raw.isascii() or not raw.isprintable() or raw.startswith(("lk_", " ")) or " " in raw:
        return Foreign()
    known = verifiers(now)
    if not known:
        return Foreign()
    if compact_jwt.looks_like_jwt(raw):
        found = _jwt(raw, known)
        if found is not None:
            return found
    if len(raw) > _LONGEST_OPAQUE and not compact_jwt.looks_like_jwt(raw):
        return Foreign()
    names = tuple(of_checksum(each.name, checksum(raw)) for each in known if each.kind == LegacyVerifier.Kind.CHECKSUM)
    # An opaque token does not say whether it is an access or a refresh token.
    return Foreign(access=names, refresh=names)


def _jwt(raw: str, known: tuple[Verifier, ...]) -> Foreign | None:
    """A JWT under the key of a verifier, or None."""
    for each in known:
        if each.kind == LegacyVerifier.Kind.JWT and (claims := verified_claims(each, raw)) is not None:
            return _of_claims(each, claims)
    return None


def verified_claims(verifier: Verifier, raw: str) -> dict[str, Any] | None:
    """The claims of a JWT under the verifier's key, whose header names its algorithm and key id and no other (R2)."""
    try:
        head = compact_jwt.header(raw)
        if (head.algorithm, head.kid) != (verifier.algorithm, verifier.kid) or head.type.lower() not in _TYPES:
            return None
        if not compact_jwt.is_signed_by(raw, key=verifier.key, algorithm=verifier.algorithm):
            return None
        return compact_jwt.claims(raw)
    except compact_jwt.Unreadable:
        return None


def _of_claims(verifier: Verifier, claims: dict[str, Any]) -> Foreign | None:
    kind, jti, expires_at = claims.get("token_type"), claims.get("jti"), moment(claims.get("exp"))
    if expires_at is None or not isinstance(jti, str) or not 0 < len(jti) <= 255:
        return None
    if kind == ACCESS:
        user = claims.get(verifier.user_claim)
        if isinstance(user, bool) or not isinstance(user, str | int):
            return None
        return Foreign(access=(of_user(verifier.name, str(user)[:255]),), expires_at=expires_at)
    if kind == SLIDING:
        return Foreign(access=(of_jti(verifier.name, jti),), expires_at=expires_at)
    return Foreign(refresh=(of_jti(verifier.name, jti),), expires_at=expires_at) if kind == REFRESH else None


def moment(value: Any) -> datetime | None:
    """The date of a claim, or None for what is none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    try:
        return datetime.fromtimestamp(int(value), UTC)
    except (OverflowError, ValueError, OSError):
        return None


def digests(names: tuple[str, ...]) -> tuple[str, ...]:
    """What is stored instead of the tokens of these names, under every key of the hash."""
    return tuple(digest for name in names for digest in secrets.digests(name))


def stored_jti(name: str) -> str:
    """The jti of a refresh key of ours that stands for a foreign one: 64 hexadecimal digits."""
    return secrets.hash_id(name)
