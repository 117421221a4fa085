"""Client certificates: as an edge forwards them, and what they must be to prove a client (RFC 8705).

The edge has seen the TLS handshake and so that the client holds the private key. Everything else is checked here: an
edge that asks for certificates without checking them lets nobody in.
"""

import base64
import binascii
import hashlib
import ipaddress
import re
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import unquote

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import ExtendedKeyUsageOID

MAXIMUM_LENGTH = 16 * 1024
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----([^-]+)-----END CERTIFICATE-----\s*")


class Certificate(NamedTuple):
    """A certificate and its x5t#S256: the unpadded base64url of the SHA-256 of its DER form."""

    parsed: x509.Certificate
    thumbprint: str


def thumbprint(der: bytes) -> str:
    """The x5t#S256 of a certificate (RFC 8705 section 3.1)."""
    return base64.urlsafe_b64encode(hashlib.sha256(der).digest()).rstrip(b"=").decode()


@lru_cache(maxsize=256)
def forwarded(value: str) -> Certificate | None:
    """The one certificate of a header, or None. Kept in the process: the same text is the same certificate.

    Read are PEM (also percent-encoded, or with its line ends as spaces), and DER in Base64 as it is or between colons
    (RFC 9440). Two certificates are none: one of them would be somebody else's choice.
    """
    text = value.strip()
    if not text or len(text) > MAXIMUM_LENGTH or "," in text:
        return None
    text = unquote(text).strip()
    if found := _PEM.fullmatch(text):
        text = found[1]
    elif len(text) > 2 and text[0] == text[-1] == ":":
        text = text[1:-1]
    try:
        der = base64.b64decode("".join(text.split()), validate=True)
        return Certificate(x509.load_der_x509_certificate(der), thumbprint(der))
    except (binascii.Error, ValueError):
        return None


def is_valid(certificate: x509.Certificate, now: datetime) -> bool:
    """True inside its validity."""
    return certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc


def is_issued_by(certificate: x509.Certificate, authority_pem: str) -> bool:
    """True for an end certificate, for clients where it says for whom, that this authority itself has signed."""
    try:
        certificate.verify_directly_issued_by(_authority(authority_pem))
        return _is_for_clients(certificate)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False


@lru_cache(maxsize=256)
def _authority(pem: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pem.encode())


def is_authority(certificate: x509.Certificate) -> bool:
    """True where it says that it issues certificates."""
    constraints = _extension(certificate, x509.BasicConstraints)
    return constraints is not None and bool(constraints.ca)


def _is_for_clients(certificate: x509.Certificate) -> bool:
    usage = _extension(certificate, x509.ExtendedKeyUsage)
    purposes = (ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE)
    return not is_authority(certificate) and (usage is None or any(purpose in usage for purpose in purposes))


def _extension(certificate: x509.Certificate, kind: Any) -> Any:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


# --- What a certificate of tls_client_auth must name (RFC 8705 section 2.1.2)


def _alternatives(certificate: x509.Certificate, kind: Any) -> list[Any]:
    names = _extension(certificate, x509.SubjectAlternativeName)
    return [] if names is None else list(names.get_values_for_type(kind))


_BEARS: dict[str, Callable[[x509.Certificate, str], bool]] = {
    "dn": lambda certificate, value: certificate.subject == x509.Name.from_rfc4514_string(value),
    "dns": lambda certificate, value: (
        value.lower() in [name.lower() for name in _alternatives(certificate, x509.DNSName)]
    ),
    "uri": lambda certificate, value: value in _alternatives(certificate, x509.UniformResourceIdentifier),
    "email": lambda certificate, value: value in _alternatives(certificate, x509.RFC822Name),
    "ip": lambda certificate, value: ipaddress.ip_address(value) in _alternatives(certificate, x509.IPAddress),
}


def bears(certificate: x509.Certificate, name: str) -> bool:
    """True where the certificate has exactly this subject or alternative name. No wildcard, no part of a name."""
    kind, _, value = name.partition(":")
    try:
        return kind in _BEARS and bool(value) and _BEARS[kind](certificate, value)
    except ValueError:
        return False


def name_is_usable(name: str) -> bool:
    """True for a name that a certificate can be asked for."""
    kind, _, value = name.partition(":")
    try:
        if kind == "dn":
            return len(list(x509.Name.from_rfc4514_string(value))) > 0
        if kind == "ip":
            return bool(ipaddress.ip_address(value))
    except ValueError:
        return False
    return kind in _BEARS and bool(value) and value.isascii() and "*" not in value and not re.search(r"\s", value)


def public_pem(certificate: x509.Certificate) -> str:
    """The public key of a certificate in PEM."""
    return (
        certificate.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )
