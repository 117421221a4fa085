"""POST /oauth2/introspect (RFC 7662)."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tokens import lifecycle
from tokens.doors import oauth, reading
from tokens.doors.answers import Answer, answer
from tokens.doors.reading import Form, Presented
from tokens.lifecycle import Proof, Request


def _gateway(environ: Mapping[str, Any], parameters: Form) -> Proof:
    """The gateway's proof. Type and instance may come in the form: Apache's module sets no header there."""
    shown = reading.gateway(environ, reading.bearer(environ))
    assert shown is not None
    return replace(
        shown,
        deployment_type=shown.deployment_type or parameters.get("gateway_type") or "",
        instance=shown.instance or parameters.get("gateway_instance") or "",
    )


def door(environ: Mapping[str, Any], environment: str, rest: str) -> Answer:
    """What the caller may know of a token; `{"active":false}` otherwise."""

    def introspect(parameters: Form, presented: Presented, request: Request) -> Answer:
        raw = parameters.require("token")
        return answer(200, lifecycle.introspect(presented.client, raw, request=request, environment=environment))

    def introspect_for_gateway(parameters: Form, gateway: Proof, request: Request) -> Answer:
        raw = parameters.require("token")
        return answer(200, lifecycle.introspect_for_gateway(gateway, raw, request=request, environment=environment))

    if reading.bearer(environ):
        return oauth.serve(environ, environment, "introspect", introspect_for_gateway, who=_gateway, count_all=False)
    return oauth.serve(environ, environment, "introspect", introspect, count_all=False)
