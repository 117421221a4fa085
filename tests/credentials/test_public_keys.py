"""What may be uploaded for a client: good public keys, and nothing that must stay with it."""

from __future__ import annotations

import json
from typing import Any
from unittest import mock

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, rsa
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from credentials import public_keys
from credentials.errors import UnusableKey
from tests.tokens import proofs

EC, RSA, ED = proofs.private_key("ES256"), proofs.private_key("RS256"), proofs.private_key("EdDSA")
SIGNS_WITH = {
    "RS256": ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    "ES256": ("ES256",),
    "ES384": ("ES384",),
    "ES512": ("ES512",),
    "EdDSA": ("EdDSA",),
}


def jwks(*keys: dict[str, Any]) -> str:
    return json.dumps({"keys": list(keys)})


def jwk(key: Any, **more: Any) -> dict[str, Any]:
    """The public JWK of a key as another library writes it."""
    kinds: dict[str, Any] = {"RS": RSAKey, "EC": ECKey, "Ed": OKPKey}
    return {**kinds[type(key).__name__[:2]].import_key(proofs.public_pem(key)).as_dict(private=False), **more}


@pytest.mark.parametrize("kind", SIGNS_WITH)
def test_a_public_key_in_pem_signs_what_suits_it_and_is_named_by_its_thumbprint(kind: str) -> None:
    key = proofs.private_key(kind)
    (found,) = public_keys.read(proofs.public_pem(key))
    assert found.algorithms == SIGNS_WITH[kind]
    assert found.public_key == proofs.public_pem(key)
    assert (found.certificate, found.thumbprint, found.not_after) == ("", "", None)
    kinds: dict[str, Any] = {"RS": RSAKey, "ES": ECKey, "Ed": OKPKey}
    assert found.kid == kinds[kind[:2]].import_key(proofs.public_pem(key)).thumbprint(), "RFC 7638, by another library"


def test_a_certificate_brings_its_key_name_thumbprint_and_validity() -> None:
    made = proofs.certificate("shop.example")
    (found,) = public_keys.read("\n" + made.pem)
    assert found.public_key == proofs.public_pem(made.key)
    assert found.kid == found.thumbprint
    assert len(found.thumbprint) == 43
    assert found.subject == "CN=shop.example,O=Example"
    assert (found.not_before, found.not_after) == (
        made.certificate.not_valid_before_utc,
        made.certificate.not_valid_after_utc,
    )


def test_several_keys_come_in_one_jwks_each_with_its_algorithm() -> None:
    text = jwks(jwk(RSA, alg="PS256", kid="a", use="sig"), jwk(EC, kid="b"), jwk(ED))
    found = public_keys.read(text)
    assert [key.algorithms for key in found] == [("PS256",), ("ES256",), ("EdDSA",)]
    assert [key.kid for key in found[:2]] == ["a", "b"]
    assert [key.public_key for key in found] == [proofs.public_pem(key) for key in (RSA, EC, ED)]
    (alone,) = public_keys.read(json.dumps(jwk(EC)))
    assert alone.public_key == proofs.public_pem(EC)


def test_a_jwk_with_its_certificate_is_a_certificate() -> None:
    import base64

    made = proofs.certificate("shop.example")
    chain = [base64.b64encode(made.der).decode()]
    (found,) = public_keys.read(jwks(jwk(made.key, x5c=chain, kid="mine")))
    assert (found.kid, found.certificate, len(found.thumbprint)) == ("mine", made.pem, 43)
    with pytest.raises(UnusableKey, match="x5c"):
        public_keys.read(jwks(jwk(EC, x5c=chain)))


def test_a_name_and_a_shorter_list_of_algorithms_may_be_given() -> None:
    (found,) = public_keys.read(proofs.public_pem(RSA), kid="2026-11", algorithms=("PS256", "PS512"))
    assert (found.kid, found.algorithms) == ("2026-11", ("PS256", "PS512"))
    for kid in ("a b", "é", "x" * 101, "\n"):
        with pytest.raises(UnusableKey):
            public_keys.read(proofs.public_pem(RSA), kid=kid)
    with pytest.raises(UnusableKey, match="HS256"):
        public_keys.read(proofs.public_pem(RSA), algorithms=("RS256", "HS256"))
    with pytest.raises(UnusableKey, match="none"):
        public_keys.read(jwks(jwk(EC, alg="none")))


def encrypted(key: Any) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"x")
    ).decode()


PRIVATE = {
    "a private key": proofs.private_pem(EC),
    "a private RSA key": proofs.private_pem(RSA),
    "an encrypted private key": encrypted(EC),
    "a certificate and its key": proofs.certificate(key=EC).pem + proofs.private_pem(EC),
    "a private JWK": jwks(ECKey.import_key(proofs.private_pem(EC)).as_dict(private=True)),
    "a private RSA JWK": jwks(RSAKey.import_key(proofs.private_pem(RSA)).as_dict(private=True)),
    "a shared key": jwks(OctKey.generate_key(256).as_dict(private=True)),
    "a public and a private one": jwks(jwk(EC), OKPKey.import_key(proofs.private_pem(ED)).as_dict(private=True)),
}


@pytest.mark.parametrize("what", PRIVATE)
def test_a_private_key_is_refused_by_its_name(what: str) -> None:
    with pytest.raises(UnusableKey, match="stays with the client"):
        public_keys.read(PRIVATE[what])


def weak(size: int, exponent: int = 65537) -> str:
    return proofs.public_pem(rsa.generate_private_key(public_exponent=exponent, key_size=size))


UNUSABLE = {
    "nothing": "",
    "words": "hello",
    "words around a key": "my key:\n" + proofs.public_pem(EC),
    "half a key": proofs.public_pem(EC)[:-40],
    "no base64": "-----BEGIN PUBLIC KEY-----\n!!!!\n-----END PUBLIC KEY-----\n",
    "a request": "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n",
    "a short RSA key": weak(1024),
    "a small exponent": weak(2048, 3),
    "DSA": proofs.public_pem(dsa.generate_private_key(1024)),
    "a curve that JOSE does not know": proofs.public_pem(ec.generate_private_key(ec.SECP256K1())),
    "Ed448": proofs.public_pem(ed448.Ed448PrivateKey.generate()),
    "broken JSON": "{",
    "deep JSON": '{"keys":' + "[" * 20_000 + "]" * 20_000 + "}",
    "keys that are no list": '{"keys": 1}',
    "no keys": jwks(),
    "a key that is text": '{"keys": ["x"]}',
    "no kty": jwks({"n": "AQAB"}),
    "a key for encryption": jwks(jwk(RSA, use="enc")),
    "a kid that is a number": jwks(jwk(EC, kid=1)),
    "an alg that is a list": jwks(jwk(EC, alg=["ES256"])),
    "an alg of another kind": jwks(jwk(EC, alg="RS256")),
    "a point off its curve": jwks({**jwk(EC), "y": jwk(EC)["x"]}),
    "members that are numbers": jwks({"kty": "RSA", "n": 7, "e": 7}),
    "an x5c that is text": jwks(jwk(EC, x5c="MIIB")),
    "an x5c of rubbish": jwks(jwk(EC, x5c=["MIIB"])),
    "eleven keys": jwks(*(jwk(EC, kid=str(number)) for number in range(11))),
    "a megabyte": proofs.public_pem(EC) + " " * 1_000_000,
}


@pytest.mark.parametrize("what", UNUSABLE)
def test_what_cannot_be_used_safely_is_refused(what: str) -> None:
    with pytest.raises(UnusableKey):
        public_keys.read(UNUSABLE[what])


def test_r3_an_address_in_a_key_is_not_looked_at() -> None:
    text = jwks(jwk(EC, x5u="https://attacker.example/x.pem", jku="https://attacker.example/"))
    with mock.patch("socket.socket", side_effect=AssertionError("a socket was opened")):
        (found,) = public_keys.read(text)
    assert found.public_key == proofs.public_pem(EC)
