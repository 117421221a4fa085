"""POST /oauth2/introspect (RFC 7662)."""

from collections.abc import Mapping
from typing import Any

from tokens import lifecycle
from tokens.doors import oauth
from tokens.doors.answers import Answer, answer
from tokens.doors.reading import Form, Presented
from tokens.lifecycle import Request


def door(environ: Mapping[str, Any], environment: str, rest: str) -> Answer:
    """What the caller may know of a token; `{"active":false}` otherwise."""

    def introspect(parameters: Form, presented: Presented, request: Request) -> Answer:
        raw = parameters.require("token")
        return answer(200, lifecycle.introspect(presented.client, raw, request=request, environment=environment))

    return oauth.serve(environ, environment, "introspect", introspect)
