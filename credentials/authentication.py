"""How REST callers prove themselves on this floor."""

import re
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import APIException
from rest_framework.request import Request

from credentials import secrets

REALM = 'Bearer realm="latchkey"'
INVALID_TOKEN = f'{REALM}, error="invalid_token"'
_BEARER = re.compile(r"bearer +(\S+)", re.IGNORECASE | re.ASCII)


class InvalidToken(APIException):
    """A Bearer credential that is not a connection token, or one that was refused (RFC 6750)."""

    status_code = 401
    auth_header = INVALID_TOKEN
    default_detail = "The connection token was refused."
    default_code = "invalid_token"


class Installation:
    """Who shows a well-formed connection token. Whether it is a good one, the core says."""

    is_authenticated = True
    is_active = True

    def __str__(self) -> str:
        return "an installation"


class ConnectionTokenAuthentication(BaseAuthentication):
    """A connection token as Bearer. Only its form is looked at here: the verdict needs the body (D33)."""

    def authenticate(self, request: Request) -> tuple[Any, str] | None:
        header = request.META.get("HTTP_AUTHORIZATION", "")
        if not header.strip():
            return None
        found = _BEARER.fullmatch(header.strip())
        if found is None or secrets.kind_of(found[1]) != secrets.CONNECTION_TOKEN:
            raise InvalidToken
        return Installation(), found[1]

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002 - the framework's signature
        return REALM


class ConnectionTokenScheme(OpenApiAuthenticationExtension):
    """How the OpenAPI document names a connection token."""

    target_class = "credentials.authentication.ConnectionTokenAuthentication"
    name = "connectionToken"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:  # noqa: ARG002 - the library's signature
        """A Bearer token."""
        return {"type": "http", "scheme": "bearer", "description": "A connection token (lk_ct_...)."}
