"""POST /oauth2/token: client_credentials and refresh_token (RFC 6749 sections 4.4 and 6)."""

from collections.abc import Mapping
from typing import Any

from tokens import lifecycle
from tokens.doors import oauth
from tokens.doors.answers import Answer, answer
from tokens.doors.reading import Form, Presented
from tokens.errors import InvalidRequest, UnsupportedGrantType
from tokens.lifecycle import Request


def door(environ: Mapping[str, Any], environment: str, rest: str) -> Answer:
    """A token, or the reason why not."""

    def issue(parameters: Form, presented: Presented, request: Request) -> Answer:
        grant = parameters.require("grant_type")
        if grant == "refresh_token":
            return _refresh(parameters, presented, request, environment)
        if grant != "client_credentials":
            raise UnsupportedGrantType
        granted = lifecycle.issue(
            presented.client,
            request=request,
            environment=environment,
            target=_target(parameters),
            scope=parameters.get("scope"),
        )
        return answer(200, granted.as_json())

    return oauth.serve(environ, environment, "issue", issue, by_grant={"refresh_token": "refresh"})


def _refresh(parameters: Form, presented: Presented, request: Request, environment: str) -> Answer:
    raw = parameters.require("refresh_token")
    granted = lifecycle.refresh(
        presented.client, raw, request=request, environment=environment, scope=parameters.get("scope")
    )
    return answer(200, granted.as_json())


def _target(parameters: Form) -> str | None:
    """`resource` (RFC 8707) or `audience`, not both different."""
    resource, audience = parameters.get("resource"), parameters.get("audience")
    if resource is not None and audience is not None and resource != audience:
        raise InvalidRequest("resource and audience name different targets.")
    target = resource or audience
    if target is not None and len(target) > 255:
        raise InvalidRequest("The target is too long.")
    return target
