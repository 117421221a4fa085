"""POST /oauth2/introspect (RFC 7662)."""

from collections.abc import Mapping
from typing import Any

from tokens import lifecycle
from tokens.doors import oauth, reading
from tokens.doors.answers import Answer, answer
from tokens.doors.reading import Form, Presented
from tokens.lifecycle import Proof, Request


def door(environ: Mapping[str, Any], environment: str, rest: str) -> Answer:
    """What the caller may know of a token; `{"active":false}` otherwise."""

    def introspect(parameters: Form, presented: Presented, request: Request) -> Answer:
        raw = parameters.require("token")
        return answer(200, lifecycle.introspect(presented.client, raw, request=request, environment=environment))

    def introspect_for_gateway(parameters: Form, gateway: Proof, request: Request) -> Answer:
        raw = parameters.require("token")
        return answer(200, lifecycle.introspect_for_gateway(gateway, raw, request=request, environment=environment))

    gateway = reading.gateway(environ, reading.bearer(environ))
    if gateway is not None:
        return oauth.serve(
            environ, environment, "introspect", introspect_for_gateway, who=lambda *_: gateway, count_all=False
        )
    return oauth.serve(environ, environment, "introspect", introspect, count_all=False)
