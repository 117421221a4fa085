"""The JWTs of a person's session: the refresh key of its own `typ`, and the access tokens it obtains (D37)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from credentials import compact_jwt, secrets
from tokens import errors, foreign, jose, signing
from tokens.lifecycle import minting

CLIENT = "portal-login"
_FORMAT_REFRESH = "refresh"


@dataclass(frozen=True, slots=True)
class Session:
    """What a person gets. The only moment raw values exist; what was not made is empty."""

    access: str = ""
    refresh: str = ""
    access_expires_at: datetime | None = None
    refresh_expires_at: datetime | None = None
    jti: str = ""
    family_id: int = 0

    def __repr__(self) -> str:
        return f"Session({self.jti})"


@dataclass(frozen=True, slots=True)
class RefreshJWT:
    """A raw refresh key and what is stored of it."""

    raw: str
    jti: str
    token_hash: str
    content: str
    signing_key_id: int

    def __repr__(self) -> str:
        return f"RefreshJWT({self.jti})"


def _signed_part(raw: str) -> str:
    """Header and claims. A randomised signature differs each time the same key is made; this does not (D2)."""
    return raw.rpartition(".")[0]


def claims_of_key(
    *, issuer: str, username: str, email: str, audience: str, jti: str, issued_at: datetime, expires_at: datetime
) -> dict[str, object]:
    """The content of a refresh key (S2.18)."""
    claims: dict[str, object] = {
        "iss": issuer,
        "sub": username,
        "aud": audience,
        "iat": int(issued_at.timestamp()),
        "exp": int(expires_at.timestamp()),
        "jti": jti,
        "token_type": _FORMAT_REFRESH,
    }
    return claims | ({"email": email} if email else {})


def refresh_jwt(claims: Mapping[str, Any], *, kid: str) -> RefreshJWT:
    """The refresh key of these claims, always with the same bytes before the signature."""
    ordered = dict(sorted(claims.items()))
    made = minting.sign(ordered, key=signing.private_key(kid), type_=jose.REFRESH_TYPE, jti=str(claims["jti"]))
    assert made.signing_key_id is not None  # every JWT has the key that signed it
    return RefreshJWT(
        made.raw, made.jti, secrets.digest(_signed_part(made.raw)), json.dumps(ordered), made.signing_key_id
    )


def successor_jti(predecessor: str, *, family_id: int, sequence: int, key: bytes) -> str:
    """The jti of the next refresh key, derived so that only who holds the predecessor can have it made again (D2)."""
    return secrets.derive_name(predecessor=_signed_part(predecessor), context=f"{family_id}:{sequence}", key=key)


def key_jti(raw: str, *, now: datetime) -> str:
    """The jti of a refresh key of a person with a good signature; of an imported one, what stands for it (D20).

    Raises WrongTokenKind for any other token of ours (D29) and TokenNotFound for anything else.
    """
    if secrets.kind_of(raw) is not None:
        raise errors.WrongTokenKind
    try:
        head = compact_jwt.header(raw)
        key = signing.key_by_id(head.kid) if head.kid else None
        if key is None:
            return _imported(raw, now)
        if head.type.lower() != jose.REFRESH_TYPE:
            raise errors.WrongTokenKind
        return str(jose.read(raw, key=key, types=(jose.REFRESH_TYPE,))["jti"])
    except (compact_jwt.Unreadable, ValueError) as unreadable:
        raise errors.TokenNotFound from unreadable


def _imported(raw: str, now: datetime) -> str:
    found = foreign.recognise(raw, now)
    if found.access and found.expires_at is not None:
        raise errors.WrongTokenKind
    if found.access or not found.refresh:
        raise errors.TokenNotFound
    return foreign.stored_jti(found.refresh[0])


def key_fingerprint(raw: str) -> str:
    """What the log may show of a refresh key: the first 16 digits of its hash."""
    return secrets.digest(_signed_part(raw))[:16]


def key_hashes(raw: str) -> list[str]:
    """The hash of a refresh key under every key of the hash: how a pasted one is found."""
    return secrets.digests(_signed_part(raw))


def moment(seconds: int) -> datetime:
    """A date of a claim."""
    return datetime.fromtimestamp(seconds, UTC)
