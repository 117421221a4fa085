"""POST /oauth2/revoke (RFC 7009)."""

from collections.abc import Mapping
from typing import Any

from tokens import lifecycle
from tokens.doors import oauth
from tokens.doors.answers import Answer, answer
from tokens.doors.reading import Form, Presented
from tokens.lifecycle import Request


def door(environ: Mapping[str, Any], environment: str, rest: str) -> Answer:
    """200 and nothing, also for an unknown or foreign token; the hint is a hint and not needed."""

    def revoke(parameters: Form, presented: Presented, request: Request) -> Answer:
        raw = parameters.require("token")
        lifecycle.revoke(presented.client, raw, request=request, environment=environment)
        return answer(200)

    return oauth.serve(environ, environment, "revoke", revoke)
