"""How a person proves themselves to the portal's own API: an access token of a login as Bearer (S1.3)."""

from typing import Any

from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from rest_framework_simplejwt.authentication import JWTAuthentication

from credentials import addresses
from credentials.models import User
from tokens import lifecycle, sightings
from tokens.errors import NoSession
from tokens.lifecycle import Authenticated

REALM = 'Bearer realm="latchkey"'


class LoginTokenAuthentication(JWTAuthentication):
    """simplejwt's reading of the header; who it is, the core says, asking the database each time (D31, I6)."""

    def authenticate(self, request: Request) -> tuple[User, Authenticated] | None:  # type: ignore[override]
        """The person and what their token says, None where no Bearer token is shown."""
        header = self.get_header(request)
        raw = None if header is None else self.get_raw_token(header)
        if raw is None:
            return None
        try:
            found = lifecycle.authenticate(raw.decode("latin-1"), at=timezone.now())
        except NoSession as refused:
            raise AuthenticationFailed(str(refused), code="invalid_token") from refused
        person = User.objects.filter(pk=found.user_id, is_active=True).first()
        if person is None:
            raise AuthenticationFailed(str(NoSession()), code="invalid_token")
        sightings.seen(found.token_id, proxy="", address=addresses.caller(request.META))
        return person, found

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002 - the framework's signature
        return REALM


class LoginTokenScheme(OpenApiAuthenticationExtension):
    """How the OpenAPI document names the access token of a login."""

    target_class = "tokens.api.authentication.LoginTokenAuthentication"
    name = "loginToken"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:  # noqa: ARG002 - the library's signature
        """A Bearer JWT."""
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "The access token that POST /api/auth/login answers.",
        }
