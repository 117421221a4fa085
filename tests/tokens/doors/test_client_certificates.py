"""Clients that prove themselves by a certificate, and tokens that are bound to it (RFC 8705), by the doors."""

from __future__ import annotations

import base64
import ipaddress
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from credentials import client_keys, clients, rotation
from tests.tokens import proofs
from tests.tokens.doors.asking import INTROSPECT, REVOKE, TOKEN, VERIFY, ask_token, check_error, last_row, verify
from tests.tokens.proofs import Certified, certificate
from tests.world import Answered, World, call
from tokens.models import IssuedToken

HEADER = "HTTP_X_CLIENT_CERTIFICATE"
EDGE = "198.51.100.9"


@pytest.fixture(autouse=True)
def _edge(settings: Any) -> None:
    settings.CLIENT_CERTIFICATE_HEADER = "X-Client-Certificate"
    settings.TRUSTED_GATEWAYS = [f"{EDGE}/32"]


@pytest.fixture(scope="module")
def own() -> Certified:
    return certificate("shop.example")


@pytest.fixture(scope="module")
def authority() -> Certified:
    return certificate("Example CA", authority=True, san=[])


class Shop:
    """The key of `orders`, with one way of authentication by certificate."""

    def __init__(self, world: World, *, method: str, name: str | None = None) -> None:
        self.credential = world.credentials["orders"]
        self.client_id = self.credential.client_id
        clients.set_methods(self.credential, [method], by="test", certificate_name=name)

    def ask(self, shown: Certified | str | None, path: str = TOKEN, *, address: str = EDGE, **more: Any) -> Answered:
        environ = {name: more.pop(name) for name in list(more) if name.startswith("HTTP_")}
        form = {"client_id": self.client_id, **more}
        if path.endswith("/token"):
            form.setdefault("grant_type", "client_credentials")
        if shown is not None:
            environ[HEADER] = shown.escaped if isinstance(shown, Certified) else shown
        return call(path, form, REMOTE_ADDR=address, **environ)


@pytest.fixture
def shop(world: World, own: Certified) -> Shop:
    """Proves itself by one registered, self-signed certificate."""
    made = Shop(world, method="self_signed_tls_client_auth")
    client_keys.add_keys(made.credential, own.pem, by="test")
    return made


@pytest.fixture
def issued(world: World, authority: Certified) -> Shop:
    """Proves itself by any certificate for shop.example that its authority has issued."""
    made = Shop(world, method="tls_client_auth", name="dns:shop.example")
    client_keys.add_authority(made.credential, authority.pem, by="test")
    return made


def refused(answered: Answered) -> None:
    check_error(answered, 401, "invalid_client", "client_auth_failed")


def shown_at(proxy: str, access: str, by: Certified | None, *, address: str = EDGE, **environ: Any) -> Answered:
    if by is not None:
        environ[HEADER] = by.escaped
    return verify(access, proxy, REMOTE_ADDR=address, **environ)


# ---------------------------------------------------------------------------------------------- who says so (B27, I18)


def test_s3_2_a_registered_certificate_gets_a_token(shop: Shop, own: Certified) -> None:
    assert shop.ask(own).status == 200
    refused(shop.ask(None))
    refused(shop.ask(certificate("shop.example")))


def test_b27_i18_a_certificate_header_of_anybody_else_is_nothing(shop: Shop, own: Certified, settings: Any) -> None:
    refused(shop.ask(own, address="192.0.2.7"))
    # Not even of one who says that he speaks for the edge: the peer itself counts.
    settings.TRUSTED_PROXIES = ["192.0.2.7/32"]
    refused(shop.ask(own, address="192.0.2.7", HTTP_X_FORWARDED_FOR=EDGE))
    settings.CLIENT_CERTIFICATE_HEADER = "X-Other"
    refused(shop.ask(own))
    settings.CLIENT_CERTIFICATE_HEADER = ""
    refused(shop.ask(own))


def test_b27_an_edge_may_prove_itself_by_a_connection_token_instead(world: World, shop: Shop, own: Certified) -> None:
    opened = rotation.open_connection(name="edge", deployment_type="reverse_proxy", environment=world.test, by="test")
    proof = {"HTTP_X_GATEWAY_TOKEN": opened.raw, "HTTP_X_GATEWAY_TYPE": "reverse_proxy"}
    stranger = "192.0.2.7"

    assert shop.ask(own, address=stranger, **proof).status == 200
    refused(shop.ask(own, address=stranger, **{**proof, "HTTP_X_GATEWAY_TYPE": "container"}))
    refused(shop.ask(own, address=stranger, **{**proof, "HTTP_X_GATEWAY_TOKEN": "lk_ct_x"}))
    # A token of another environment proves nothing here.
    refused(shop.ask(own, "/env/live/oauth2/token", address=stranger, **proof))


def test_r12_a_certificate_counts_only_where_nothing_else_is_shown(world: World, shop: Shop, own: Certified) -> None:
    """An edge forwards the certificate with every request; who shows a secret is judged by the secret."""
    secret = world.key_of(world.orders)
    refused(shop.ask(own, client_secret=secret.secret))
    clients.set_methods(shop.credential, ["client_secret_post"], by="test")
    answered = shop.ask(own, client_secret=secret.secret)
    assert answered.status == 200
    assert IssuedToken.objects.get().certificate_thumbprint == "", "and nothing is bound"
    refused(shop.ask(own))
    assert last_row().reason == "auth_method_not_allowed"


# ---------------------------------------------------------------------------------------------- how it arrives


def as_spaces(each: Certified) -> str:
    return each.pem.replace("\n", " ")


def as_rfc_9440(each: Certified) -> str:
    return f":{base64.b64encode(each.der).decode()}:"


def as_der(each: Certified) -> str:
    return base64.b64encode(each.der).decode()


FORMS = {"nginx": lambda each: each.escaped, "apache": as_spaces, "rfc 9440": as_rfc_9440, "haproxy, caddy": as_der}


@pytest.mark.parametrize("form", FORMS)
def test_the_forms_in_which_edges_forward_a_certificate(shop: Shop, own: Certified, form: str) -> None:
    assert shop.ask(FORMS[form](own)).status == 200


def test_what_is_no_single_certificate_is_none(shop: Shop, own: Certified) -> None:
    other = certificate("other.example")
    for shown in (
        "x",
        "%",
        "::",
        "-----BEGIN CERTIFICATE-----",
        f"{own.escaped},{own.escaped}",
        f"{as_der(other)},{as_der(own)}",
        other.pem.replace("\n", " ") + own.pem.replace("\n", " "),
        as_der(own)[:-8],
        base64.b64encode(own.der + b"more").decode(),
        own.escaped + "%00",
        "A" * 20_000,
        "é" + as_der(own),
    ):
        refused(shop.ask(shown))


# ---------------------------------------------------------------------------------------------- self-signed (2.2)


def test_b28_another_certificate_for_the_same_key_and_name_is_another_certificate(shop: Shop, own: Certified) -> None:
    refused(shop.ask(certificate("shop.example", key=own.key)))


def test_a_removed_certificate_and_one_outside_its_validity_prove_nothing(world: World, own: Certified) -> None:
    shop = Shop(world, method="self_signed_tls_client_auth")
    (kept,) = client_keys.add_keys(shop.credential, own.pem, by="test")
    past = certificate("shop.example", until=datetime.now(UTC) - timedelta(seconds=1))
    client_keys.add_keys(shop.credential, past.pem, by="test")
    assert shop.ask(own).status == 200
    refused(shop.ask(past))
    client_keys.remove_key(kept, by="test")
    refused(shop.ask(own))


def test_a_bare_key_of_the_certificate_is_no_certificate(world: World, own: Certified) -> None:
    shop = Shop(world, method="self_signed_tls_client_auth")
    client_keys.add_keys(shop.credential, proofs.public_pem(own.key), by="test")
    refused(shop.ask(own))


# ---------------------------------------------------------------------------------------------- by an authority (2.1)


def test_s3_2_any_certificate_of_the_clients_authority_with_the_clients_name_gets_a_token(
    issued: Shop, authority: Certified
) -> None:
    for _ in range(2):
        assert issued.ask(certificate("shop.example", by=authority)).status == 200
    assert issued.ask(certificate("shop.example", by=authority, usage=None)).status == 200


def test_b28_a_sibling_of_the_same_authority_is_refused(issued: Shop, authority: Certified) -> None:
    for name in ("billing.example", "www.shop.example", "shop.example.evil.example", "*.example"):
        refused(issued.ask(certificate(name, by=authority)))
    refused(issued.ask(certificate("shop.example", by=authority, san=[])))
    refused(issued.ask(certificate("shop.example", by=authority, san=[x509.UniformResourceIdentifier("shop.example")])))


def test_a_stranger_who_names_itself_like_the_authority_issues_nothing(issued: Shop, authority: Certified) -> None:
    """Whether an edge looks at the chain does not matter: the portal does."""
    stranger = certificate("Example CA", authority=True, san=[])
    refused(issued.ask(certificate("shop.example", by=stranger)))
    refused(issued.ask(certificate("shop.example")))
    between = certificate("Example CA 2", authority=True, san=[], by=authority)
    refused(issued.ask(certificate("shop.example", by=between)))
    refused(issued.ask(authority))


def test_what_an_issued_certificate_must_be(issued: Shop, authority: Certified) -> None:
    now = datetime.now(UTC)
    refused(issued.ask(certificate("shop.example", by=authority, until=now - timedelta(seconds=1))))
    refused(issued.ask(certificate("shop.example", by=authority, from_=now + timedelta(minutes=1))))
    refused(issued.ask(certificate("shop.example", by=authority, usage=ExtendedKeyUsageOID.SERVER_AUTH)))
    refused(issued.ask(certificate("shop.example", by=authority, authority=True)))


@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
def test_authorities_of_other_kinds(world: World, kind: str) -> None:
    key: Any = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    root = certificate("CA", authority=True, san=[], key=key if kind == "rsa" else ed25519.Ed25519PrivateKey.generate())
    shop = Shop(world, method="tls_client_auth", name="dns:shop.example")
    client_keys.add_authority(shop.credential, root.pem, by="test")
    assert shop.ask(certificate("shop.example", by=root)).status == 200


def test_a_certificate_signed_with_sha_1_is_refused(world: World) -> None:
    shop = Shop(world, method="tls_client_auth", name="dns:shop.example")
    client_keys.add_authority(shop.credential, proofs.OLD_AUTHORITY, by="test")
    refused(shop.ask(quote(proofs.SIGNED_WITH_SHA_1, safe="")))


def test_an_authority_that_is_past_or_removed_issues_nothing(world: World) -> None:
    past = certificate("CA", authority=True, san=[], until=datetime.now(UTC) - timedelta(seconds=1))
    shop = Shop(world, method="tls_client_auth", name="dns:shop.example")
    client_keys.add_authority(shop.credential, past.pem, by="test")
    refused(shop.ask(certificate("shop.example", by=past)))
    good = certificate("CA", authority=True, san=[])
    kept = client_keys.add_authority(shop.credential, good.pem, by="test")
    leaf = certificate("shop.example", by=good)
    assert shop.ask(leaf).status == 200
    client_keys.remove_key(kept, by="test")
    refused(shop.ask(leaf))


NAMES = {
    "dn:CN=shop,O=Example": [],
    "dns:SHOP.example": [x509.DNSName("shop.example")],
    "uri:spiffe://example/shop": [x509.UniformResourceIdentifier("spiffe://example/shop")],
    "email:shop@example.com": [x509.RFC822Name("shop@example.com")],
    "ip:2001:db8::1": [x509.IPAddress(ipaddress.ip_address("2001:db8::1"))],
}


@pytest.mark.parametrize("name", NAMES)
def test_each_kind_of_name_that_rfc_8705_knows(world: World, authority: Certified, name: str) -> None:
    shop = Shop(world, method="tls_client_auth", name=name)
    client_keys.add_authority(shop.credential, authority.pem, by="test")
    assert shop.ask(certificate("shop", by=authority, san=NAMES[name])).status == 200
    others = [san for other, san in NAMES.items() if other != name]
    for san in others:
        refused(shop.ask(certificate("shop2", by=authority, san=san)))


def test_both_ways_at_once_take_either(world: World, authority: Certified, own: Certified) -> None:
    shop = Shop(world, method="tls_client_auth", name="dns:shop.example")
    client_keys.add_authority(shop.credential, authority.pem, by="test")
    client_keys.add_keys(shop.credential, own.pem, by="test")
    assert shop.ask(certificate("shop.example", by=authority)).status == 200
    refused(shop.ask(own))
    assert last_row().reason == "auth_method_not_allowed"
    clients.set_methods(shop.credential, ["tls_client_auth", "self_signed_tls_client_auth"], by="test")
    assert shop.ask(own).status == 200


# ---------------------------------------------------------------------------------------------- bound tokens (3, R16)


def test_r16_a_token_got_by_certificate_opens_the_api_with_that_certificate_only(
    world: World, token_format: str, shop: Shop, own: Certified
) -> None:
    world.policy(world.orders, format=token_format)
    access = shop.ask(own).json["access_token"]

    assert shown_at("orders", access, own).status == 200
    for by, address in ((None, EDGE), (certificate("shop.example"), EDGE), (own, "192.0.2.7")):
        answered = shown_at("orders", access, by, address=address)
        assert (answered.status, answered.json["error_code"]) == (401, "certificate_mismatch")
        assert 'error="invalid_token"' in answered.headers["WWW-Authenticate"]


def test_r16_a_gateway_that_has_proved_itself_is_believed_at_verify(world: World, shop: Shop, own: Certified) -> None:
    opened = rotation.open_connection(name="edge", deployment_type="reverse_proxy", environment=world.test, by="test")
    proof = {"HTTP_X_GATEWAY_TOKEN": opened.raw, "HTTP_X_GATEWAY_TYPE": "reverse_proxy"}
    access = shop.ask(own).json["access_token"]
    assert shown_at("orders", access, own, address="192.0.2.7", **proof).status == 200
    assert shown_at("orders", access, own, address="192.0.2.7").status == 401


def test_r16_cnf_is_in_the_jwt_and_told_by_introspection(
    world: World, token_format: str, shop: Shop, own: Certified
) -> None:
    world.policy(world.orders, format=token_format)
    access = shop.ask(own).json["access_token"]
    bound = {"x5t#S256": proofs.x5t(own)}

    assert shop.ask(own, INTROSPECT, token=access).json["cnf"] == bound
    if token_format == "jwt":
        assert jwt.decode(access, options={"verify_signature": False})["cnf"] == bound


def test_r16_a_token_got_otherwise_is_bound_to_nothing(world: World, token_format: str, own: Certified) -> None:
    world.policy(world.orders, format=token_format)
    client = world.key_of(world.orders)
    access = ask_token(client, more={HEADER: own.escaped, "REMOTE_ADDR": EDGE}).json["access_token"]

    assert "cnf" not in call(INTROSPECT, {"token": access}, client=client).json
    if token_format == "jwt":
        assert "cnf" not in jwt.decode(access, options={"verify_signature": False})
    assert shown_at("orders", access, own).status == 200
    assert shown_at("orders", access, None).status == 200


def test_r16_a_refresh_binds_the_new_token_to_the_certificate_that_came_with_it(
    world: World, token_format: str, issued: Shop, authority: Certified
) -> None:
    world.policy(world.orders, format=token_format)
    first, renewed = (certificate("shop.example", by=authority) for _ in range(2))
    granted = issued.ask(first).json
    form = {"grant_type": "refresh_token", "refresh_token": granted["refresh_token"]}

    refused(issued.ask(None, **form))
    refused(issued.ask(certificate("billing.example", by=authority), **form))
    again = issued.ask(renewed, **form)

    assert again.status == 200
    access = again.json["access_token"]
    assert (shown_at("orders", access, renewed).status, shown_at("orders", access, first).status) == (200, 401)
    # The lost answer is the same again (D2).
    retried = issued.ask(renewed, **form).json
    assert retried["refresh_token"] == again.json["refresh_token"]
    unsigned = [each.rpartition(".")[0] or each for each in (access, retried["access_token"])]
    assert unsigned[0] == unsigned[1], "the confirmation of a JWT included"
    assert shown_at("orders", retried["access_token"], renewed).status == 200


def test_revoking_by_certificate(shop: Shop, own: Certified) -> None:
    access = shop.ask(own).json["access_token"]
    refused(shop.ask(None, REVOKE, token=access))
    assert shop.ask(own, REVOKE, token=access).status == 200
    assert shown_at("orders", access, own).status == 401


def test_r16_where_only_strong_ways_are_on_no_secret_is_taken(
    world: World, shop: Shop, own: Certified, settings: Any
) -> None:
    settings.CLIENT_AUTH_METHODS = ["private_key_jwt", "tls_client_auth", "self_signed_tls_client_auth"]
    other = world.key_of(world.billing)
    for path in (TOKEN, INTROSPECT, REVOKE):
        form = {"grant_type": "client_credentials", "token": "x"}
        refused(call(path, form, client=other))
    assert shop.ask(own).status == 200
    settings.CLIENT_AUTH_METHODS = ["private_key_jwt"]
    refused(shop.ask(own))


def test_i18_identity_headers_of_the_caller_are_no_certificate(shop: Shop, own: Certified) -> None:
    for name in ("HTTP_X_SSL_CLIENT_CERT", "HTTP_X_FORWARDED_TLS_CLIENT_CERT", "HTTP_CLIENT_CERT", "SSL_CLIENT_CERT"):
        refused(call(TOKEN, {"grant_type": "client_credentials", "client_id": shop.client_id}, **{name: own.escaped}))


def test_verify_takes_no_query_more_for_a_bound_token(world: World, shop: Shop, own: Certified) -> None:
    from bench import statements

    access = shop.ask(own).json["access_token"]
    shown_at("orders", access, own)
    with statements.counted() as seen:
        assert shown_at("orders", access, own).status == 200
    assert len(seen) <= statements.LIMITS["verify"], VERIFY
