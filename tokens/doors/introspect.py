"""POST /oauth2/introspect (RFC 7662)."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from django.utils import timezone

from credentials import addresses
from credentials.identify import Proven
from proxies.settled import settings
from tokens import lifecycle, sightings
from tokens.doors import answers, oauth, reading
from tokens.doors.answers import Answer, answer
from tokens.doors.reading import Form, Presented
from tokens.errors import RateLimited
from tokens.lifecycle import Proof, Request
from tokens.verify_cache import kept as verify_cache

_ACTION = "introspect"


class _Good(NamedTuple):
    """What is kept of an introspection: the answer about an active token, and how its client proved itself."""

    answer: Answer
    proven: Proven


def door(environ: dict[str, Any], environment: str, rest: str) -> Answer:
    """What the caller may know of a token; `{"active":false}` otherwise."""
    if reading.bearer(environ):
        return _for_gateway(environ, environment)
    if settings.VERIFY_CACHE == "off" or environ.get("HTTP_X_GATEWAY_TOKEN"):
        return _for_client(environ, environment)
    address = addresses.caller(environ)
    asked = _asked(environ, environment, address)
    kept: _Good | None = None if asked is None else verify_cache.found(asked)
    if kept is None:
        return _for_client(environ, environment, asked, verify_cache.Chance())
    try:
        lifecycle.refuse_if_known(lifecycle.by_address(address, bucket=_ACTION))
    except RateLimited as limited:
        return answers.refusal(limited, challenge=reading.tried_header(environ))
    sightings.client_seen(kept.proven, timezone.now())
    return kept.answer


def _asked(environ: dict[str, Any], environment: str, address: str) -> bytes | None:
    """All that an introspection heeds where the client shows a secret; None for what is no form that is posted.

    Another way of proving itself is in the body as well, and is never kept (`lifecycle.introspected`).
    """
    body = reading.body_ahead(environ) if environ.get("REQUEST_METHOD") == "POST" else None
    if body is None:
        return None
    return verify_cache.key(
        _ACTION,
        environment,
        address,
        environ.get("QUERY_STRING"),
        environ.get("CONTENT_TYPE"),
        environ.get("HTTP_AUTHORIZATION"),
        body.decode("latin-1"),
    )


def _for_client(
    environ: Mapping[str, Any],
    environment: str,
    asked: bytes | None = None,
    chance: verify_cache.Chance | None = None,
) -> Answer:
    """The answer of the database; one about an active token is kept where there is a chance."""

    def introspect(parameters: Form, presented: Presented, request: Request) -> Answer:
        raw = parameters.require("token")
        found = lifecycle.introspected(
            presented.client, raw, request=request, environment=environment, may_keep=chance is not None
        )
        told = answer(200, found.told)
        if asked is not None and chance is not None and found.basis is not None:
            chance.keep(asked, _Good(told, found.proven), found.basis)
        return told

    return oauth.serve(environ, environment, _ACTION, introspect, count_all=False)


def _for_gateway(environ: Mapping[str, Any], environment: str) -> Answer:
    def introspect(parameters: Form, gateway: Proof, request: Request) -> Answer:
        raw = parameters.require("token")
        return answer(200, lifecycle.introspect_for_gateway(gateway, raw, request=request, environment=environment))

    return oauth.serve(environ, environment, _ACTION, introspect, who=_gateway, count_all=False)


def _gateway(environ: Mapping[str, Any], parameters: Form) -> Proof:
    """The gateway's proof. Type and instance may come in the form: Apache's module sets no header there."""
    shown = reading.gateway(environ, reading.bearer(environ))
    assert shown is not None
    return replace(
        shown,
        deployment_type=shown.deployment_type or parameters.get("gateway_type") or "",
        instance=shown.instance or parameters.get("gateway_instance") or "",
    )
