"""Keys, assertions and certificates of clients, as they make them themselves."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from urllib.parse import quote

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ISSUER = "http://127.0.0.1:8000"
TOKEN_URL = f"{ISSUER}/oauth2/token"


@cache
def private_key(kind: str = "ES256", number: int = 0) -> Any:
    """A private key that suits an algorithm; the same for the same words, for making them takes long."""
    if kind.startswith(("RS", "PS")):
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)
    if kind == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    return ec.generate_private_key({"ES384": ec.SECP384R1, "ES512": ec.SECP521R1}.get(kind, ec.SECP256R1)())


def public_pem(key: Any) -> str:
    """The public half in PEM."""
    return (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


def private_pem(key: Any) -> str:
    """The private half in PEM."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def claims(client_id: str, **changed: Any) -> dict[str, Any]:
    """Good claims of an assertion, made now. None takes one out."""
    now = int(datetime.now(UTC).timestamp())
    made = {
        "iss": client_id,
        "sub": client_id,
        "aud": ISSUER,
        "jti": secrets.token_hex(16),
        "iat": now,
        "exp": now + 60,
        **changed,
    }
    return {name: value for name, value in made.items() if value is not None}


def assertion(
    client_id: str, key: Any, *, algorithm: str = "ES256", head: dict[str, Any] | None = None, **changed: Any
) -> str:
    """A client's assertion."""
    return jwt.encode(claims(client_id, **changed), key, algorithm=algorithm, headers=head)


def form(signed: str, **more: str) -> dict[str, str]:
    """The parameters that carry an assertion."""
    return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": signed, **more}


def part(value: Any) -> str:
    """A part of a JWT, of bytes or of something for JSON."""
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def signed_as(head: Any, body: Any, key: Any, algorithm: str = "ES256") -> str:
    """Any header and body under a good signature."""
    method: Any = jwt.get_algorithm_by_name(algorithm)
    text = f"{part(head)}.{part(body)}"
    return f"{text}.{part(method.sign(text.encode(), key))}"


# --- Certificates


@dataclass
class Certified:
    """A certificate with its private key."""

    certificate: x509.Certificate
    key: Any

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def escaped(self) -> str:
        """As nginx forwards it: $ssl_client_escaped_cert."""
        return quote(self.pem, safe="")


def x5t(of: Certified) -> str:
    """Its x5t#S256 (RFC 8705 section 3.1)."""
    return base64.urlsafe_b64encode(hashlib.sha256(of.der).digest()).rstrip(b"=").decode()


def certificate(
    name: str = "shop.example",
    *,
    by: Certified | None = None,
    authority: bool = False,
    usage: Any = ExtendedKeyUsageOID.CLIENT_AUTH,
    san: list[Any] | None = None,
    from_: datetime | None = None,
    until: datetime | None = None,
    key: Any = None,
) -> Certified:
    """A certificate for CN=name, O=Example and the DNS name, self-signed or issued by an authority."""
    own = key or ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name.from_rfc4514_string(f"CN={name},O=Example")
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by.certificate.subject if by else subject)
        .public_key(own.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(from_ or now - timedelta(days=1))
        .not_valid_after(until or now + timedelta(days=365))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    )
    if usage is not None and not authority:
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    names = [x509.DNSName(name)] if san is None else san
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    signer = by.key if by else own
    digest = None if isinstance(signer, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return Certified(builder.sign(signer, digest), own)


# Made once with openssl, which still signs with SHA-1: an authority, and a certificate of it for shop.example.
OLD_AUTHORITY = """-----BEGIN CERTIFICATE-----
MIIBejCCAR+gAwIBAgIUGcIlzq9hNfGJC2RgmIxJuyCiX64wCgYIKoZIzj0EAwIw
ETEPMA0GA1UEAwwGT2xkIENBMCAXDTI2MTEyNDE0MzI1M1oYDzIxMjYxMDMxMTQz
MjUzWjARMQ8wDQYDVQQDDAZPbGQgQ0EwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC
AAQsAUIQoeGjRjjVfNsoVsDexRmKwWvYofVYGkOByUkNbxRUyCSaU4NFYHjr4WcL
AQJms1M2Xfbwr4p+IbV+j+fvo1MwUTAdBgNVHQ4EFgQUvUYMJ5d/3xxPgth8i/za
gd6LOWQwHwYDVR0jBBgwFoAUvUYMJ5d/3xxPgth8i/zagd6LOWQwDwYDVR0TAQH/
BAUwAwEB/zAKBggqhkjOPQQDAgNJADBGAiEA/lccmsWFKF63MktxmOqLaq60FibC
AqzCekePg74gkRQCIQDEYklNj2aYgglnI1ruVJLAYofnlJNoAedVFeVfQDbhig==
-----END CERTIFICATE-----
"""
SIGNED_WITH_SHA_1 = """-----BEGIN CERTIFICATE-----
MIIBfTCCASOgAwIBAgIUCGHurocxkb05jKYf3+xHdR8OzUUwCQYHKoZIzj0EATAR
MQ8wDQYDVQQDDAZPbGQgQ0EwIBcNMjYxMTI0MTQzMjUzWhgPMjEyNjEwMzExNDMy
NTNaMA4xDDAKBgNVBAMMA29sZDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABIBm
2Ny7JP16W+MsQZ2DwIJbIAgyvUXvzZOqWPbnN3cqGeYRvVzI4+hSGfHAsrLkUbsI
LLn+aE4JW17JyfP61RyjWzBZMBcGA1UdEQQQMA6CDHNob3AuZXhhbXBsZTAdBgNV
HQ4EFgQUswdSU+ng+nTo3QlXLKnHzU/wpzowHwYDVR0jBBgwFoAUvUYMJ5d/3xxP
gth8i/zagd6LOWQwCQYHKoZIzj0EAQNJADBGAiEA21hr/o+o1eQSYFiKxIa46fmh
t/r21sd3XfN4afuU6uwCIQDe/tcEs4dspMSWkQQY+ccL6PQ2dqZPMkO3xHsxK8dE
Nw==
-----END CERTIFICATE-----
"""
