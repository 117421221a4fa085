"""HAProxy and Apache's mod_oauth2 validate JWTs by themselves. What they cannot know is said here, too."""

import base64
import hmac
import json
from typing import Any

import jwt
import pytest

from proxies import catalogue
from tests.gateways.checks import BARE, NEEDS_READ, challenge, identity, invalid
from tests.gateways.conftest import Edge
from tests.gateways.portal import Portal
from tests.gateways.upstream import Api
from tests.wire import Heard
from tokens import jose, signing
from tokens.models import SigningKey

pytestmark = [pytest.mark.gateway, pytest.mark.parametrize("edge", ["haproxy", "mod_oauth2"], indirect=True)]


@pytest.fixture(autouse=True)
def _jwts(portal: Portal) -> None:
    portal.formats("jwt")


def claims_of(raw: str) -> dict[str, Any]:
    found: dict[str, Any] = jwt.decode(raw, options={"verify_signature": False})
    return found


def no_token(edge: Edge, heard: Heard) -> bool:
    """401; mod_oauth2 says more than RFC 6750 section 3.1 wants said."""
    status, words = challenge(heard)
    return status == 401 and (words == BARE or (edge.kind != "haproxy" and 'error="invalid_request"' in str(words)))


def test_r18_a_good_jwt_gets_through_and_the_api_is_told_who_calls(portal: Portal, edge: Edge) -> None:
    access = portal.token(portal.world.orders)
    client_id = portal.world.key_of(portal.world.orders).client_id
    assert identity(edge["orders"].ask(access)) == [client_id, client_id, "read write", claims_of(access)["jti"]]
    for scheme in ("bearer", "BEARER"):
        assert edge["orders"].ask(None, "/items", ("Authorization", f"{scheme} {access}")).status == 200


def test_r18_what_is_not_a_good_jwt_is_401_and_never_reaches_the_api(portal: Portal, edge: Edge, api: Api) -> None:
    orders = portal.world.orders
    expired, good, foreign = portal.expired(orders), portal.token(orders), portal.token(portal.world.billing)
    portal.formats("opaque")
    opaque = portal.token(orders)
    portal.world.policy(orders, never_expires=True, format="jwt")
    never = portal.token(orders)
    portal.formats("jwt")
    live = portal.post("/env/live/oauth2/token", portal.world.key_of(orders), grant_type="client_credentials")
    start, claims, signature = good.split(".")
    api.seen.clear()
    assert no_token(edge, edge["orders"].ask(None))
    for what, shown in (
        ("expired", expired),
        ("opaque", opaque),
        ("never expiring", never),
        ("for another proxy", foreign),
        ("of another environment", live.json["access_token"]),
        ("unknown", "nonsense"),
        ("no signature", f"{start}.{claims}."),
        ("half a signature", f"{start}.{claims}.{signature[: len(signature) // 2]}"),
        ("another token's claims", f"{start}.{foreign.split('.')[1]}.{signature}"),
    ):
        assert invalid(edge["orders"].ask(shown)), what
    for header in ("Basic YTpi", f"Token {good}", "Bearer", f"Bearer {good} {good}", f"Bearer {good}, Bearer {good}"):
        assert edge["orders"].ask(None, "/items", ("Authorization", header)).status == 401, header
    assert edge["orders"].ask(good, "/items", ("Authorization", f"Bearer {good}")).status == 401
    assert api.seen == []


def signed_by_us(environment: Any, claims: dict[str, Any], type_: str) -> str:
    """Claims under the environment's own key, as the portal would sign them for another purpose."""
    record = next(key for key in SigningKey.objects.filter(environment=environment) if key.state == "signing")
    key = signing.private_key(record.kid)
    return jose.sign(claims, private_pem=key.pem, algorithm=key.algorithm, kid=key.kid, type_=type_)


@pytest.mark.parametrize("missing", ["exp", "iss", "aud", "sub", "scope"])
def test_r5_what_the_portal_s_key_signed_for_another_purpose_opens_nothing(
    portal: Portal, edge: Edge, api: Api, missing: str
) -> None:
    claims = claims_of(portal.token(portal.world.orders))
    test = portal.world.test
    assert edge["orders"].ask(signed_by_us(test, claims, "at+jwt")).status == 200
    api.seen.clear()
    del claims[missing]
    # A refresh token of a login has no scope; mod_oauth2 does not look at the type.
    for type_ in ("at+jwt", "JWT", "refresh+jwt"):
        assert edge["orders"].ask(signed_by_us(test, claims, type_)).status in (401, 403), type_
    assert api.seen == []


def forged(header: dict[str, Any], claims: str, secret: bytes = b"") -> str:
    """These claims under this header, signed as HS256 and HS512 are, or not at all."""
    signed = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode() + "." + claims
    kind = {"HS256": "sha256", "HS512": "sha512"}.get(header["alg"])
    signature = hmac.digest(secret, signed.encode(), kind) if kind else b""
    return signed + "." + base64.urlsafe_b64encode(signature).rstrip(b"=").decode()


def test_b20_no_algorithm_but_the_key_s_own_and_no_key_but_the_portal_s(portal: Portal, edge: Edge, api: Api) -> None:
    good = portal.token(portal.world.orders)
    header, (_, claims, signature) = jwt.get_unverified_header(good), good.split(".")
    shown = {f"alg {name}": forged({**header, "alg": name}, claims) for name in ("none", "None", "NONE", "", "PS256")}
    # HAProxy takes what stands in a configuration as a secret where the algorithm is HMAC: a file's name, or its text.
    folder = edge["orders"].log.parent / "keys"
    files = list(folder.iterdir()) if folder.exists() else []
    public = SigningKey.objects.get(kid=header["kid"]).public_key.encode()
    secrets = [b"", public, public.strip(), *(str(file).encode() for file in files), *(f.read_bytes() for f in files)]
    for number, secret in enumerate(secrets):
        for name in ("HS256", "HS512"):
            shown[f"{name} by secret {number}"] = forged({**header, "alg": name}, claims, secret)
    for kid in ("", "0", "1", "own", "../key1.pem", "x" * 500):
        other = forged({**header, "kid": kid, "typ": "at+jwt"}, claims).rpartition(".")[0]
        shown[f"kid {kid[:15]!r}"] = f"{other}.{signature}"
    for name in ("jwk", "jku", "x5u"):
        other = forged({**header, "kid": "own", name: "http://127.0.0.1:1/"}, claims).rpartition(".")[0]
        shown[name] = f"{other}.{signature}"
    api.seen.clear()
    for what, raw in shown.items():
        assert invalid(edge["orders"].ask(raw)), what
    assert api.seen == []


def test_r18_a_missing_scope_is_403_and_the_challenge_names_it(portal: Portal, edge: Edge) -> None:
    assert challenge(edge["orders"].ask(portal.token(portal.world.orders, scope="write"))) == (403, NEEDS_READ)
    assert edge["orders"].ask(portal.token(portal.world.orders, scope="read")).status == 200


def test_s0_22_a_group_s_jwt_opens_each_member_of_the_moment_it_was_issued_and_nothing_else(
    portal: Portal, edge: Edge
) -> None:
    access = portal.token(portal.world.commerce)
    for slug, status in (("orders", 200), ("billing", 200), ("ledger", 401)):
        assert edge[slug].ask(access).status == status, slug
    # What changes afterwards is seen by the portal and not here, until the token expires.
    catalogue.remove_member(portal.world.commerce, portal.world.billing, by="test")
    assert edge["billing"].ask(access).status == 200
    assert edge["billing"].ask(portal.token(portal.world.commerce)).status == 401
    catalogue.add_member(portal.world.commerce, portal.world.billing, by="test")


def test_a_revocation_is_not_seen_here_before_the_token_expires(portal: Portal, edge: Edge) -> None:
    access = portal.token(portal.world.orders)
    portal.revoke(portal.world.orders, access)
    told_by_portal = portal.post("/oauth2/introspect", portal.world.key_of(portal.world.orders), token=access)
    assert told_by_portal.json == {"active": False}
    assert edge["orders"].ask(access).status == 200


def test_r16_a_jwt_that_is_bound_to_a_certificate_opens_nothing_where_nobody_asks_for_that_certificate(
    portal: Portal, edge: Edge, api: Api
) -> None:
    claims = claims_of(portal.token(portal.world.orders))
    assert edge["orders"].ask(signed_by_us(portal.world.test, claims, "at+jwt")).status == 200
    api.seen.clear()
    for confirmation in ({"x5t#S256": "A" * 43}, {"jkt": "A" * 43}):
        bound = signed_by_us(portal.world.test, {**claims, "cnf": confirmation}, "at+jwt")
        assert invalid(edge["orders"].ask(bound)), confirmation
    assert api.seen == []
