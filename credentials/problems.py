"""Refusals of this floor as answers of the REST doors (RFC 9457)."""

from http import HTTPStatus
from typing import Any

from rest_framework.response import Response
from rest_framework.views import exception_handler as standard_handler

from credentials.errors import CredentialError, InvalidConnection, SealBroken

CONTENT_TYPE = "application/problem+json"
# Every other refusal says that the state of the thing does not allow it.
STATUS: dict[type[CredentialError], HTTPStatus] = {
    InvalidConnection: HTTPStatus.BAD_REQUEST,
    SealBroken: HTTPStatus.SERVICE_UNAVAILABLE,
}


def problem(status: int, detail: str, **more: Any) -> Response:
    """One answer that says what was wrong."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail, **more}
    return Response(body, status=status, content_type=CONTENT_TYPE)


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """A refusal of the core, or one of the REST framework, as problem+json; anything else is not ours."""
    if isinstance(error, CredentialError):
        return problem(STATUS.get(type(error), HTTPStatus.CONFLICT), str(error), code=error.code)
    answer = standard_handler(error, context)
    if answer is None:
        return None
    told = answer.data if isinstance(answer.data, dict) else {"non_field_errors": answer.data}
    detail = told.get("detail")
    code = getattr(detail, "code", "invalid")
    fields = {} if detail is not None else {"errors": told}
    found = problem(answer.status_code, str(detail or "Some values cannot be used."), code=code, **fields)
    for name in ("WWW-Authenticate", "Retry-After", "Allow"):
        if name in answer.headers:
            found[name] = answer.headers[name]
    return found
