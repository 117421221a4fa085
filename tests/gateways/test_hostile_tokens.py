"""Hostile tokens at each gateway: refused, quickly, with nobody fetching what they name (B20-B24, R2, R3, R7)."""

import base64
import hashlib
import hmac
import json
import socket
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization

from tests.gateways.conftest import Edge
from tests.gateways.gateways import KINDS
from tests.gateways.portal import Portal
from tests.gateways.upstream import Api
from tests.tokens import proofs
from tests.wire import ask
from tokens import signing
from tokens.models import SigningKey

pytestmark = pytest.mark.gateway
ATTACKER = proofs.private_key("RS256", 66)
# No gateway takes so long for a token that it refuses; one that parses deeply or waits for somebody does.
QUICKLY = 5.0
TOO_LONG = (400, 401, 414, 431, 500, 502, 503)


@contextmanager
def trap() -> Iterator[socket.socket]:
    """A port that a token names. Whoever connects to it has believed the token."""
    with closing(socket.create_server(("127.0.0.1", 0), backlog=64)) as listening:
        listening.setblocking(False)
        yield listening


def visitors(listening: socket.socket) -> int:
    found = 0
    while True:
        try:
            listening.accept()[0].close()
        except BlockingIOError:
            return found
        found += 1


def by_hmac(head: dict[str, Any], body: Any, secret: bytes) -> str:
    text = f"{proofs.part(head)}.{proofs.part(body)}"
    return f"{text}.{proofs.part(hmac.digest(secret, text.encode(), head['alg'].replace('HS', 'sha')))}"


def lures(port: int) -> dict[str, dict[str, Any]]:
    """Headers that bring the attacker's key along, or say where it is."""
    public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(ATTACKER.public_key()))
    chain = proofs.certificate(key=ATTACKER)
    address = f"http://127.0.0.1:{port}"
    return {
        "jwk": {"jwk": {**public, "kid": "attacker"}, "kid": "attacker"},
        "jku": {"jku": f"{address}/jwks.json", "kid": "attacker"},
        "x5u": {"x5u": f"{address}/chain.pem"},
        "x5c": {"x5c": [base64.b64encode(chain.der).decode()], "x5t#S256": proofs.x5t(chain)},
        "a kid that is an address": {"kid": f"{address}/key.pem"},
        "a foreign kid": {"kid": "attacker"},
        "a kid that is a path": {"kid": "../../../dev/null"},
        "an unknown crit": {"crit": ["unknown"], "unknown": 1},
        "another type": {"typ": "JWT"},
    }


def hostile(good: str, port: int) -> dict[str, str]:
    """What an attacker makes of a good token that was seen: the right claims under everything that is wrong."""
    head, body = (json.loads(base64.urlsafe_b64decode(part + "==")) for part in good.split(".")[:2])
    signature = good.rpartition(".")[2]
    public = SigningKey.objects.get(kid=head["kid"]).public_key
    der = base64.b64decode("".join(public.splitlines()[1:-1]))
    made = {"the attacker's key": proofs.signed_as(head, body, ATTACKER, "RS256")}
    for name, more in lures(port).items():
        made[name] = proofs.signed_as({**head, **more}, body, ATTACKER, "RS256")
        made[f"{name}, with the old signature"] = f"{proofs.part({**head, **more})}.{proofs.part(body)}.{signature}"
    for name in ("none", "None", "nOnE", "", "RS512", "PS256", "ES256"):
        unsigned = f"{proofs.part({**head, 'alg': name})}.{proofs.part(body)}"
        made[f"algorithm {name!r}"], made[f"algorithm {name!r} signed"] = f"{unsigned}.", f"{unsigned}.{signature}"
    for name in ("HS256", "HS512"):
        for secret in (public.encode(), public.strip().encode(), der, b"", hashlib.sha256(der).digest()):
            made[f"{name} by {secret[:12]!r}"] = by_hmac({**head, "alg": name}, body, secret)
    return made


def deep(good: str) -> dict[str, str]:
    """JSON as deep as a header line lets through, where it is read before the signature and after it."""
    head, body, signature = good.split(".")
    made = {}
    for name, opening, closing_mark in (("lists", b"[", b"]"), ("objects", b'{"a":', b"}")):
        depth = 4_000 // len(opening + closing_mark)
        text = opening * depth + b"1" + closing_mark * depth
        nested = json.dumps({"alg": "RS256"})[:-1].encode() + b', "x": ' + text + b"}"
        made[f"{name} in the header"] = f"{proofs.part(nested)}.{body}.{signature}"
        made[f"{name} as claims"] = f"{head}.{proofs.part(text)}.{signature}"
    return made


def huge(good: str) -> dict[str, str]:
    head, body, signature = good.split(".")
    return {
        "50 kB of claims": f"{head}.{'A' * 50_000}.{signature}",
        "50 kB of signature": f"{good}{'A' * 50_000}",
        "50,000 lists as claims": f"{head}.{proofs.part(b'[' * 50_000)}.{signature}",
        "50,000 lists as header": f"{proofs.part(b'[' * 50_000)}.{body}.{signature}",
    }


@pytest.mark.parametrize("edge", KINDS, indirect=True)
def test_b20_b24_no_hostile_token_opens_an_api_stops_its_gateway_or_makes_it_ask_somebody(
    portal: Portal, edge: Edge, api: Api
) -> None:
    portal.formats("jwt")
    good = portal.token(portal.world.orders)
    gateway = edge["orders"]
    assert gateway.ask(good).status == 200
    api.seen.clear()
    with trap() as listening:
        shown = {**hostile(good, listening.getsockname()[1]), **deep(good)}
        for what, raw in {**shown, **huge(good)}.items():
            started = time.monotonic()
            heard = gateway.ask(raw)
            assert heard.status == 401 if what in shown else heard.status in TOO_LONG, (what, heard)
            assert time.monotonic() - started < QUICKLY, what
        assert visitors(listening) == 0
    assert api.seen == []
    assert gateway.ask(good).status == 200


def test_r7_a_crit_under_the_portal_s_own_signature_is_refused_as_well(portal: Portal) -> None:
    """None was ever signed. With the key in hand: the portal looks at it, and not at the signature alone."""
    portal.formats("jwt")
    good = portal.token(portal.world.orders)
    head, body = (json.loads(base64.urlsafe_b64decode(part + "==")) for part in good.split(".")[:2])
    key = serialization.load_pem_private_key(signing.private_key(head["kid"]).pem, None)

    def status(**more: Any) -> int:
        raw = proofs.signed_as({**head, **more}, body, key, "RS256")
        proof = {"X-Gateway-Token": portal.gateway_token, "X-Gateway-Type": "reverse_proxy"}
        return ask(portal.port, "GET", "/auth/verify/orders", {"Authorization": f"Bearer {raw}", **proof}).status

    assert status() == 200
    assert status(crit=["unknown"], unknown=1) == status(crit=["exp"]) == status(crit=[]) == 401
