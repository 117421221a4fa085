"""Log in and keep a session (S1, S2): parse, call one core function, answer."""

# ruff: noqa: ARG002 - methods are called alike

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.exceptions import APIException, MethodNotAllowed, ParseError, UnsupportedMediaType, ValidationError
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from credentials.errors import SECOND_FACTOR_REFUSALS
from proxies.restkit.parsers import SmallJSONParser
from tokens import cors, lifecycle
from tokens.api.session_shapes import (
    AccessSerializer,
    EndedSerializer,
    LoginSerializer,
    LogoutSerializer,
    PairSerializer,
    RefreshSerializer,
    RefusalSerializer,
    RenewedSerializer,
    SessionSerializer,
    kept,
)
from tokens.callers import request_facts
from tokens.errors import InvalidRequest
from tokens.querysets import live_sessions

_SHAPE = (ParseError, UnsupportedMediaType, ValidationError)
_IN_URL = ("refresh", "refresh_token", "access", "access_token", "token", "password", "otp")
MOST_SESSIONS = 500

_REFUSALS = {
    400: OpenApiResponse(RefusalSerializer, "The request or the token is refused; error_code says why."),
    401: OpenApiResponse(RefusalSerializer, "Wrong user name, password, code or access token; error_code says which."),
    405: OpenApiResponse(RefusalSerializer, "Use POST."),
    429: OpenApiResponse(RefusalSerializer, "Too many requests; Retry-After says when to come again."),
    503: OpenApiResponse(RefusalSerializer, "The database cannot be asked. Try again."),
}


class SessionDoor(APIView):
    """A door of sessions: no cookie counts, nothing is kept by anyone between, every outcome leaves its row (D24)."""

    authentication_classes = []
    permission_classes = [AllowAny]
    parser_classes = [SmallJSONParser]
    action = ""
    shape: type[Serializer[Any]] = RefreshSerializer

    def initial(self, request: Request, *args: Any, **named: Any) -> None:
        super().initial(request, *args, **named)
        lifecycle.limit(lifecycle.by_address(self.caller.address))
        if any(name in request.query_params for name in _IN_URL):
            raise ValidationError("Tokens and passwords are never accepted in the URL.")

    def options(self, request: Any, *args: Any, **named: Any) -> Response:
        """What a browser asks before it lets a page of another origin call."""
        allowed = dict(cors.PREFLIGHT) if "Access-Control-Allow-Origin" in dict(cors.headers(request.META)) else {}
        return Response(status=204, headers={"Allow": "POST, OPTIONS", **allowed})

    def finalize_response(self, request: Request, *args: Any, **named: Any) -> Response:
        answer: Response = super().finalize_response(request, *args, **named)
        answer["Cache-Control"] = "no-store"
        answer["Pragma"] = "no-cache"
        for name, value in cors.headers(request.META):
            answer[name] = value
        return answer

    def handle_exception(self, exc: Exception) -> Response:
        """What went wrong before a verb of the core was reached leaves its row here (D24)."""
        if isinstance(exc, (*_SHAPE, MethodNotAllowed)):
            status = exc.status_code if isinstance(exc, MethodNotAllowed) else None
            wrong = InvalidRequest(_sentence(exc))
            lifecycle.refused(self.action, self.caller, timezone.now(), wrong, status=status)
            exc = exc if status else wrong
        return super().handle_exception(exc)

    @property
    def caller(self) -> lifecycle.Request:
        """Where this request came from."""
        return request_facts(self.request.META)

    def read(self) -> dict[str, Any]:
        """The body in its shape. Raises ValidationError."""
        try:
            values: dict[str, Any] = kept(self.shape).run_validation(self.request.data)
        except ValidationError:
            # In the words of a serializer of its own.
            self.shape(data=self.request.data).is_valid(raise_exception=True)
            raise
        return values

    def refresh_token(self, values: dict[str, Any]) -> str:
        """The refresh token of the body or of a Bearer header, never both (D22)."""
        scheme, _, shown = str(self.request.META.get("HTTP_AUTHORIZATION", "")).strip().partition(" ")
        by_header = shown.strip() if scheme.lower() == "bearer" else ""
        if bool(by_header) == bool(values["refresh"]):
            raise ValidationError("Send the refresh token once: as refresh in the body, or as Bearer.")
        return by_header or str(values["refresh"])


def _sentence(error: APIException) -> str:
    """The first thing that is wrong, with the field's name."""
    detail: Any = error.detail
    if isinstance(detail, dict):
        name, detail = next(iter(detail.items()))
        prefix = "" if name == "non_field_errors" else f"{name}: "
    else:
        prefix = ""
    while isinstance(detail, list | dict) and detail:
        detail = next(iter(detail.values())) if isinstance(detail, dict) else detail[0]
    return f"{prefix}{detail}"


class Login(SessionDoor):
    """`POST /api/auth/login`"""

    action = "login"
    shape = LoginSerializer

    @extend_schema(
        operation_id="login", summary="Log in", request=LoginSerializer, responses={200: PairSerializer, **_REFUSALS}
    )
    def post(self, request: Request) -> Response:
        """A user name and password make a pair: a short access token and a refresh token (D27).

        The access token is for the portal's own API, or for the audience named if a grant lets the person reach it.
        A person with a second factor sends a code of it as `otp`; without one the answer is second_factor_required.
        """
        values = self.read()
        username, caller = values.pop("username"), self.caller
        counted = lifecycle.limit(lifecycle.by_login(username, caller.address))
        try:
            session = lifecycle.login(username, values.pop("password"), request=caller, **values)
        except SECOND_FACTOR_REFUSALS:
            counted.give_back()  # the password was right; wrong codes have a count of their own
            raise
        counted.give_back()
        return Response(PairSerializer(session).data)


class Refresh(SessionDoor):
    """`POST /api/auth/refresh`"""

    action = "refresh"

    @extend_schema(
        operation_id="refresh",
        summary="Get a new access token",
        request=RefreshSerializer,
        responses={200: AccessSerializer, **_REFUSALS},
    )
    def post(self, request: Request) -> Response:
        """A refresh token, in the body or as Bearer, gets a new access token; it stays as it is (D27)."""
        session = lifecycle.access(self.refresh_token(self.read()), request=self.caller)
        return Response(kept(AccessSerializer).to_representation(session))


class Renew(SessionDoor):
    """`POST /api/auth/renew`"""

    action = "renew"

    @extend_schema(
        operation_id="renew",
        summary="Get a new refresh token",
        request=RefreshSerializer,
        responses={200: RenewedSerializer, **_REFUSALS},
    )
    def post(self, request: Request) -> Response:
        """A refreshable refresh token is replaced by a new one. A lost answer may be asked for again at once (D2)."""
        session = lifecycle.renew(self.refresh_token(self.read()), request=self.caller)
        return Response(kept(RenewedSerializer).to_representation(session))


class Logout(SessionDoor):
    """`POST /api/auth/logout`"""

    action = "logout"
    shape = LogoutSerializer

    @extend_schema(
        operation_id="logout",
        summary="Log out",
        request=LogoutSerializer,
        responses={200: EndedSerializer, **_REFUSALS},
    )
    def post(self, request: Request) -> Response:
        """The session of this refresh token ends, or with `all` every login of the person."""
        values = self.read()
        ended = lifecycle.logout(self.refresh_token(values), everywhere=values["all"], request=self.caller)
        return Response({"ended": ended})


class OwnSessions(APIView):
    """What a person sees and ends of their own, by an access token or in the admin's session."""

    parser_classes = [SmallJSONParser]

    def finalize_response(self, *args: Any, **named: Any) -> Response:
        answer: Response = super().finalize_response(*args, **named)
        answer["Cache-Control"] = "no-store"
        return answer

    @property
    def family_id(self) -> int | None:
        """The session that asks, where it asks by an access token."""
        return self.request.auth.family_id if isinstance(self.request.auth, lifecycle.Authenticated) else None

    @property
    def caller(self) -> lifecycle.Request:
        """Where this request came from, and who acts."""
        return request_facts(self.request.META, actor=self.request.user.get_username())


class Sessions(OwnSessions):
    """`GET /api/auth/sessions`"""

    @extend_schema(
        operation_id="sessions",
        summary="List your sessions",
        responses={200: SessionSerializer(many=True), 401: _REFUSALS[401]},
    )
    def get(self, request: Request) -> Response:
        """Your logins that live now, newest first."""
        found = live_sessions(int(request.user.pk or 0), timezone.now())[:MOST_SESSIONS]
        return Response(SessionSerializer(found, many=True, context={"family_id": self.family_id}).data)


class OneSession(OwnSessions):
    """`DELETE /api/auth/sessions/<jti>`"""

    @extend_schema(
        operation_id="end_session",
        summary="End one of your sessions",
        responses={
            204: None,
            401: _REFUSALS[401],
            404: OpenApiResponse(RefusalSerializer, "No such session of yours."),
        },
    )
    def delete(self, request: Request, jti: str) -> Response:
        """The session of this jti ends, with all its tokens. Somebody else's is not found."""
        lifecycle.end_session(request.user, jti, request=self.caller)  # type: ignore[arg-type]
        return Response(status=204)


class EndOthers(OwnSessions):
    """`POST /api/auth/sessions/end-others`"""

    @extend_schema(
        operation_id="end_other_sessions",
        summary="Sign out your other devices",
        request=None,
        responses={200: EndedSerializer, 401: _REFUSALS[401]},
    )
    def post(self, request: Request) -> Response:
        """Every login of yours ends but the one that asks."""
        ended = lifecycle.end_others(request.user, but=self.family_id, request=self.caller)  # type: ignore[arg-type]
        return Response({"ended": ended})


__all__ = ["EndOthers", "Login", "Logout", "OneSession", "Refresh", "Renew", "Sessions"]
