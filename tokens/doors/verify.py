"""ANY /auth/verify: the forward-auth door (gateways.md section 6). Any Host, any method, body never read."""

import logging
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import parse_qs, quote

from credentials import addresses
from proxies.settled import settings
from tokens import lifecycle, sightings, told
from tokens.doors import answers, reading
from tokens.doors.answers import Answer
from tokens.doors.connection import database
from tokens.errors import GatewayRefused, StorageAway, UnknownEnvironment
from tokens.rules import Reason
from tokens.verify_cache import kept as verify_cache

logger = logging.getLogger(__name__)
_REALM = 'Bearer realm="latchkey"'
_FORBIDDEN = frozenset((Reason.INSUFFICIENT_SCOPE, Reason.METHOD_NOT_ALLOWED))
_MAXIMUM_SLUG = 80
_NO_TOKEN = re.compile(r"[ ,\t]")
# nginx configurations write the first pair, Caddy and Traefik the second.
_PAIRS = (("HTTP_X_ORIGINAL_METHOD", "HTTP_X_ORIGINAL_URI"), ("HTTP_X_FORWARDED_METHOD", "HTTP_X_FORWARDED_URI"))
_NO_PAIRS = [(None, None)] * len(_PAIRS)


class GatewayFault(Exception):
    """The gateway named no proxy, or several: its configuration is wrong, which must be loud and closed."""


def door(environ: Mapping[str, Any], environment: str, rest: str) -> Answer:
    """200 with four identity headers, 401, 403, 400 for a gateway's fault, 503 where nobody can tell."""
    if settings.VERIFY_CACHE == "off" or environ.get("HTTP_X_GATEWAY_TOKEN"):
        return _judged(environ, environment, rest)
    asked = _asked(environ, environment, rest)
    kept: _Good | None = verify_cache.found(asked)
    if kept is None:
        return _judged(environ, environment, rest, asked, verify_cache.Chance())
    sightings.seen(kept.token_id, proxy=kept.proxy, address=addresses.caller(environ))
    return kept.answer


class _Good(NamedTuple):
    """What is kept of a good verification: the answer, and what its next sighting needs."""

    answer: Answer
    token_id: int
    proxy: str


def _asked(environ: Mapping[str, Any], environment: str, rest: str) -> bytes:
    """All that a verification heeds where neither path, certificate nor gateway have a say."""
    query = environ.get("QUERY_STRING") if "query" in settings.VERIFY_SOURCES else None
    return verify_cache.key(
        environment,
        rest,
        query,
        environ.get("HTTP_X_PROXY"),
        environ.get("HTTP_X_REQUIRED_SCOPE"),
        environ.get("HTTP_AUTHORIZATION"),
    )


def _judged(
    environ: Mapping[str, Any],
    environment: str,
    rest: str,
    asked: bytes = b"",
    chance: verify_cache.Chance | None = None,
) -> Answer:
    """The answer of the database; a good one is kept where there is a chance."""
    try:
        proxy = _proxy(environ, rest)
        scopes = _required_scopes(environ)
    except GatewayFault as fault:
        return _gateway_fault(str(fault))
    heard = _told(environ)
    raw, malformed = _bearer(environ)
    if malformed is not None:
        return malformed
    if raw is None and not told.tokens_in(heard.uri):
        return _no_credentials()
    try:
        with database():
            verdict = lifecycle.verify(
                raw,
                proxy=proxy,
                environment=environment,
                required_scopes=scopes,
                told=heard,
                gateway=reading.gateway(environ, str(environ.get("HTTP_X_GATEWAY_TOKEN", ""))),
                may_keep=chance is not None,
            )
    except StorageAway as away:
        return answers.refusal(away)
    except GatewayRefused as refused:
        return answers.answer(403, {"error": "access_denied", "error_code": refused.code})
    except (UnknownEnvironment, lifecycle.UnknownProxy) as fault:
        return _gateway_fault(str(fault))
    except Exception:
        logger.exception("the verify door failed")
        return answers.refusal(StorageAway())
    if verdict.reason is None:
        sightings.seen(verdict.token_id, proxy=proxy, address=addresses.caller(environ))
        good = _good(verdict)
        if chance is not None and verdict.basis is not None:
            chance.keep(asked, _Good(good, verdict.token_id, proxy), verdict.basis)
        return good
    return _refused(verdict)


def _told(environ: Mapping[str, Any]) -> told.Told:
    """The API client's method and URI, as gateways tell them; the auth call's own say nothing."""
    pairs = [(environ.get(method), environ.get(uri)) for method, uri in _PAIRS]
    certificate = reading.forwarded_certificate(environ)
    if pairs == _NO_PAIRS and not certificate:
        return told.NOTHING
    method, uri = told.agreed(pairs)
    return told.Told(method, uri, reading.is_trusted_gateway(environ), certificate=certificate)


def _proxy(environ: Mapping[str, Any], rest: str) -> str:
    """The slug: header beats path beats query, of those that are switched on. Exactly one value, or a fault."""
    sources = settings.VERIFY_SOURCES
    header = environ.get("HTTP_X_PROXY")
    if header is not None and "header" in sources:
        return _slug(str(header))
    if rest and "path" in sources:
        return _slug(rest.split("/", 1)[0])
    if "query" in sources:
        named = parse_qs(str(environ.get("QUERY_STRING", "")), keep_blank_values=True).get("proxy", [])
        if len(named) == 1:
            return _slug(named[0])
        if named:
            raise GatewayFault("The gateway named more than one API proxy.")
    raise GatewayFault("The gateway named no API proxy.")


def _slug(value: str) -> str:
    """A repeated header arrives joined by a comma and fails here, like anything else that is no slug."""
    slug = value.strip()
    if not slug or len(slug) > _MAXIMUM_SLUG or not slug.isascii() or not slug.replace("-", "").isalnum():
        raise GatewayFault("The gateway did not name exactly one API proxy.")
    return slug


def _required_scopes(environ: Mapping[str, Any]) -> str:
    header = environ.get("HTTP_X_REQUIRED_SCOPE")
    if header is not None and "header" in settings.VERIFY_SOURCES:
        return str(header)
    if "query" in settings.VERIFY_SOURCES:
        named = parse_qs(str(environ.get("QUERY_STRING", "")), keep_blank_values=True).get("scope", [])
        if len(named) > 1:
            raise GatewayFault("The gateway named scopes more than once.")
        return named[0] if named else ""
    return ""


def _bearer(environ: Mapping[str, Any]) -> tuple[str | None, Answer | None]:
    """The one bearer token of the header, None without the header, or the refusal (RFC 6750, 2.1 and 3.1, R18)."""
    header = str(environ.get("HTTP_AUTHORIZATION") or "").strip()
    if not header:
        return None, None
    scheme, _, value = header.partition(" ")
    raw = value.strip()
    if scheme.lower() != "bearer" or not raw or not raw.isascii() or _NO_TOKEN.search(raw):
        return "", _invalid_token("malformed")
    return raw, None


def _no_credentials() -> Answer:
    """No error code: the client has shown nothing, or in a place where nothing counts (RFC 6750 section 3.1)."""
    return answers.answer(401, None, ("WWW-Authenticate", _REALM))


def _invalid_token(reason: str) -> Answer:
    body = {"error": "invalid_token", "error_code": reason}
    return answers.answer(401, body, ("WWW-Authenticate", f'{_REALM}, error="invalid_token"'))


def _gateway_fault(sentence: str) -> Answer:
    return answers.answer(400, {"error": "invalid_request", "error_description": sentence})


def _refused(verdict: lifecycle.Verdict) -> Answer:
    if verdict.reason is Reason.TOKEN_IN_URL:
        return _no_credentials()
    if verdict.reason not in _FORBIDDEN:
        return _invalid_token(str(verdict.reason))
    # RFC 6749 section 3.3: what a scope may be made of. Anything else can't stand in a header, and is never granted.
    needed = "".join(mark for mark in verdict.required if " " <= mark <= "~" and mark not in '"\\')
    challenge = f'{_REALM}, error="insufficient_scope", scope="{needed}"'
    body = {"error": "insufficient_scope", "error_code": str(verdict.reason)}
    return answers.answer(403, body, ("WWW-Authenticate", challenge))


def _good(verdict: lifecycle.Verdict) -> Answer:
    """All four identity headers, never empty: a missing one would let the client's own through (gateways.md 6)."""
    return answers.answer(
        200,
        None,
        ("X-Token-Subject", visible(verdict.subject)),
        ("X-Token-Client", visible(verdict.client_id)),
        ("X-Token-Scopes", verdict.scopes),
        ("X-Token-Id", verdict.jti),
    )


@lru_cache(maxsize=1024)
def visible(value: str) -> str:
    """Visible ASCII for a header; anything else percent-encoded."""
    return quote(value, safe="!#$&'()*+,/:;=?@[]~-._")
