"""Reading compact JWTs with suspicion (RFC 7515, 7519): form first, then a signature under a key that we were given.

Nothing in a header is ever a key or the address of one: `jwk`, `jku`, `x5c`, `x5u` are not looked at (B22, R3).
"""

import base64
import binascii
import json
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization

MAXIMUM_LENGTH = 16 * 1024
_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)
_SIGNATURES = jwt.PyJWS()


class Unreadable(Exception):
    """Not a compact JWT that can be trusted: wrong form, unknown key, wrong algorithm, bad signature."""


@dataclass(frozen=True, slots=True)
class Header:
    """The only members of a header that are looked at, before anything is verified."""

    kid: str
    algorithm: str
    type: str


def looks_like_jwt(raw: str) -> bool:
    """True for the outer form of a compact JWT, cheap enough to ask of anything."""
    return raw.count(".") == 2 and len(raw) <= MAXIMUM_LENGTH


def header(raw: str) -> Header:
    """The header of a compact JWT. Raises Unreadable for any other form, doubled members or a `crit` (R7, B21, B24)."""
    members = _part(raw, 0)
    if "crit" in members:
        raise Unreadable("members that must be understood and are not")
    named: list[Any] = [members.get("kid", ""), members.get("alg"), members.get("typ", "")]
    if not all(isinstance(value, str) for value in named):
        raise Unreadable("header members that are not text")
    return Header(*named)


def claims(raw: str) -> dict[str, Any]:
    """The claims as they stand there, doubled members refused. Nobody has verified them yet (R1)."""
    return _part(raw, 1)


def _part(raw: str, index: int) -> dict[str, Any]:
    # The length is looked at before anything is decoded (B23).
    if len(raw) > MAXIMUM_LENGTH or _COMPACT.fullmatch(raw) is None:
        raise Unreadable("not a compact JWT")
    segment = raw.split(".")[index]
    try:
        members = json.loads(
            base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)),
            object_pairs_hook=_without_doubles,
            parse_constant=_no_constant,
        )
    except (ValueError, binascii.Error, RecursionError) as unreadable:
        raise Unreadable("unreadable JSON") from unreadable
    if not isinstance(members, dict):
        raise Unreadable("no object")
    return members


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member is given twice")
    return members


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


@lru_cache(maxsize=256)
def public_key(pem: str) -> Any:
    """The key of a PEM text. Kept in the process: the same text is the same key."""
    return serialization.load_pem_public_key(pem.encode())


def is_signed_by(raw: str, *, key: Any, algorithm: str) -> bool:
    """True where this very key made the signature with this very algorithm, neither being the header's choice (B20)."""
    try:
        _SIGNATURES.decode_complete(raw, key, algorithms=[algorithm])
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
        return False
    return True
