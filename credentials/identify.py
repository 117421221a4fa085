"""Who is this caller? Loads nothing itself where a hot path has loaded the facts already."""

import json
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from django.contrib.auth.backends import ModelBackend

from credentials import certificates, compact_jwt, imported_secrets, rules, secrets
from credentials.certificates import Certificate
from credentials.errors import (
    AddressNotAllowed,
    AssertionRefused,
    AuthMethodNotAllowed,
    ClientAuthenticationFailed,
    InvalidCredentials,
)
from credentials.models import User
from credentials.rules import AssertionFault, ClientFacts, KeyFacts, Method, UsedAssertion


@dataclass(slots=True)  # with every request: frozen ones take longer to make
class Shown:
    """What a client shows of itself: a secret, an assertion, or the certificate that a trusted edge has seen."""

    method: Method
    secret: str = ""
    assertion: str = ""
    certificate: Certificate | None = None

    def __repr__(self) -> str:
        return f"Shown({self.method})"


class Place(NamedTuple):
    """Where it is shown: the caller's address, what an assertion may be made for, and which ways are on here.

    `any_secret`: whoever may show a secret at all may show it in any way here.
    """

    address: str
    audiences: Collection[str]
    methods: Collection[str]
    any_secret: bool = False


class Proven(NamedTuple):
    """How a client has proved itself: what to note as used, and the thumbprint to bind its tokens to.

    `fault` is what is wrong with an assertion that the client itself has signed.
    """

    method: Method
    secret_id: int | None = None
    key_id: int | None = None
    thumbprint: str = ""
    used: UsedAssertion | None = None
    fault: AssertionFault | None = None


Spend = Callable[[UsedAssertion], bool]


def client(facts: ClientFacts, shown: Shown, *, place: Place, now: datetime, spend: Spend) -> Proven:
    """How this client has proved itself.

    Unknown client, wrong proof and archived client raise the same ClientAuthenticationFailed in the same time. The
    right proof raises AuthMethodNotAllowed in a way that is not this client's, AddressNotAllowed from a foreign
    address, and AssertionRefused for an assertion that says what it must not or was used before. `spend` uses an
    assertion up and is false where it was; it comes last, so that nothing is used up in vain.
    """
    proven = _proofs(facts, shown, place, now)
    if not proven or facts.archived_at is not None:
        raise ClientAuthenticationFailed
    found = _first_allowed(proven, facts, place)
    if not rules.address_allowed(facts.allowed_addresses or "", place.address):
        raise AddressNotAllowed
    if found.fault is not None:
        raise AssertionRefused(found.fault)
    if found.used is not None and not spend(found.used):
        raise AssertionRefused(AssertionFault.USED_BEFORE)
    return found


def _first_allowed(proven: Iterable[Proven], facts: ClientFacts, place: Place) -> Proven:
    own = (facts.auth_methods or "").split()
    for each in proven:
        method = each.method
        if method in place.methods and rules.method_allowed(method, allowed=own, any_secret=place.any_secret):
            return each
    raise AuthMethodNotAllowed


def _proofs(facts: ClientFacts, shown: Shown, place: Place, now: datetime) -> list[Proven]:
    if shown.method in rules.SECRET_METHODS:
        secret_id = rules.secret_shown(facts, secrets.digests(shown.secret), now, secrets.is_among)
        if secret_id is None:
            secret_id = imported_secrets.prove(facts, shown.secret, now)
        return [] if secret_id is None else [Proven(shown.method, secret_id=secret_id)]
    if shown.method is Method.PRIVATE_KEY_JWT:
        return _by_assertion(facts, shown.assertion, place, now)
    return [] if shown.certificate is None else _by_certificate(facts, shown.certificate, now)


# --- Assertions


def _by_assertion(facts: ClientFacts, raw: str, place: Place, now: datetime) -> list[Proven]:
    try:
        head, claims = compact_jwt.header(raw), compact_jwt.claims(raw)
    except compact_jwt.Unreadable:
        return []
    if head.type.lower().removeprefix("application/") not in rules.ASSERTION_TYPES:
        return []
    keys = rules.signing_keys(_keys(facts), kid=head.kid, algorithm=head.algorithm, now=now)
    signer = _signer(raw, head.algorithm, keys)
    if signer is None or facts.credential_id is None or facts.client_id is None:
        return []
    fault = rules.assertion_fault(claims, client_id=facts.client_id, audiences=place.audiences, now=now)
    if fault is not None:
        return [Proven(Method.PRIVATE_KEY_JWT, key_id=signer.key_id, fault=fault)]
    expires_at = datetime.fromtimestamp(claims["exp"], UTC)
    used = UsedAssertion(facts.credential_id, secrets.hash_id(claims["jti"]), expires_at)
    return [Proven(Method.PRIVATE_KEY_JWT, key_id=signer.key_id, used=used)]


def _signer(raw: str, algorithm: str, keys: Iterable[KeyFacts]) -> KeyFacts | None:
    """The key that signed. With none to try a stranger's is tried, so that an unknown client takes as long (B48)."""
    tried = False
    for key in keys:
        tried = True
        if compact_jwt.is_signed_by(raw, key=compact_jwt.public_key(key.public_key), algorithm=algorithm):
            return key
    if not tried and (stranger := _stranger(algorithm)) is not None:
        compact_jwt.is_signed_by(raw, key=stranger, algorithm=algorithm)
    return None


@lru_cache(maxsize=16)
def _stranger(algorithm: str) -> Any:
    """A public key whose private half nobody has."""
    if algorithm[:2] in ("RS", "PS"):
        return rsa.RSAPublicNumbers(65537, (1 << 2047) | 1).public_key()
    curves: dict[str, ec.EllipticCurve] = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1(), "ES512": ec.SECP521R1()}
    if algorithm in curves:
        return ec.generate_private_key(curves[algorithm]).public_key()
    return ed25519.Ed25519PrivateKey.generate().public_key() if algorithm == "EdDSA" else None


# --- Certificates


def _by_certificate(facts: ClientFacts, shown: Certificate, now: datetime) -> list[Proven]:
    """Both ways of RFC 8705, as far as the certificate proves the client in them."""
    if not certificates.is_valid(shown.parsed, now):
        return []
    keys = _keys(facts)
    found = []
    itself = next((key for key in keys if key.kind == "certificate" and key.thumbprint == shown.thumbprint), None)
    if itself is not None:
        found.append(Proven(Method.SELF_SIGNED_TLS, key_id=itself.key_id, thumbprint=shown.thumbprint))
    if certificates.bears(shown.parsed, facts.certificate_name or ""):
        issuer = next((key for key in keys if _has_issued(key, shown, now)), None)
        if issuer is not None:
            found.append(Proven(Method.TLS, key_id=issuer.key_id, thumbprint=shown.thumbprint))
    return found


def _has_issued(key: KeyFacts, shown: Certificate, now: datetime) -> bool:
    """Its own authority, not any of the same name, and for a certificate of exactly the client's name (B28)."""
    return (
        key.kind == "authority"
        and rules.in_force(key, now)
        and certificates.is_issued_by(shown.parsed, key.certificate)
    )


def _keys(facts: ClientFacts) -> list[KeyFacts]:
    rows: list[list[Any]] = json.loads(facts.keys or "[]")
    return [KeyFacts._make((*row[:7], _moment(row[7]), _moment(row[8]))) for row in rows]


def _moment(text: str | None) -> datetime | None:
    """A time in the JSON of either database."""
    if text is None:
        return None
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


# --- People


def person(username: str, password: str) -> User:
    """Who logs in with this name and password, as the row is now.

    Unknown name, wrong password and deactivated user raise the same InvalidCredentials after the same hashing (B48).
    Hashing takes long by design: call it outside a transaction.
    """
    found = ModelBackend().authenticate(None, username=username, password=password)
    if not isinstance(found, User):
        raise InvalidCredentials
    return found
