"""JWTs: signing, and reading with suspicion. Built on simplejwt's TokenBackend, one per key.

The algorithm and the key come from our own key record, never from the token's header (B20, R2, R3).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from jwt.types import Options
from rest_framework_simplejwt.backends import TokenBackend

from credentials import compact_jwt
from credentials.compact_jwt import Unreadable

ACCESS_TYPE = "at+jwt"
NEVER_EXPIRING_TYPE = "JWT"
REFRESH_TYPE = "refresh+jwt"


@dataclass(frozen=True, slots=True)
class VerifyingKey:
    """A public key as our own records have it."""

    key_id: int
    environment_id: int
    kid: str
    algorithm: str
    public_key: str


class KeyedBackend(TokenBackend):
    """simplejwt's backend with a `kid` and a `typ` in the header, and no clock of its own (D16)."""

    def sign(self, claims: Mapping[str, Any], *, kid: str, type_: str) -> str:
        """The compact form of the claims under this key."""
        headers = {"kid": kid, "typ": type_}
        return str(jwt.encode(dict(claims), self.prepared_signing_key, algorithm=self.algorithm, headers=headers))

    def read(self, raw: str) -> dict[str, Any]:
        """The claims of a token with a good signature. Expiry is judged by the rules, not here."""
        options: Options = {
            "verify_signature": True,
            "verify_exp": False,
            "verify_nbf": False,
            "verify_iat": False,
            "verify_aud": False,
            "verify_iss": False,
        }
        claims: dict[str, Any] = jwt.decode(
            raw, self.prepared_verifying_key, algorithms=[self.algorithm], options=options
        )
        return claims


@lru_cache(maxsize=64)
def _signer(private_pem: bytes, algorithm: str) -> KeyedBackend:
    return KeyedBackend(algorithm, signing_key=private_pem.decode())


@lru_cache(maxsize=256)
def _reader(public_pem: str, algorithm: str) -> KeyedBackend:
    return KeyedBackend(algorithm, verifying_key=public_pem)


def sign(claims: Mapping[str, Any], *, private_pem: bytes, algorithm: str, kid: str, type_: str) -> str:
    """Sign claims as a compact JWT."""
    return _signer(private_pem, algorithm).sign(claims, kid=kid, type_=type_)


def read(raw: str, *, key: VerifyingKey, types: tuple[str, ...]) -> dict[str, Any]:
    """The verified claims. Raises Unreadable for another algorithm than the key's, another type or a bad signature."""
    head = compact_jwt.header(raw)
    if head.algorithm != key.algorithm or head.kid != key.kid:
        raise Unreadable("the header names another algorithm or key")
    if head.type.lower().removeprefix("application/") not in {wanted.lower() for wanted in types}:
        raise Unreadable("a token of another kind")
    try:
        claims = _reader(key.public_key, key.algorithm).read(raw)
    except (jwt.PyJWTError, ValueError, RecursionError) as unreadable:
        raise Unreadable("bad signature or claims") from unreadable
    if not isinstance(claims, dict) or not isinstance(claims.get("jti"), str):
        raise Unreadable("claims without a jti")
    return claims


def public_jwk(*, kid: str, algorithm: str, public_key: str) -> dict[str, Any]:
    """The public key as a JWK (RFC 7517) with `use`, `alg` and `kid`, and no private member."""
    key: Any = serialization.load_pem_public_key(public_key.encode())
    to_jwk = jwt.algorithms.RSAAlgorithm.to_jwk if algorithm.startswith("RS") else jwt.algorithms.ECAlgorithm.to_jwk
    members = json.loads(to_jwk(key))
    members.pop("key_ops", None)
    return {**members, "use": "sig", "alg": algorithm, "kid": kid}
