"""Metadata and JWKS: they say what the server does, and the server does what they say (I20)."""

import base64
from typing import Any
from urllib.parse import urlsplit

import jwt
import pytest

from credentials import client_keys, clients, rotation
from credentials.public_keys import ALGORITHMS
from credentials.rules import Method
from tests.tokens import proofs
from tests.tokens.doors.asking import ask_token
from tests.world import Answered, World, call
from tokens import doors, signing
from tokens.lifecycle import Client
from tokens.models import SigningKey

SERVER = "/.well-known/oauth-authorization-server"
KEYS = "/.well-known/jwks.json"
GRANTS = [
    "authorization_code",
    "client_credentials",
    "implicit",
    "password",
    "refresh_token",
    "urn:ietf:params:oauth:grant-type:device_code",
    "urn:ietf:params:oauth:grant-type:jwt-bearer",
    "urn:ietf:params:oauth:grant-type:token-exchange",
]
METHODS = [
    "client_secret_basic",
    "client_secret_post",
    "client_secret_jwt",
    "private_key_jwt",
    "none",
    "tls_client_auth",
    "self_signed_tls_client_auth",
]
CERTIFIED = proofs.certificate("shop.example", by=(AUTHORITY := proofs.certificate("CA", authority=True, san=[])))
EDGE = "198.51.100.9"


def get(path: str, **environ: Any) -> Answered:
    return call(path, method="GET", **environ)


def path_of(address: str, base: str) -> str:
    assert address.startswith(base + "/")
    return urlsplit(address).path


def authenticated_by(method: str, client: Client, issuer: str) -> tuple[dict[str, str], dict[str, Any]]:
    """The parts of a request that authenticate in one of the ways that there are."""
    raw = f"{client.client_id}:{client.secret}".encode()
    shared = jwt.encode(proofs.claims(client.client_id, aud=issuer), client.secret, algorithm="HS256")
    signed = proofs.assertion(client.client_id, proofs.private_key(), aud=issuer)
    by_certificate = {"HTTP_X_CLIENT_CERTIFICATE": CERTIFIED.escaped, "REMOTE_ADDR": EDGE}
    ways: dict[str, tuple[dict[str, str], dict[str, Any]]] = {
        "client_secret_basic": ({}, {"HTTP_AUTHORIZATION": "Basic " + base64.b64encode(raw).decode()}),
        "client_secret_post": ({"client_id": client.client_id, "client_secret": client.secret}, {}),
        "client_secret_jwt": (proofs.form(shared), {}),
        "private_key_jwt": (proofs.form(signed, client_id=client.client_id), {}),
        "none": ({"client_id": client.client_id}, {}),
        "tls_client_auth": ({"client_id": client.client_id}, by_certificate),
        "self_signed_tls_client_auth": ({"client_id": client.client_id}, by_certificate),
    }
    return ways[method]


PLACES = [
    ("", SERVER),
    ("", "/.well-known/openid-configuration"),
    ("/env/test", f"{SERVER}/env/test"),
    ("/env/live", f"{SERVER}/env/live"),
    ("/env/live", f"/env/live{SERVER}"),
    ("/env/live", "/env/live/.well-known/openid-configuration"),
    ("/env/live", "/.well-known/openid-configuration/env/live"),
]


@pytest.mark.parametrize(("issuer", "path"), PLACES)
def test_r22_the_metadata_is_found_at_both_forms_of_the_address_and_names_its_issuer(world, settings, issuer, path):
    answered = get(path)

    assert answered.status == 200
    assert answered.headers["Content-Type"] == "application/json"
    assert answered.headers["Cache-Control"] == "public, max-age=300"
    # The default environment is the issuer without a path, by whatever address it was asked.
    base = settings.PUBLIC_URL + ("" if issuer == "/env/test" else issuer)
    assert answered.json["issuer"] == base
    assert answered.json["jwks_uri"] == f"{base}{KEYS}"


@pytest.mark.parametrize("path", [SERVER, f"/env/live{SERVER}"])
def test_r22_no_list_is_empty_and_no_algorithm_is_none(world, path):
    told = get(path).json

    assert all(value for value in told.values())
    for name, value in told.items():
        assert "alg" not in name or "none" not in value


@pytest.mark.parametrize("path", [SERVER, f"/env/live{SERVER}"])
def test_r22_host_headers_change_nothing(world, path):
    plain = get(path)

    told = get(
        path,
        HTTP_HOST="evil.example",
        HTTP_X_FORWARDED_HOST="evil.example",
        HTTP_X_FORWARDED_PROTO="https",
        HTTP_FORWARDED="host=evil.example",
        SERVER_NAME="evil.example",
    )

    assert told == plain


def test_r22_all_comes_from_the_one_public_address(world, settings):
    settings.PUBLIC_URL = "https://keys.example.com"

    for path, base in (
        (SERVER, "https://keys.example.com"),
        (f"/env/live{SERVER}", "https://keys.example.com/env/live"),
    ):
        told = get(path).json
        assert told["issuer"] == base
        assert all(value.startswith(f"{base}/") for name, value in told.items() if name.endswith(("endpoint", "_uri")))


def may(world: World, method: str) -> Client:
    """A client with every proof that there is, which may use this way alone."""
    credential = world.credentials["orders"]
    client_keys.add_keys(credential, proofs.public_pem(proofs.private_key()), by="test")
    if method == "tls_client_auth":
        client_keys.add_authority(credential, AUTHORITY.pem, by="test")
    else:
        client_keys.add_keys(credential, CERTIFIED.pem, by="test")
    known = [method] if method in list(Method) else list(Method)
    clients.set_methods(credential, known, certificate_name="dns:shop.example", by="test")
    return world.key_of(world.orders)


# With a header for certificates, without one, and narrowed as R16 has it.
SWITCHES = {
    "all": (list(Method), "X-Client-Certificate"),
    "no edge": (list(Method), ""),
    "posted secrets": (["client_secret_post"], "X-Client-Certificate"),
    "strong": (["private_key_jwt", "self_signed_tls_client_auth"], "X-Client-Certificate"),
}


@pytest.mark.parametrize("environment", ["", "/env/live"])
@pytest.mark.parametrize("switches", SWITCHES)
@pytest.mark.parametrize("method", METHODS)
def test_i20_each_advertised_way_of_authentication_works_and_no_other(world, settings, environment, switches, method):
    settings.CLIENT_AUTH_METHODS, settings.CLIENT_CERTIFICATE_HEADER = SWITCHES[switches]
    settings.TRUSTED_GATEWAYS = [EDGE]
    told = get(f"{environment}{SERVER}").json
    client = may(world, method)

    for endpoint, needed in (
        ("token", {"grant_type": "client_credentials"}),
        ("revocation", {"token": "x"}),
        ("introspection", {"token": "x"}),
    ):
        advertised = method in told[f"{endpoint}_endpoint_auth_methods_supported"]
        form, headers = authenticated_by(method, client, told["issuer"])
        answered = call(path_of(told[f"{endpoint}_endpoint"], settings.PUBLIC_URL), {**needed, **form}, **headers)
        assert answered.status == (200 if advertised else 401), (endpoint, answered.body)


def test_i20_the_algorithms_of_assertions_are_listed_where_assertions_are(world, settings):
    """That each of them works, and no other, is shown in test_private_key_jwt.py."""
    for endpoint in ("token", "revocation", "introspection"):
        name = f"{endpoint}_endpoint_auth_signing_alg_values_supported"
        settings.CLIENT_AUTH_METHODS = list(Method)
        assert get(SERVER).json[name] == list(ALGORITHMS)
        settings.CLIENT_AUTH_METHODS = ["client_secret_basic"]
        assert name not in get(SERVER).json


@pytest.mark.parametrize(("switches", "bound"), [("all", True), ("no edge", False), ("posted secrets", False)])
def test_i20_bound_tokens_are_advertised_where_there_are_any(world, settings, switches, bound):
    settings.CLIENT_AUTH_METHODS, settings.CLIENT_CERTIFICATE_HEADER = SWITCHES[switches]
    assert get(SERVER).json.get("tls_client_certificate_bound_access_tokens", False) is bound


def test_i20_a_gateway_s_bearer_token_works_at_introspection_where_it_is_advertised_and_nowhere_else(world, settings):
    made = rotation.open_connection(name="edge", deployment_type="container", environment=world.test, by="test")
    as_gateway = {"HTTP_AUTHORIZATION": f"Bearer {made.raw}", "HTTP_X_GATEWAY_TYPE": "container"}
    told = get(SERVER).json
    form = {"token": "x", "grant_type": "client_credentials"}
    for endpoint in ("token", "revocation", "introspection"):
        advertised = "Bearer" in told[f"{endpoint}_endpoint_auth_methods_supported"]
        assert advertised is (endpoint == "introspection")
        answered = call(path_of(told[f"{endpoint}_endpoint"], settings.PUBLIC_URL), form, **as_gateway)
        assert answered.status == (200 if advertised else 401), endpoint


@pytest.mark.parametrize("environment", ["", "/env/live"])
def test_i20_where_certificates_are_taken_is_said_if_it_is_elsewhere(world, settings, environment):
    settings.CLIENT_CERTIFICATE_HEADER = "X-Client-Certificate"
    assert "mtls_endpoint_aliases" not in get(f"{environment}{SERVER}").json
    settings.CLIENT_CERTIFICATE_URL = "https://mtls.example.com:8443"

    told = get(f"{environment}{SERVER}").json

    assert told["mtls_endpoint_aliases"] == {
        name: told[name].replace(settings.PUBLIC_URL, "https://mtls.example.com:8443")
        for name in ("token_endpoint", "revocation_endpoint", "introspection_endpoint")
    }
    assert told["issuer"].startswith(settings.PUBLIC_URL), "the issuer and the audience of assertions stay"
    settings.CLIENT_AUTH_METHODS = ["private_key_jwt"]
    assert "mtls_endpoint_aliases" not in get(f"{environment}{SERVER}").json


@pytest.mark.parametrize("grant", GRANTS)
def test_i20_each_advertised_grant_works_and_no_other(world, settings, grant):
    told = get(SERVER).json
    client = world.key_of(world.orders)
    path = path_of(told["token_endpoint"], settings.PUBLIC_URL)
    refresh = ask_token(client).json["refresh_token"]
    form = {"grant_type": grant, "refresh_token": refresh, "code": "x", "username": "x", "password": "x"}

    answered = call(path, form, client=client)

    if grant in told["grant_types_supported"]:
        assert answered.status == 200
    else:
        assert answered.json["error"] == "unsupported_grant_type"


def test_i20_no_response_type_is_offered_and_there_is_no_authorization_endpoint(world):
    told = get(SERVER).json

    assert told["response_types_supported"] == ["none"]
    assert "authorization_endpoint" not in told
    assert doors.find("/oauth2/authorize") is None


def test_i20_a_jwt_of_each_environment_is_good_by_the_keys_it_names(world, settings):
    world.policy(world.orders, format="jwt")
    for environment in ("", "/env/live"):
        told = get(f"{environment}{SERVER}").json
        access = ask_token(world.key_of(world.orders), f"{environment}/oauth2/token").json["access_token"]
        keys = get(path_of(told["jwks_uri"], settings.PUBLIC_URL)).json["keys"]

        key = {each["kid"]: each for each in keys}[jwt.get_unverified_header(access)["kid"]]
        claims = jwt.decode(
            access, jwt.PyJWK(key), algorithms=[key["alg"]], audience=world.orders.audience, issuer=told["issuer"]
        )

        assert claims["client_id"] == world.key_of(world.orders).client_id


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_r22_the_jwks_shows_public_members_only_with_use_alg_and_kid(world, algorithm):
    key = signing.rotate(world.test, by="test", algorithm=algorithm)

    answered = get(KEYS)

    assert (answered.status, answered.headers["Cache-Control"]) == (200, "public, max-age=300")
    (shown,) = answered.json["keys"]
    assert (shown["use"], shown["alg"], shown["kid"]) == ("sig", algorithm, key.kid)
    public = {"RS256": {"kty", "n", "e"}, "ES256": {"kty", "crv", "x", "y"}}[algorithm]
    assert set(shown) == public | {"use", "alg", "kid"}


def test_d13_the_jwks_has_the_next_key_early_the_old_one_after_a_rotation_and_the_new_one_alone_after_a_change(world):
    first = signing.rotate(world.test, by="test")
    staged = signing.stage(world.test, by="test")
    assert [key["kid"] for key in get(KEYS).json["keys"]] == [first.kid]

    signing.publish(staged, by="test")
    assert {key["kid"] for key in get(KEYS).json["keys"]} == {first.kid, staged.kid}

    signing.rotate(world.test, by="test")
    assert {key["kid"] for key in get(KEYS).json["keys"]} >= {first.kid, staged.kid}

    changed = signing.change(world.test, by="test")
    assert [key["kid"] for key in get(KEYS).json["keys"]] == [changed.kid]


def test_d11_environments_have_keys_of_their_own(world):
    keys = [signing.rotate(environment, by="test").kid for environment in (world.test, world.live)]

    assert [key["kid"] for key in get(KEYS).json["keys"]] == keys[:1]
    assert [key["kid"] for key in get(f"/env/live{KEYS}").json["keys"]] == keys[1:]


def test_an_environment_without_keys_has_an_empty_set(world):
    assert not SigningKey.objects.exists()

    assert get(KEYS).json == {"keys": []}


@pytest.mark.parametrize("path", [f"/env/nowhere{SERVER}", f"{SERVER}/env/nowhere", f"/env/nowhere{KEYS}"])
def test_an_unknown_environment_is_404_and_no_cache_keeps_it(world, path):
    answered = get(path)

    assert (answered.status, answered.json["error_code"]) == (404, "unknown_environment")
    assert answered.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", [SERVER, KEYS])
def test_only_get_and_head_are_answered(world, path):
    body, empty = get(path), call(path, method="HEAD")

    assert (empty.status, empty.body) == (200, b"")
    assert empty.headers == body.headers
    refused = call(path, method="POST")
    assert (refused.status, refused.headers["Allow"]) == (405, "GET, HEAD")
