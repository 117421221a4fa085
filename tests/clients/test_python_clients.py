"""Authlib, requests-oauthlib, joserfc and PyJWT's PyJWKClient against a portal that was really started.

Authlib sends Basic credentials raw, and the token endpoint's URL as the audience of an assertion.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import jwt
import pytest
import requests
from authlib.integrations.requests_client import OAuth2Session as AuthlibSession
from authlib.oauth2.rfc7523 import PrivateKeyJWT, private_key_jwt_sign
from joserfc import jwt as joserfc_jwt
from joserfc.jwk import ECKey, KeySet
from oauthlib.oauth2 import BackendApplicationClient, InvalidScopeError, OAuth2Error
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session

from tests.clients.conftest import KID
from tests.tokens import proofs

if TYPE_CHECKING:
    from tests.clients.conftest import Portal

pytestmark = pytest.mark.gateway
TIMEOUT = 20
FORMS = pytest.mark.parametrize("form", ["opaque", "jwt"])


@pytest.fixture(autouse=True)
def _plain_http(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both libraries ask for https unless told otherwise."""
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")


def endpoints(portal: Portal) -> dict[str, Any]:
    """What the metadata says, which every library is configured by."""
    found: dict[str, Any] = requests.get(f"{portal.url}/.well-known/oauth-authorization-server", timeout=TIMEOUT).json()
    return found


def use(portal: Portal, wanted: dict[str, Any], token: str) -> int:
    """How a gateway asks for an API that this token is shown to."""
    headers = {"Authorization": f"Bearer {token}", "X-Proxy": wanted["proxy"]}
    return requests.get(f"{portal.url}/auth/verify", headers=headers, timeout=TIMEOUT).status_code


# ---------------------------------------------------------------------------------------------- Authlib


class ShortLived(PrivateKeyJWT):
    """Authlib's assertions live for an hour by themselves; the portal takes ten minutes at most."""

    def sign(self, auth: Any, token_endpoint: str) -> str:
        return private_key_jwt_sign(
            auth.client_secret,
            client_id=auth.client_id,
            token_endpoint=token_endpoint,
            alg="ES256",
            header={"kid": KID},
            expires_in=60,
        )


def authlib_session(told: dict[str, Any], wanted: dict[str, Any]) -> Any:
    by_key = wanted["method"] == "private_key_jwt"
    session = AuthlibSession(
        wanted["client_id"],
        ECKey.import_key(wanted["key"]) if by_key else wanted["secret"],
        token_endpoint_auth_method=wanted["method"],
        # Left out it is Basic, whatever the token endpoint's is; secrets are taken in either way there.
        **({"revocation_endpoint_auth_method": "private_key_jwt"} if by_key else {}),
        scope="read",
    )
    session.register_client_auth_method(ShortLived(told["token_endpoint"]))
    return session


@FORMS
@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "private_key_jwt"])
def test_s3_3_authlib_gets_uses_refreshes_introspects_and_revokes(portal: Portal, method: str, form: str) -> None:
    told, wanted = endpoints(portal), portal.asking(method, form)
    session = authlib_session(told, wanted)

    first = session.fetch_token(told["token_endpoint"], grant_type="client_credentials")
    assert (first["scope"], first["token_type"]) == ("read", "Bearer")
    # Its own way to call an API: the session attaches the token.
    called = session.get(f"{portal.url}/auth/verify", headers={"X-Proxy": wanted["proxy"]}, timeout=TIMEOUT)
    assert (called.status_code, called.headers["X-Token-Client"]) == (200, wanted["client_id"])

    second = session.refresh_token(told["token_endpoint"], refresh_token=first["refresh_token"])
    assert use(portal, wanted, second["access_token"]) == 200
    assert use(portal, wanted, first["access_token"]) == (401 if form == "opaque" else 200)

    known = session.introspect_token(told["introspection_endpoint"], token=second["access_token"]).json()
    assert (known["active"], known["client_id"]) == (True, wanted["client_id"])
    revoked = session.revoke_token(told["revocation_endpoint"], token=second["access_token"])
    assert revoked.status_code == 200
    assert use(portal, wanted, second["access_token"]) == 401
    known = session.introspect_token(told["introspection_endpoint"], token=second["access_token"]).json()
    assert known == {"active": False}


def test_r17_an_assertion_of_an_hour_is_refused(portal: Portal) -> None:
    """Authlib's own default; docs/clients.md says how to shorten it."""
    told, wanted = endpoints(portal), portal.asking("private_key_jwt", "opaque")
    session = authlib_session(told, wanted)
    session.register_client_auth_method(PrivateKeyJWT(told["token_endpoint"], alg="ES256", headers={"kid": KID}))

    with pytest.raises(Exception, match="ten minutes ahead"):
        session.fetch_token(told["token_endpoint"], grant_type="client_credentials")


# ---------------------------------------------------------------------------------------------- requests-oauthlib


@FORMS
@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_s3_3_requests_oauthlib_gets_uses_refreshes_introspects_and_revokes(
    portal: Portal, method: str, form: str
) -> None:
    told, wanted = endpoints(portal), portal.asking(method, form)
    session = OAuth2Session(client=BackendApplicationClient(wanted["client_id"], scope=["read"]))
    by_basic = method == "client_secret_basic"
    way: dict[str, Any] = {"auth": HTTPBasicAuth(wanted["client_id"], wanted["secret"])} if by_basic else {}
    posted = {} if by_basic else {"client_id": wanted["client_id"], "client_secret": wanted["secret"]}

    # By Basic where it is told so; else it puts the client id into the form by itself, and the secret beside it.
    asked = way or {"client_secret": wanted["secret"], "include_client_id": True}
    first = session.fetch_token(told["token_endpoint"], **asked)
    called = session.get(f"{portal.url}/auth/verify", headers={"X-Proxy": wanted["proxy"]}, timeout=TIMEOUT)
    assert (called.status_code, called.headers["X-Token-Scopes"]) == (200, "read")

    second = session.refresh_token(told["token_endpoint"], refresh_token=first["refresh_token"], **way, **posted)
    access = second["access_token"]
    assert use(portal, wanted, access) == 200

    def introspect() -> Any:
        data = {"token": access, **posted}
        return requests.post(told["introspection_endpoint"], data=data, timeout=TIMEOUT, **way).json()

    assert introspect()["active"] is True
    url, headers, body = session._client.prepare_token_revocation_request(
        told["revocation_endpoint"], access, "access_token", **posted
    )
    assert requests.post(url, data=body, headers=headers, timeout=TIMEOUT, **way).status_code == 200
    assert introspect() == {"active": False}


def test_its_errors_have_the_names_of_the_rfc(portal: Portal) -> None:
    told, wanted = endpoints(portal), portal.asking("client_secret_basic", "opaque")
    session = OAuth2Session(client=BackendApplicationClient(wanted["client_id"], scope=["everything"]))
    with pytest.raises(InvalidScopeError):
        session.fetch_token(told["token_endpoint"], auth=HTTPBasicAuth(wanted["client_id"], wanted["secret"]))
    with pytest.raises(OAuth2Error) as refused:
        session.fetch_token(told["token_endpoint"], auth=HTTPBasicAuth(wanted["client_id"], "lk_cs_wrong"))
    assert refused.value.error == "invalid_client"


# ---------------------------------------------------------------------------------------------- joserfc, PyJWT


def signed_by_joserfc(claims: dict[str, Any], pem: str) -> str:
    return joserfc_jwt.encode({"alg": "ES256", "kid": KID}, claims, ECKey.import_key(pem))


def signed_by_pyjwt(claims: dict[str, Any], pem: str) -> str:
    return jwt.encode(claims, pem, algorithm="ES256", headers={"kid": KID})


@FORMS
@pytest.mark.parametrize("sign", [signed_by_joserfc, signed_by_pyjwt])
def test_s3_3_a_client_written_with_a_jose_library_does_all_of_it(
    portal: Portal, sign: Callable[[dict[str, Any], str], str], form: str
) -> None:
    """joserfc or PyJWT and nothing else: what RFC 7523 asks for, by hand."""
    told, wanted = endpoints(portal), portal.asking("private_key_jwt", form)

    def ask(endpoint: str, **parameters: str) -> Any:
        now = int(time.time())
        claims = {
            "iss": wanted["client_id"],
            "sub": wanted["client_id"],
            "aud": told["issuer"],
            "jti": str(uuid.uuid4()),
            "iat": now,
            "exp": now + 60,
        }
        data = {**parameters, **proofs.form(sign(claims, wanted["key"]))}
        answer = requests.post(told[f"{endpoint}_endpoint"], data=data, timeout=TIMEOUT)
        assert answer.status_code == 200, answer.text
        return answer.json() if answer.content else None

    first = ask("token", grant_type="client_credentials", scope="read")
    assert use(portal, wanted, first["access_token"]) == 200
    second = ask("token", grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert ask("introspection", token=second["access_token"])["active"] is True
    ask("revocation", token=second["access_token"])
    assert use(portal, wanted, second["access_token"]) == 401


# ---------------------------------------------------------------------------------------------- readers of JWTs


def jwt_of(portal: Portal) -> tuple[dict[str, Any], dict[str, Any], str]:
    told, wanted = endpoints(portal), portal.asking("client_secret_basic", "jwt")
    answer = requests.post(
        told["token_endpoint"],
        data={"grant_type": "client_credentials", "scope": "read"},
        auth=HTTPBasicAuth(wanted["client_id"], wanted["secret"]),
        timeout=TIMEOUT,
    )
    return told, wanted, answer.json()["access_token"]


def test_s3_4_pyjwkclient_finds_the_key_and_pyjwt_validates(portal: Portal) -> None:
    told, wanted, access = jwt_of(portal)
    key = jwt.PyJWKClient(told["jwks_uri"]).get_signing_key_from_jwt(access)

    claims = jwt.decode(
        access, key, algorithms=[key.algorithm_name], audience=wanted["audience"], issuer=told["issuer"]
    )

    assert (claims["client_id"], claims["scope"]) == (wanted["client_id"], "read")
    for wrong in ({"audience": "https://other.example.com/"}, {"issuer": "https://other.example.com"}):
        expected = {"audience": wanted["audience"], "issuer": told["issuer"], **wrong}
        with pytest.raises(jwt.InvalidTokenError):
            jwt.decode(access, key, algorithms=[key.algorithm_name], **expected)


def test_s3_4_joserfc_reads_the_same_from_the_jwks(portal: Portal) -> None:
    told, wanted, access = jwt_of(portal)
    keys = KeySet.import_key_set(requests.get(told["jwks_uri"], timeout=TIMEOUT).json())

    token = joserfc_jwt.decode(access, keys, algorithms=["RS256"])

    joserfc_jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": told["issuer"]},
        aud={"essential": True, "value": wanted["audience"]},
        exp={"essential": True},
    ).validate(token.claims)
    assert token.header["typ"] == "at+jwt"
    assert token.claims["sub"] == wanted["client_id"]
