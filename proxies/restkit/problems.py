"""Refusals as answers of the management API: problem details (RFC 9457)."""

import logging
from http import HTTPStatus
from typing import Any

from django.db import InterfaceError, OperationalError
from django.http import Http404
from django.utils.translation import gettext as _
from rest_framework.exceptions import APIException, ErrorDetail, NotAuthenticated, NotFound, UnsupportedMediaType
from rest_framework.response import Response
from rest_framework.views import exception_handler as standard_handler

from proxies.adminkit import refusals

logger = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"
# By the refusal's code. Every other one says that the state of the thing does not allow it: 409.
STATUS: dict[str, HTTPStatus] = {
    "confirmation_missing": HTTPStatus.PRECONDITION_REQUIRED,
    "invalid_configuration": HTTPStatus.BAD_REQUEST,
    "invalid_connection": HTTPStatus.BAD_REQUEST,
    "invalid_credential": HTTPStatus.BAD_REQUEST,
    "invalid_name": HTTPStatus.BAD_REQUEST,
    "invalid_personal_token": HTTPStatus.BAD_REQUEST,
    "invalid_policy": HTTPStatus.BAD_REQUEST,
    "invalid_request": HTTPStatus.BAD_REQUEST,
    "invalid_scope": HTTPStatus.BAD_REQUEST,
    "invalid_target": HTTPStatus.BAD_REQUEST,
    "webhook_refused": HTTPStatus.BAD_REQUEST,
    "unknown_environment": HTTPStatus.NOT_FOUND,
    "token_not_found": HTTPStatus.NOT_FOUND,
    "unusable_key": HTTPStatus.BAD_REQUEST,
    "no_signing_key": HTTPStatus.SERVICE_UNAVAILABLE,
    "seal_broken": HTTPStatus.SERVICE_UNAVAILABLE,
    "server_error": HTTPStatus.SERVICE_UNAVAILABLE,
}
_KEPT_HEADERS = ("WWW-Authenticate", "Retry-After", "Allow")


class ConfirmationNeeded(APIException):
    """A dangerous act without the name of what it ends (D12)."""

    status_code = HTTPStatus.PRECONDITION_REQUIRED
    default_code = "confirmation_missing"

    def __init__(self, name: str) -> None:
        self.more = {"confirm": name}
        super().__init__(
            f"This ends tokens or access. Ask with ?dry_run=1 what it would end, then send confirm with “{name}”."
        )


class ConfirmationWrong(APIException):
    """A dangerous act with another name."""

    status_code = HTTPStatus.BAD_REQUEST
    default_code = "confirmation_wrong"

    def __init__(self, name: str) -> None:
        self.more = {"confirm": name}
        super().__init__(f"confirm is not the exact name. Nothing was done. Send “{name}”.")


class IfMatchNeeded(APIException):
    """An edit that does not say which version it is made to (RFC 6585 section 3)."""

    status_code = HTTPStatus.PRECONDITION_REQUIRED
    default_code = "if_match_missing"
    default_detail = "Send If-Match with the ETag of the version that you have read, or * for whichever there is."


class Changed(APIException):
    """An edit to a version that is no longer there (RFC 9110 section 13.1.1)."""

    status_code = HTTPStatus.PRECONDITION_FAILED
    default_code = "changed_meanwhile"
    default_detail = "It was changed since you have read it. Read it again. Nothing was done."


class InsufficientScope(APIException):
    """A personal access token that is not for this (RFC 6750 section 3.1)."""

    status_code = HTTPStatus.FORBIDDEN
    default_code = "insufficient_scope"

    def __init__(self, scope: str) -> None:
        self.more = {"scope": scope} if scope else {}
        lacking = f"This personal access token does not have the scope {scope}." if scope else ""
        super().__init__(lacking or "No personal access token opens this: log in.")


def problem(status: int, detail: str, **more: Any) -> Response:
    """One answer that says what was wrong."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": int(status), "detail": detail, **more}
    return Response(body, status=status, content_type=CONTENT_TYPE)


def _in_our_words(error: Exception) -> Exception:
    """The framework's own refusals that leave a newcomer guessing, saying what to do."""
    if isinstance(error, Http404):
        return NotFound(_("There is none of this name or id, or it is somebody else's own."))
    if isinstance(error, NotAuthenticated):
        told = _("Show an access token of a login, or a personal access token: Authorization: Bearer <token>.")
        error.detail = ErrorDetail(told, error.default_code)
    if isinstance(error, UnsupportedMediaType):
        error.detail = ErrorDetail(_("Send JSON, and say so: Content-Type: application/json."), error.default_code)
    return error


def _first(errors: Any, path: str = "") -> str:
    """The first of the errors, with the path of its field, for whoever reads no further."""
    if isinstance(errors, dict) and errors:
        name, inside = next(iter(errors.items()))
        return _first(inside, path if name == "non_field_errors" else f"{path}.{name}".lstrip("."))
    if isinstance(errors, list) and errors:
        return _first(errors[0], path)
    return f"{path}: {errors}" if path else str(errors)


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """A refusal of any floor's core, or one of the REST framework, as problem+json; anything else is not ours."""
    if isinstance(error, refusals()):
        code = str(getattr(error, "code", "refused"))
        listed = getattr(error, "problems", ())
        more: dict[str, Any] = {"errors": {"non_field_errors": list(listed)}} if listed else {}
        return problem(STATUS.get(code, HTTPStatus.CONFLICT), str(error), code=code, **more)
    if isinstance(error, OperationalError | InterfaceError):
        # The type alone: a message may quote parameters.
        logger.warning("the database cannot be asked: %s", type(error).__name__)
        return problem(HTTPStatus.SERVICE_UNAVAILABLE, "The database cannot be asked. Try again.", code="server_error")
    answer = standard_handler(_in_our_words(error), context)
    if answer is None:
        return None
    told = answer.data if isinstance(answer.data, dict) else {"non_field_errors": answer.data}
    detail = told.get("detail")
    if isinstance(detail, str):
        more = {"code": getattr(detail, "code", "invalid"), **getattr(error, "more", {})}
        found = problem(answer.status_code, str(detail), **more)
    else:
        found = problem(answer.status_code, f"Some values cannot be used. {_first(told)}", code="invalid", errors=told)
    for name in _KEPT_HEADERS:
        if name in answer.headers:
            found[name] = answer.headers[name]
    return found
