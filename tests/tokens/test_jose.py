"""JWTs: what ours say, and that nothing else passes for one. joserfc reads them as a second pair of eyes."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from joserfc import jwt as joserfc_jwt
from joserfc.errors import BadSignatureError
from joserfc.jwk import KeySet, RSAKey

from credentials import compact_jwt
from credentials.compact_jwt import Unreadable
from tests.world import START, World, call, later
from tokens import jose, signing
from tokens.models import IssuedToken, SigningKey

ALGORITHMS = ["RS256", "ES256"]
TYPES = (jose.ACCESS_TYPE, jose.NEVER_EXPIRING_TYPE)


def issue(world: World, algorithm: str = "ES256", **terms: Any) -> str:
    """A JWT for orders, signed with this algorithm."""
    if not SigningKey.objects.filter(algorithm=algorithm).exists():
        signing.rotate(world.test, by="test", algorithm=algorithm, at=START)
    world.policy(world.orders, **{"format": "jwt", "access": 60, **terms})
    return world.issue(world.key_of(world.orders)).access_token


def segment(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def opened(text: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def resigned(world: World, raw: str, head: Any, body: Any = None) -> str:
    """Another header or body under a good signature by the environment's own key: only the form can be wrong."""
    old_head, old_body, _ = raw.split(".")
    record = SigningKey.objects.get(kid=opened(old_head)["kid"])
    private: Any = serialization.load_pem_private_key(signing.private_key(record.kid).pem, None)
    from jwt.algorithms import get_default_algorithms

    algorithm: Any = get_default_algorithms()[record.algorithm]
    signed = f"{segment(head)}.{old_body if body is None else segment(body)}"
    return f"{signed}.{segment(algorithm.sign(signed.encode(), private))}"


def verdict(world: World, raw: str) -> str | None:
    reason = world.verify(raw, at=1).reason
    return None if reason is None else str(reason)


# ---------------------------------------------------------------------------------------------- what ours say


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_r8_an_access_token_has_the_header_and_claims_of_rfc_9068(world: World, algorithm: str) -> None:
    raw = issue(world, algorithm)
    token = joserfc_jwt.decode(raw, KeySet.import_key_set({"keys": signing.jwks(world.test)}), algorithms=[algorithm])
    record = IssuedToken.objects.get()
    assert record.signing_key is not None
    assert token.header == {"alg": algorithm, "typ": "at+jwt", "kid": record.signing_key.kid}
    client_id = world.key_of(world.orders).client_id
    issuer = call("/.well-known/oauth-authorization-server", method="GET").json["issuer"]
    assert token.claims == {
        "iss": issuer,
        "sub": client_id,
        "client_id": client_id,
        "aud": "https://orders.example/api",
        "scope": "read write",
        "iat": int(START.timestamp()),
        "exp": int(later(60).timestamp()),
        "jti": record.jti,
    }


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_another_reader_finds_the_key_at_the_jwks_door_and_sees_a_changed_signature(
    world: World, algorithm: str
) -> None:
    raw = issue(world, algorithm)
    shown = call("/.well-known/jwks.json", method="GET").json
    keys = KeySet.import_key_set(shown)
    assert joserfc_jwt.decode(raw, keys, algorithms=ALGORITHMS).claims["sub"]
    signed, _, signature = raw.rpartition(".")
    other = base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
    broken = f"{signed}.{segment(other[:-1] + bytes((other[-1] ^ 1,)))}"
    with pytest.raises(BadSignatureError):
        joserfc_jwt.decode(broken, keys, algorithms=ALGORITHMS)
    assert verdict(world, broken) == "bad_signature"
    for members in shown["keys"]:
        assert (members["use"], members["alg"]) == ("sig", algorithm)


def test_r6_a_groups_token_names_the_group_and_its_members(world: World) -> None:
    world.policy(world.commerce, format="jwt")
    raw = world.issue(world.key_of(world.commerce)).access_token
    assert opened(raw.split(".")[1])["aud"][0] == world.commerce.audience
    assert set(opened(raw.split(".")[1])["aud"]) == {
        holder.audience for holder in (world.commerce, world.orders, world.billing)
    }


def test_d15_r4_a_jwt_that_never_expires_has_no_exp_and_is_of_type_jwt(world: World) -> None:
    head, body, _ = issue(world, never_expires=True).split(".")
    assert opened(head)["typ"] == "JWT"
    assert "exp" not in opened(body)


def test_each_environment_is_an_issuer_of_its_own(world: World) -> None:
    world.policy(world.orders, format="jwt")
    client = world.key_of(world.orders)
    issuers = {
        opened(world.issue(client, environment=environment).access_token.split(".")[1])["iss"]
        for environment in ("test", "live")
    }
    assert len(issuers) == 2
    for environment, path in (("test", ""), ("live", "/env/live")):
        told = call(f"{path}/.well-known/oauth-authorization-server", method="GET").json["issuer"]
        assert told in issuers, environment


# ---------------------------------------------------------------------------------------------- what is no JWT of ours


def test_r2_none_is_no_algorithm(world: World) -> None:
    head, body, signature = issue(world).split(".")
    for name in ("none", "None", "NONE", ""):
        named = segment({**opened(head), "alg": name})
        assert verdict(world, f"{named}.{body}.{signature}") == "bad_signature"
        assert verdict(world, f"{named}.{body}.AA") == "bad_signature"
        assert verdict(world, f"{named}.{body}.") == "bad_signature"


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("confused", ["HS256", "HS512"])
def test_r2_a_public_key_is_no_shared_secret(world: World, algorithm: str, confused: str) -> None:
    head, body, _ = issue(world, algorithm).split(".")
    public = SigningKey.objects.get(kid=opened(head)["kid"]).public_key
    signed = f"{segment({**opened(head), 'alg': confused})}.{body}"
    hashed = {"HS256": hashlib.sha256, "HS512": hashlib.sha512}[confused]
    for secret in (public.encode(), public.strip().encode(), b""):
        mac = hmac.new(secret, signed.encode(), hashed).digest()
        assert verdict(world, f"{signed}.{segment(mac)}") == "bad_signature"


@pytest.mark.parametrize("named", ["RS256", "RS512", "PS256", "ES512", "EdDSA", "A256KW", "dir"])
def test_r2_another_algorithm_than_the_keys_own_is_refused(world: World, named: str) -> None:
    raw = issue(world, "ES256")
    forged = resigned(world, raw, {**opened(raw.split(".")[0]), "alg": named})
    assert verdict(world, forged) == "bad_signature"


def test_r3_a_kid_of_nobody_or_of_another_key_is_refused(world: World) -> None:
    raw = issue(world)
    other = signing.stage(world.test, by="test", algorithm="ES256", at=START)
    head = opened(raw.split(".")[0])
    for kid in ("nobody", "", "../../etc/passwd", "' OR 1=1 --", "x" * 65, "\x00", "\ud800", other.kid):
        assert verdict(world, resigned(world, raw, {**head, "kid": kid})) == "bad_signature"
    without = {name: value for name, value in head.items() if name != "kid"}
    assert verdict(world, resigned(world, raw, without)) == "bad_signature"


def _attackers_key() -> tuple[Any, dict[str, Any]]:
    private = ec.generate_private_key(ec.SECP256R1())
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return private, jose.public_jwk(kid="attacker", algorithm="ES256", public_key=public.decode())


def test_r3_keys_in_or_behind_the_header_are_ignored_and_nothing_is_fetched(world: World) -> None:
    from jwt.algorithms import ECAlgorithm

    raw = issue(world)
    head, body, _ = raw.split(".")
    private, jwk = _attackers_key()
    lures: list[dict[str, Any]] = [
        {"jwk": jwk},
        {"jku": "https://attacker.example/jwks.json"},
        {"x5u": "https://attacker.example/chain.pem"},
        {"x5c": ["MIIB"]},
        {"jwk": jwk, "kid": "attacker"},
    ]
    with mock.patch("socket.socket.connect", side_effect=AssertionError("a request left")) as connect:
        for lure in lures:
            signed = f"{segment({**opened(head), **lure})}.{body}"
            forged = f"{signed}.{segment(ECAlgorithm(ECAlgorithm.SHA256).sign(signed.encode(), private))}"
            with pytest.raises(Unreadable):
                jose.read(forged, key=_key(raw), types=TYPES)
            # With our own signature they change nothing: they are not looked at.
            ours = resigned(world, raw, {**opened(head), **lure})
            if "kid" not in lure:
                assert jose.read(ours, key=_key(raw), types=TYPES)["sub"]
        assert connect.call_count == 0


def _key(raw: str) -> jose.VerifyingKey:
    found = signing.key_by_id(compact_jwt.header(raw).kid)
    assert found is not None
    return found


@pytest.mark.parametrize("crit", [["exp"], [], ["b64"], "exp", None, [1]])
def test_r7_a_crit_header_is_refused_whatever_it_says(world: World, crit: Any) -> None:
    raw = issue(world)
    head = opened(raw.split(".")[0])
    assert verdict(world, resigned(world, raw, {**head, "crit": crit, "b64": True})) == "bad_signature"


@pytest.mark.parametrize("doubled", ["alg", "kid", "typ", "x"])
def test_r7_a_header_member_given_twice_is_refused(world: World, doubled: str) -> None:
    raw = issue(world)
    text = raw.split(".")[0]
    head = {**opened(text), "x": "1"}
    said = json.dumps(head)[:-1] + f', "{doubled}": {json.dumps(head[doubled])}}}'
    assert verdict(world, resigned(world, raw, said.encode())) == "bad_signature"


@pytest.mark.parametrize(
    "changed",
    [{"alg": None}, {"alg": ["ES256"]}, {"kid": 7}, {"kid": None}, {"kid": {"a": 1}}, {"typ": 1}, {"typ": None}],
)
def test_r7_members_that_are_no_text_are_refused(world: World, changed: dict[str, Any]) -> None:
    raw = issue(world)
    assert verdict(world, resigned(world, raw, {**opened(raw.split(".")[0]), **changed})) == "bad_signature"


FORMS: dict[str, Callable[[str], str]] = {
    "padded": lambda raw: raw.replace(".", "=.", 1),
    "two parts": lambda raw: raw.rpartition(".")[0],
    "four parts": lambda raw: raw + ".AA",
    "five parts": lambda raw: raw + ".AA.AA",
    "a space": lambda raw: raw + " ",
    "a line": lambda raw: raw + "\n",
    "standard base64": lambda raw: "+/" + raw,
    "json": lambda raw: json.dumps(dict(zip(("protected", "payload", "signature"), raw.split("."), strict=True))),
    "no header": lambda raw: "." + raw.partition(".")[2],
    "no signature": lambda raw: raw.rpartition(".")[0] + ".",
    "header is a list": lambda raw: segment([1]) + "." + raw.partition(".")[2],
    "header is text": lambda raw: segment("at+jwt") + "." + raw.partition(".")[2],
    "header is no json": lambda raw: segment(b"{") + "." + raw.partition(".")[2],
    "header is no utf-8": lambda raw: segment(b"\xff\xfe") + "." + raw.partition(".")[2],
    "deep header": lambda raw: segment(b"[" * 5_000 + b"]" * 5_000) + "." + raw.partition(".")[2],
    "a foreign letter": lambda raw: raw[:-1] + "é",
}


@pytest.mark.parametrize("form", FORMS)
def test_r7_only_the_compact_form_is_read(world: World, form: str) -> None:
    changed = FORMS[form](issue(world))
    assert verdict(world, changed) in {"bad_signature", "token_not_found"}
    with pytest.raises(Unreadable):
        compact_jwt.header(changed)


@pytest.mark.parametrize("typ", ["refresh+jwt", "JWS", "", "id+jwt", "token-introspection+jwt", "at+jwt ", "client"])
def test_r5_another_typ_is_another_kind(world: World, typ: str) -> None:
    raw = issue(world)
    reason = "wrong_token_kind" if typ == jose.REFRESH_TYPE else "bad_signature"
    assert verdict(world, resigned(world, raw, {**opened(raw.split(".")[0]), "typ": typ})) == reason


@pytest.mark.parametrize("typ", ["application/at+jwt", "AT+JWT"])
def test_r5_the_long_form_of_the_typ_is_the_same_kind(world: World, typ: str) -> None:
    raw = issue(world)
    assert verdict(world, resigned(world, raw, {**opened(raw.split(".")[0]), "typ": typ})) is None


def test_r1_no_claim_counts_before_the_signature(world: World) -> None:
    head, body, signature = issue(world).split(".")
    for changed in ({"scope": "admin"}, {"exp": 4_000_000_000}, {"jti": "other"}, {"aud": "https://billing.example"}):
        forged = f"{head}.{segment({**opened(body), **changed})}.{signature}"
        assert verdict(world, forged) == "bad_signature"


@pytest.mark.parametrize("claims", [[], "text", 7, {}, {"jti": 1}, {"jti": None}, {"jti": ["a"]}])
def test_claims_without_a_jti_are_refused_under_any_signature(world: World, claims: Any) -> None:
    raw = issue(world)
    assert verdict(world, resigned(world, raw, opened(raw.split(".")[0]), claims)) == "bad_signature"


@pytest.mark.parametrize("exp", ["soon", 1.5, True, [], 10**30, -(10**30)])
def test_r4_an_exp_that_is_no_moment_is_refused(world: World, exp: Any) -> None:
    raw = issue(world)
    head, body = (opened(part) for part in raw.split(".")[:2])
    assert verdict(world, resigned(world, raw, head, {**body, "exp": exp})) == "bad_signature"


def test_r4_there_is_no_leeway(world: World) -> None:
    raw = issue(world)
    assert world.verify(raw, at=59.999).good
    assert world.verify(raw, at=60).reason == "token_expired"


def test_a_value_past_the_cap_is_not_decoded(world: World) -> None:
    raw = issue(world)
    long = raw + "A" * compact_jwt.MAXIMUM_LENGTH
    assert not compact_jwt.looks_like_jwt(long)
    with pytest.raises(Unreadable), mock.patch.object(base64, "urlsafe_b64decode", side_effect=AssertionError):
        compact_jwt.header(long)
    assert verdict(world, long) == "token_not_found"


def test_r2_a_jwt_of_another_environment_of_ours_is_refused(world: World) -> None:
    world.policy(world.orders, format="jwt")
    raw = world.issue(world.key_of(world.orders), environment="live").access_token
    assert verdict(world, raw) == "wrong_environment"


def test_r2_a_jwt_signed_by_a_stranger_is_refused(world: World) -> None:
    head, body, _ = issue(world, "RS256").split(".")
    stranger = RSAKey.generate_key(2048)
    forged = joserfc_jwt.encode(opened(head), opened(body), stranger)
    assert verdict(world, forged) == "bad_signature"


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_public_jwk_has_no_private_member(algorithm: str) -> None:
    private: Any = (
        ec.generate_private_key(ec.SECP256R1())
        if algorithm == "ES256"
        else rsa.generate_private_key(public_exponent=65537, key_size=2048)
    )
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    members = jose.public_jwk(kid="k", algorithm=algorithm, public_key=public.decode())
    assert set(members) == {"kty", "use", "alg", "kid"} | ({"crv", "x", "y"} if algorithm == "ES256" else {"n", "e"})
