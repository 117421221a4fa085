"""How a person proves themselves to the portal's own API: a login's access token or a token of their own."""

from dataclasses import dataclass
from typing import Any

from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from rest_framework_simplejwt.authentication import JWTAuthentication

from credentials import addresses, personal_tokens, second_factors, secrets
from credentials.errors import SecondFactorMissing
from credentials.models import PersonalAccessToken, User
from tokens import lifecycle, sightings
from tokens.errors import NoSession
from tokens.lifecycle import Authenticated

REALM = 'Bearer realm="latchkey"'


def _refuse_without_second_factor(person: User) -> None:
    """Whoever must set one up reaches nothing else, by an earlier token either."""
    if second_factors.is_missing(person):
        raise AuthenticationFailed(str(SecondFactorMissing()), code=SecondFactorMissing.code)


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
        _refuse_without_second_factor(person)
        sightings.seen(found.token_id, proxy="", address=addresses.caller(request.META))
        return person, found

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002 - the framework's signature
        return REALM


@dataclass(frozen=True, slots=True)
class Limited:
    """What a personal access token says: which one it is, and to what it narrows its person."""

    token_id: int
    limited_to: frozenset[str]


class PersonalTokenAuthentication(BaseAuthentication):
    """A personal access token as Bearer (S3.12). Any other Bearer token is left to whoever is asked next."""

    def authenticate(self, request: Request) -> tuple[User, Limited] | None:
        """The owner as they are now and what the token opens. Raises AuthenticationFailed."""
        scheme, _, raw = str(request.META.get("HTTP_AUTHORIZATION", "")).strip().partition(" ")
        raw = raw.strip()
        if scheme.lower() != "bearer" or not raw.startswith(secrets.PERSONAL_TOKEN):
            return None
        found: PersonalAccessToken | None = personal_tokens.shown(raw, at=timezone.now())
        if found is None:
            raise AuthenticationFailed("The personal access token was refused.", code="invalid_token")
        _refuse_without_second_factor(found.owner)
        sightings.personal_token_seen(found.pk, address=addresses.caller(request.META))
        return found.owner, Limited(found.pk, frozenset(found.scopes.split()))

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002 - the framework's signature
        return REALM


class PersonalTokenScheme(OpenApiAuthenticationExtension):
    """How the OpenAPI document names a personal access token."""

    target_class = "tokens.api.authentication.PersonalTokenAuthentication"
    name = "personalToken"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:  # noqa: ARG002 - the library's signature
        """A Bearer token."""
        return {"type": "http", "scheme": "bearer", "description": "A personal access token (lk_pt_...)."}


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
