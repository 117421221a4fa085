"""Reading what is uploaded for a client: a public key or certificate in PEM, or a JWKS. Public and good keys only.

Nothing is ever fetched: `jku`, `x5u` and addresses of any kind are not looked at.
"""

import base64
import hashlib
import json
import re
from datetime import datetime
from typing import Any, NamedTuple

import jwt
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from django.utils.translation import gettext_noop

from credentials import certificates
from credentials.errors import UnusableKey
from proxies.sentences import Sentence

MAXIMUM_UPLOAD = 64 * 1024
MAXIMUM_KEYS = 10
_RSA_BITS = range(2048, 8193)
_RSA_EXPONENTS = range(65537, 2**32)
_PEM = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----[^-]+-----END \1-----")
_KID = re.compile(r"[\x21-\x7e]{1,100}", re.ASCII)
_RSA_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
_CURVES = {"secp256r1": ("ES256",), "secp384r1": ("ES384",), "secp521r1": ("ES512",)}
ALGORITHMS = (*_RSA_ALGORITHMS, "ES256", "ES384", "ES512", "EdDSA")
_STAYS = gettext_noop("This is a private or shared key. It stays with the client; upload its public half.")
_KTY: dict[str, Any] = {
    "RSA": jwt.algorithms.RSAAlgorithm,
    "EC": jwt.algorithms.ECAlgorithm,
    "OKP": jwt.algorithms.OKPAlgorithm,
}
_SECRET_MEMBERS = ("d", "p", "q", "k", "oth")


class PublicKey(NamedTuple):
    """One key of an upload, checked and ready to be kept."""

    kid: str
    algorithms: tuple[str, ...]
    public_key: str
    certificate: str = ""
    thumbprint: str = ""
    subject: str = ""
    not_before: datetime | None = None
    not_after: datetime | None = None


def read(text: str, *, kid: str = "", algorithms: tuple[str, ...] = ()) -> list[PublicKey]:
    """The keys of an upload. Raises UnusableKey for anything that could not be used safely.

    `kid` names a single key; left out it is the key's own thumbprint (RFC 7638), or the certificate's x5t#S256.
    `algorithms` narrows what may be signed with it; left out it is all that suits the key.
    """
    if len(text) > MAXIMUM_UPLOAD:
        raise UnusableKey(gettext_noop("An upload has 64 kB at most."))
    found = _of_jwks(text) if text.lstrip().startswith("{") else [_of_pem(*part) for part in _parts(text)]
    if not found or len(found) > MAXIMUM_KEYS:
        raise UnusableKey(Sentence(gettext_noop("An upload has between one and {most} keys."), most=MAXIMUM_KEYS))
    if kid and len(found) > 1:
        raise UnusableKey(gettext_noop("A key id can be given for a single key only."))
    return [_narrowed(key._replace(kid=kid or key.kid), algorithms) for key in found]


def _narrowed(key: PublicKey, wanted: tuple[str, ...]) -> PublicKey:
    if _KID.fullmatch(key.kid) is None:
        raise UnusableKey(gettext_noop("A key id has 1 to 100 visible ASCII characters."))
    if unfit := set(wanted) - set(key.algorithms):
        raise UnusableKey(
            Sentence(gettext_noop("The key cannot be used with {given}."), given=", ".join(sorted(unfit))[:100])
        )
    return key._replace(algorithms=wanted or key.algorithms)


def _parts(text: str) -> list[tuple[str, str]]:
    parts = [(found[1], found[0]) for found in _PEM.finditer(text)]
    if _PEM.sub("", text).strip() or any("PRIVATE" in label for label, _ in parts):
        raise UnusableKey(_STAYS if "PRIVATE" in text else "")
    return parts


def _of_pem(label: str, pem: str) -> PublicKey:
    try:
        if label == "CERTIFICATE":
            return of_certificate(x509.load_pem_x509_certificate(pem.encode()))
        return _of_key(serialization.load_pem_public_key(pem.encode()))
    except (ValueError, TypeError, UnsupportedAlgorithm) as unreadable:
        raise UnusableKey from unreadable


def of_certificate(certificate: x509.Certificate) -> PublicKey:
    """A certificate with its key."""
    der = certificate.public_bytes(serialization.Encoding.DER)
    thumbprint = certificates.thumbprint(der)
    return _of_key(certificate.public_key())._replace(
        kid=thumbprint,
        certificate=certificate.public_bytes(serialization.Encoding.PEM).decode(),
        thumbprint=thumbprint,
        subject=certificate.subject.rfc4514_string()[:255],
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
    )


def _of_key(key: Any) -> PublicKey:
    pem = key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
    return PublicKey(_jwk_thumbprint(key), _algorithms(key), pem)


def _algorithms(key: Any) -> tuple[str, ...]:
    """What may be signed with a key of this kind; a weak key with nothing (RFC 8725 section 3.5)."""
    if isinstance(key, rsa.RSAPublicKey):
        if key.key_size in _RSA_BITS and key.public_numbers().e in _RSA_EXPONENTS:
            return _RSA_ALGORITHMS
        raise UnusableKey(gettext_noop("An RSA key has 2048 to 8192 bits and the usual public exponent, 65537."))
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in _CURVES:
        return _CURVES[key.curve.name]
    if isinstance(key, ed25519.Ed25519PublicKey):
        return ("EdDSA",)
    raise UnusableKey(gettext_noop("Use an RSA key, an EC key on P-256, P-384 or P-521, or an Ed25519 key."))


def _jwk_thumbprint(key: Any) -> str:
    """The thumbprint of RFC 7638: the SHA-256 of the required members in order."""
    kind = {rsa.RSAPublicKey: "RSA", ec.EllipticCurvePublicKey: "EC"}
    kty = next((name for each, name in kind.items() if isinstance(key, each)), "OKP")
    if kty == "OKP" and not isinstance(key, ed25519.Ed25519PublicKey):
        return ""
    members = _KTY[kty].to_jwk(key, as_dict=True)
    needed = {"RSA": ("e", "kty", "n"), "EC": ("crv", "kty", "x", "y"), "OKP": ("crv", "kty", "x")}[kty]
    text = json.dumps({name: members[name] for name in needed}, separators=(",", ":"))
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


# --- JWKS (RFC 7517)


def _of_jwks(text: str) -> list[PublicKey]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as unreadable:
        raise UnusableKey(gettext_noop("This is no JSON.")) from unreadable
    listed = document.get("keys", [document])
    if not isinstance(listed, list) or not all(isinstance(members, dict) for members in listed):
        raise UnusableKey(gettext_noop("A JWKS has a list of keys."))
    return [_of_jwk(members) for members in listed[: MAXIMUM_KEYS + 1]]


def _of_jwk(members: dict[str, Any]) -> PublicKey:
    if members.get("kty") == "oct" or any(name in members for name in _SECRET_MEMBERS):
        raise UnusableKey(_STAYS)
    if members.get("kty") not in _KTY or members.get("use", "sig") != "sig":
        raise UnusableKey(gettext_noop("A key of a JWKS is an RSA, EC or Ed25519 key for signatures."))
    try:
        read_key = _of_key(_KTY[members["kty"]].from_jwk(members))
        if members.get("x5c"):
            read_key = _with_certificate(read_key, members["x5c"])
    except (jwt.PyJWTError, ValueError, TypeError, KeyError, UnsupportedAlgorithm) as unreadable:
        raise UnusableKey from unreadable
    kid, algorithm = members.get("kid", read_key.kid), members.get("alg")
    if not isinstance(kid, str) or not isinstance(algorithm, str | None):
        raise UnusableKey(gettext_noop("kid and alg of a key are texts."))
    return _narrowed(read_key._replace(kid=kid), (algorithm,) if algorithm else ())


def _with_certificate(key: PublicKey, chain: Any) -> PublicKey:
    """The first certificate of x5c, which must be that of the key itself (RFC 7517 section 4.7)."""
    if not isinstance(chain, list) or not isinstance(chain[0], str):
        raise UnusableKey(gettext_noop("x5c is a list of certificates."))
    found = of_certificate(x509.load_der_x509_certificate(base64.b64decode(chain[0], validate=True)))
    if found.public_key != key.public_key:
        raise UnusableKey(gettext_noop("The first certificate of x5c is not that of the key."))
    return found
