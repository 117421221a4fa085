"""Hostile JWTs, as client assertion and as bearer token: refused, with no request going out (B20-B26, R2, R3, R7).

Each is made twice: under a good signature of the one who may sign, so that only its form can be wrong, and by a
stranger who brings the key along.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

import jwt
import pytest
from cryptography.hazmat.primitives import serialization

from credentials import client_keys, clients, compact_jwt
from credentials.models import UsedAssertion
from tests.tokens import proofs
from tests.tokens.doors.asking import TOKEN, check_error, rows, verify
from tests.world import Answered, World, call
from tokens import signing
from tokens.models import SigningKey

ATTACKER = proofs.private_key("ES256", 66)
ATTACKERS_JWK = {**json.loads(jwt.algorithms.ECAlgorithm.to_jwk(ATTACKER.public_key())), "kid": "attacker"}


@pytest.fixture(autouse=True)
def no_socket(settings: Any) -> Iterator[Any]:
    """No name is looked up and nothing is connected to. The limiter, which may ask Redis, is off."""
    settings.TOKEN_RATE_LIMIT_PER_MINUTE = settings.CLIENT_RATE_LIMIT_PER_MINUTE = 0
    refuse = AssertionError("a request left")
    with (
        mock.patch("socket.socket.connect", side_effect=refuse) as connect,
        mock.patch("socket.getaddrinfo", side_effect=refuse) as lookup,
        mock.patch("urllib.request.OpenerDirector.open", side_effect=refuse) as fetch,
    ):
        yield
        assert (connect.call_count, lookup.call_count, fetch.call_count) == (0, 0, 0)


class Target:
    """Where a JWT is shown: who may sign, a good one to begin with, and the question."""

    def __init__(self, good: str, key: Any, public: str, ask: Callable[[str], Answered]) -> None:
        self.good, self.key, self.public, self.ask = good, key, public, ask
        self.head, self.body = (json.loads(base64.urlsafe_b64decode(part + "==")) for part in good.split(".")[:2])

    def signed(self, head: Any, body: Any = None, *, by: Any = None) -> str:
        return proofs.signed_as(head, self.body if body is None else body, by or self.key)

    def refuses(self, raw: str) -> None:
        before = rows()
        answered = self.ask(raw)
        assert answered.status in (400, 401), answered.body
        assert rows() <= before + 1
        assert not UsedAssertion.objects.exists()


def as_assertion(world: World) -> Target:
    credential, key = world.credentials["orders"], proofs.private_key()
    clients.set_methods(credential, ["private_key_jwt"], by="test")
    client_keys.add_keys(credential, proofs.public_pem(key), kid="mine", by="test")
    good = proofs.assertion(credential.client_id, key, head={"kid": "mine"})
    return Target(
        good,
        key,
        proofs.public_pem(key),
        lambda raw: call(TOKEN, {"grant_type": "client_credentials", **proofs.form(raw)}),
    )


def as_bearer(world: World) -> Target:
    signing.rotate(world.test, by="test", algorithm="ES256")
    world.policy(world.orders, format="jwt", access=3_600)
    client = world.key_of(world.orders)
    good = call(TOKEN, {"grant_type": "client_credentials"}, client=client).json["access_token"]
    record = SigningKey.objects.get()
    key = serialization.load_pem_private_key(signing.private_key(record.kid).pem, None)
    return Target(good, key, record.public_key, verify)


@pytest.fixture(params=[as_assertion, as_bearer], ids=["assertion", "verify"])
def target(request: pytest.FixtureRequest, world: World) -> Target:
    return request.param(world)


def test_the_good_one_is_good(target: Target) -> None:
    """Otherwise all that follows would be refused for the wrong reason."""
    assert target.ask(target.signed(target.head)).status == 200


# ---------------------------------------------------------------------------------------------- algorithms


@pytest.mark.parametrize("name", ["none", "None", "NONE", "nOnE", ""])
def test_b20_none_is_no_algorithm(target: Target, name: str) -> None:
    for signature in ("", "AA", target.good.rpartition(".")[2]):
        unsigned = f"{proofs.part({**target.head, 'alg': name})}.{proofs.part(target.body)}"
        target.refuses(f"{unsigned}.{signature}")


@pytest.mark.parametrize("name", ["HS256", "HS384", "HS512"])
def test_b20_a_public_key_is_no_shared_secret(target: Target, name: str) -> None:
    text = f"{proofs.part({**target.head, 'alg': name})}.{proofs.part(target.body)}"
    der = base64.b64decode("".join(target.public.splitlines()[1:-1]))
    hashed = getattr(hashlib, name.replace("HS", "sha"))
    for secret in (target.public.encode(), target.public.strip().encode(), der, b""):
        mac = hmac.new(secret, text.encode(), hashed).digest()
        target.refuses(f"{text}.{proofs.part(mac)}")


@pytest.mark.parametrize("name", ["RS256", "PS256", "ES384", "ES512", "ES256K", "EdDSA", "dir", "A256KW", "es256"])
def test_b20_the_header_does_not_choose_the_algorithm(target: Target, name: str) -> None:
    target.refuses(target.signed({**target.head, "alg": name}))


@pytest.mark.parametrize("alg", [None, 7, True, ["ES256"], {"ES256": 1}])
def test_r7_an_algorithm_that_is_no_text_is_refused(target: Target, alg: Any) -> None:
    target.refuses(target.signed({**target.head, "alg": alg}))
    target.refuses(target.signed({name: value for name, value in target.head.items() if name != "alg"}))


# ---------------------------------------------------------------------------------------------- keys


LURES: dict[str, dict[str, Any]] = {
    "jwk": {"jwk": ATTACKERS_JWK},
    "jwk and its kid": {"jwk": ATTACKERS_JWK, "kid": "attacker"},
    "jku": {"jku": "https://attacker.example/jwks.json", "kid": "attacker"},
    "jku of the portal with the attacker's host": {"jku": "http://127.0.0.1:8000@attacker.example/jwks.json"},
    "jku to a file": {"jku": "file:///etc/passwd"},
    "x5u": {"x5u": "https://attacker.example/chain.pem"},
    "x5c": {"x5c": [base64.b64encode(proofs.certificate(key=ATTACKER).der).decode()]},
    "x5t of nobody": {"x5t": "AAAA", "x5t#S256": "AAAA"},
    "all": {"jwk": ATTACKERS_JWK, "jku": "https://a.example", "x5u": "https://a.example", "x5c": ["MIIB"]},
}


@pytest.mark.parametrize("lure", LURES)
def test_b22_r3_a_key_that_the_header_brings_along_is_not_looked_at(target: Target, lure: str) -> None:
    target.refuses(target.signed({**target.head, **LURES[lure]}, by=ATTACKER))


@pytest.mark.parametrize("lure", LURES)
def test_b22_r3_and_beside_a_good_signature_it_changes_nothing(target: Target, lure: str) -> None:
    head = {**target.head, **{name: value for name, value in LURES[lure].items() if name != "kid"}}
    assert target.ask(target.signed(head)).status == 200


@pytest.mark.parametrize(
    "kid",
    [
        "attacker",
        "../../../dev/null",
        "' OR 1=1 --",
        "x" * 10_000,
        "\x00",
        "é",
        "https://attacker.example/",
        7,
        None,
        ["mine"],
    ],
    ids=str,
)
def test_b22_a_foreign_kid_is_no_key_of_the_signer(target: Target, kid: Any) -> None:
    target.refuses(target.signed({**target.head, "kid": kid}))
    target.refuses(target.signed({**target.head, "kid": kid}, by=ATTACKER))


def test_r3_a_key_of_somebody_else_signs_for_nobody_else(world: World) -> None:
    """An assertion under the environment's own key, and an access token under the client's."""
    assertion = as_assertion(world)
    signing.rotate(world.test, by="test", algorithm="ES256")
    record = SigningKey.objects.get()
    server = serialization.load_pem_private_key(signing.private_key(record.kid).pem, None)
    for kid in ("mine", record.kid):
        assertion.refuses(assertion.signed({**assertion.head, "kid": kid}, by=server))
        forged = proofs.signed_as(
            {"alg": "ES256", "typ": "at+jwt", "kid": kid}, {**assertion.body, "jti": "x"}, assertion.key
        )
        assert verify(forged).status == 401


# ---------------------------------------------------------------------------------------------- form


@pytest.mark.parametrize("crit", [["exp"], ["b64"], ["unknown"], [], None, "exp", 1], ids=str)
def test_b21_r7_a_crit_is_refused_whatever_it_names(target: Target, crit: Any) -> None:
    target.refuses(target.signed({**target.head, "crit": crit, "b64": True, "unknown": 1}))


def test_b21_an_unencoded_payload_is_refused(target: Target) -> None:
    target.refuses(target.signed({**target.head, "b64": False}))


@pytest.mark.parametrize("doubled", ["alg", "kid", "typ"])
def test_r7_a_doubled_member_of_the_header_is_refused(target: Target, doubled: str) -> None:
    text = json.dumps({"typ": "JWT", **target.head})
    for value in (target.head.get(doubled, "JWT"), "other"):
        first = text[:-1] + f', "{doubled}": {json.dumps(value)}}}'
        target.refuses(target.signed(first.encode()))


FORMS: dict[str, Callable[[Target], str]] = {
    "two parts": lambda target: target.good.rpartition(".")[0],
    "four parts": lambda target: target.good + ".AA",
    "five parts, as JWE": lambda target: "e30.e30.AA.AA.AA",
    "a JWE": lambda target: proofs.part({"alg": "PBES2-HS256+A128KW", "p2c": 2**31, "enc": "A128GCM"}) + ".AA.AA.AA.AA",
    "a compressed JWE": lambda target: proofs.part({"alg": "dir", "enc": "A128GCM", "zip": "DEF"}) + ".AA.AA.AA.AA",
    "flattened JSON": lambda target: json.dumps(
        dict(zip(("protected", "payload", "signature"), target.good.split("."), strict=True))
    ),
    "forged claims before the real ones": lambda target: json.dumps(
        {f"  {target.good.rpartition('.')[0]}.": "", "payload": "e30", "signature": "AA"}
    ),
    "padding": lambda target: target.good.replace(".", "=.", 1),
    "standard base64": lambda target: "+/" + target.good,
    "a tail": lambda target: target.good + "\u200b",
    "a header that is a list": lambda target: proofs.part([1]) + "." + target.good.partition(".")[2],
    "a header in UTF-16": lambda target: (
        proofs.part(json.dumps(target.head).encode("utf-16")) + "." + target.good.partition(".")[2]
    ),
    "claims that are a list": lambda target: target.signed(target.head, [1]),
    "claims that are text": lambda target: target.signed(target.head, "x"),
    "claims that are no JSON": lambda target: target.signed(target.head, b"{"),
    "claims that are no UTF-8": lambda target: target.signed(target.head, b'{"sub": "\xff"}'),
}


@pytest.mark.parametrize("form", FORMS)
def test_b24_only_the_compact_form_of_objects_is_read(target: Target, form: str) -> None:
    target.refuses(FORMS[form](target))


def test_b24_an_assertion_says_nothing_twice_and_no_number_that_is_none(world: World) -> None:
    target = as_assertion(world)
    text = json.dumps(target.body)
    for addition in ('"aud": "https://evil.example"', '"jti": "other"', '"x": NaN', '"y": Infinity, "z": -Infinity'):
        target.refuses(target.signed(target.head, f"{text[:-1]}, {addition}}}".encode()))


# ---------------------------------------------------------------------------------------------- size (B23)


def deep(depth: int) -> bytes:
    return b'{"a":' * depth + b"1" + b"}" * depth


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_b23_deep_json_inside_the_cap_is_refused(target: Target, opening: str) -> None:
    closing = {"[": "]"}.get(opening, "}")
    text = (opening * 1_800 + "1" + closing * 1_800).encode()
    assert len(proofs.part(text)) < compact_jwt.MAXIMUM_LENGTH
    target.refuses(f"{proofs.part(text)}.{target.good.partition('.')[2]}")
    target.refuses(target.signed(target.head, text))
    nested = json.dumps(target.body)[:-1].encode() + b', "x": ' + text + b"}"
    target.refuses(target.signed(target.head, nested))


@pytest.mark.parametrize("size", [50_000, 60_000])
def test_b23_fifty_thousand_levels_and_fifty_kilobytes_are_refused_before_anything_is_decoded(
    target: Target, size: int
) -> None:
    long = {
        "deep claims": f"{proofs.part(target.head)}.{proofs.part(b'[' * size)[:size]}.AA",
        "a deep header": f"{proofs.part(b'[' * size)[:size]}.e30.AA",
        "long claims": f"{proofs.part(target.head)}.{'A' * size}.AA",
        "a long signature": f"{target.good}{'A' * size}",
        "dots": "." * size,
        "letters": "A" * size,
    }
    with (
        mock.patch("json.loads", side_effect=AssertionError("read")),
        mock.patch("base64.urlsafe_b64decode", side_effect=AssertionError("decoded")),
        mock.patch("jwt.PyJWS.decode_complete", side_effect=AssertionError("verified")),
    ):
        answers = {name: target.ask(raw) for name, raw in long.items()}
    for name, answered in answers.items():
        assert answered.status in (400, 401), name


def test_b23_fifty_thousand_levels_by_the_strict_reader_itself() -> None:
    for text in (b"[" * 50_000, deep(50_000)):
        raw = f"{proofs.part(text)}.e30.AA"
        for read in (compact_jwt.header, compact_jwt.claims):
            with pytest.raises(compact_jwt.Unreadable):
                read(raw)


@pytest.mark.parametrize("size", [1_000, 3_000, 12_000, 16_000, 60_000])
def test_b23_what_is_refused_costs_no_more_time_than_what_is_good(target: Target, size: int) -> None:
    """By the time that this process works, so that a busy machine says nothing; ten milliseconds are for its clock."""

    def seconds(raw: str) -> float:
        started = time.process_time()
        target.ask(raw)
        return time.process_time() - started

    good = sum(seconds(target.signed(target.head, {**target.body, "jti": str(n)})) for n in range(5))
    text = b"[" * (size * 3 // 4)
    odd = (f"{proofs.part(text)}.e30.AA", f"{proofs.part(target.head)}.{proofs.part(text)}.AA", "." * size, "A" * size)
    for raw in odd:
        assert sum(seconds(raw) for _ in range(5)) < 2 * good + 0.05, raw[:40]


def test_b23_an_assertion_without_a_kid_costs_ten_signatures_at_most(world: World) -> None:
    credential = world.credentials["orders"]
    clients.set_methods(credential, ["private_key_jwt"], by="test")
    client_keys.add_keys(
        credential, "".join(proofs.public_pem(proofs.private_key("ES256", n)) for n in range(10)), by="test"
    )
    forged = proofs.assertion(credential.client_id, ATTACKER)
    counted = mock.Mock(side_effect=compact_jwt.is_signed_by)
    with mock.patch("credentials.compact_jwt.is_signed_by", counted):
        answered = call(TOKEN, {"grant_type": "client_credentials", **proofs.form(forged)})
    check_error(answered, 401, "invalid_client", "client_auth_failed")
    assert counted.call_count == 10


@pytest.mark.parametrize("algorithm", ["RS256", "PS512", "ES256", "ES384", "ES512", "EdDSA"])
def test_b48_an_unknown_client_costs_a_signature_too(world: World, algorithm: str) -> None:
    """So that the time says nothing about which client ids there are."""
    counted = mock.Mock(side_effect=compact_jwt.is_signed_by)
    signed = proofs.assertion("nobody", proofs.private_key(algorithm), algorithm=algorithm)
    with mock.patch("credentials.compact_jwt.is_signed_by", counted):
        answered = call(TOKEN, {"grant_type": "client_credentials", **proofs.form(signed)})
    check_error(answered, 401, "invalid_client", "client_auth_failed")
    assert counted.call_count == 1
