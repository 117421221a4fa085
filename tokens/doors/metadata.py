"""Authorization server metadata (RFC 8414) and JWKS (RFC 7517), from configuration, never from the request."""

import json
import logging
from collections.abc import Mapping
from typing import Any

from django.conf import settings

from credentials import methods, public_keys
from credentials.rules import Method
from proxies.models import Environment
from tokens import cors, key_rules, lifecycle, signing
from tokens.doors import answers
from tokens.doors.answers import Answer
from tokens.doors.connection import database
from tokens.errors import StorageAway, TokenError, UnknownEnvironment

logger = logging.getLogger(__name__)
_CACHED = ("Cache-Control", f"public, max-age={key_rules.JWKS_LIFETIME.seconds}")


def _environment(slug: str) -> Environment:
    found = Environment.objects.filter(**({"slug": slug} if slug else {"is_default": True})).first()
    if found is None:
        raise UnknownEnvironment
    return found


def _public(environ: Mapping[str, Any], body: dict[str, Any]) -> Answer:
    content = json.dumps(body, separators=(",", ":")).encode()
    length = ("Content-Length", str(len(content)))
    nosniff = ("X-Content-Type-Options", "nosniff")
    return Answer(200, content, [_CACHED, answers.JSON, length, nosniff, *cors.headers(environ)])


def _jwks(environ: Mapping[str, Any], environment: Environment) -> Answer:
    """A set without keys is kept by nobody: the first key signs as soon as it is made."""
    keys = signing.jwks(environment)
    return _public(environ, {"keys": keys}) if keys else answers.answer(200, {"keys": keys}, *cors.headers(environ))


def _serve(environ: Mapping[str, Any], slug: str, keys_wanted: bool) -> Answer:
    if environ.get("REQUEST_METHOD") not in ("GET", "HEAD"):
        return answers.method_not_allowed("GET, HEAD")
    try:
        with database():
            found = _environment(slug)
            return _jwks(environ, found) if keys_wanted else _public(environ, describe(found))
    except TokenError as refused:
        return answers.refusal(refused)
    except Exception:
        logger.exception("a door failed")
        return answers.refusal(StorageAway())


def describe(environment: Environment) -> dict[str, Any]:
    """What this issuer can do; a test tries each and refuses what is not listed (I20)."""
    base = lifecycle.issuer(environment.slug, environment.is_default)
    return {
        "issuer": base,
        "token_endpoint": f"{base}/oauth2/token",
        **_authentication("token"),
        "revocation_endpoint": f"{base}/oauth2/revoke",
        **_authentication("revocation"),
        "introspection_endpoint": f"{base}/oauth2/introspect",
        **_authentication("introspection"),
        **(_certificates(base) if methods.bind_tokens() else {}),
        "jwks_uri": f"{base}/.well-known/jwks.json",
        "grant_types_supported": ["client_credentials", "refresh_token"],
        # RFC 8414 asks for a list that is not empty; there is no authorization endpoint, so it says "none".
        "response_types_supported": ["none"],
        "scopes_supported": ["access"],
    }


def _authentication(endpoint: str) -> dict[str, Any]:
    """How clients may prove themselves at an endpoint, and with which algorithms (RFC 8414 section 2)."""
    listed = methods.advertised(at_token_endpoint=endpoint == "token")
    # A gateway asks with its connection token. RFC 8414 lists that by the type of token, at introspection alone.
    gateways = ["Bearer"] if endpoint == "introspection" else []
    told: dict[str, Any] = {f"{endpoint}_endpoint_auth_methods_supported": [*listed, *gateways]}
    if Method.PRIVATE_KEY_JWT in listed:
        told[f"{endpoint}_endpoint_auth_signing_alg_values_supported"] = list(public_keys.ALGORITHMS)
    return told


def _certificates(base: str) -> dict[str, Any]:
    """Tokens are bound to certificates, and where these are taken if not here (RFC 8705 sections 3.3 and 5)."""
    told: dict[str, Any] = {"tls_client_certificate_bound_access_tokens": True}
    if settings.CLIENT_CERTIFICATE_URL:
        edge = base.replace(settings.PUBLIC_URL, settings.CLIENT_CERTIFICATE_URL, 1)
        paths = {"token_endpoint": "token", "revocation_endpoint": "revoke", "introspection_endpoint": "introspect"}
        told["mtls_endpoint_aliases"] = {name: f"{edge}/oauth2/{path}" for name, path in paths.items()}
    return told


def server(environ: Mapping[str, Any], environment: str, rest: str) -> Answer:
    """Authorization server metadata of an environment."""
    return _serve(environ, environment, keys_wanted=False)


def keys(environ: Mapping[str, Any], environment: str, rest: str) -> Answer:
    """The public keys of an environment, the next one included before it signs."""
    return _serve(environ, environment, keys_wanted=True)
