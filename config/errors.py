"""Errors of Django's own pages and of the REST API as answers: the one table of tokens/doors/answers.py, adapted.

A database that cannot be asked is a 503, never a guess and never a trace (I13).
"""

import json
import logging
import sys
from collections.abc import Callable
from typing import Any

from django.db import InterfaceError, InternalError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.defaults import page_not_found, server_error
from rest_framework.response import Response
from rest_framework.views import exception_handler as standard_handler

from proxies.restkit.problems import CONTENT_TYPE
from tokens.doors import answers

logger = logging.getLogger(__name__)
# InternalError: a server that only reads, after a failover.
AWAY = (OperationalError, InterfaceError, InternalError)


class StorageAway:
    """Middleware: a database that is away makes a plain 503 of screens and the REST API alike."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:  # noqa: ARG002
        """503 for a database that is away; every other exception takes its way."""
        return _unavailable(exception) if isinstance(exception, AWAY) else None


def failed(request: HttpRequest) -> HttpResponse:
    """Django's handler500. What fails in a middleware, a session that can't be saved, passes no process_exception."""
    error = sys.exception()
    return _unavailable(error) if isinstance(error, AWAY) else server_error(request)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler404: programs get problem details (RFC 9457), people a page."""
    if not request.path.startswith("/api/"):
        return page_not_found(request, exception)
    told = "There is nothing at this address. /api/docs/ lists what there is."
    body = {"type": "about:blank", "title": "Not Found", "status": 404, "detail": told, "code": "not_found"}
    answer = JsonResponse(body, status=404, content_type=CONTENT_TYPE)
    answer["Cache-Control"] = "no-store"
    return answer


def _unavailable(error: BaseException) -> HttpResponse:
    # The type alone: a message may quote parameters.
    logger.warning("the database cannot be asked: %s", type(error).__name__)
    answer = JsonResponse({"error": "server_error", "error_description": "Try again."}, status=503)
    answer["Cache-Control"] = "no-store"
    return answer


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """A refusal as RFC 6749 section 5.2 words it; what the REST framework itself refuses, in the same words."""
    if isinstance(error, answers.REFUSALS):
        return _as_response(answers.refusal(error, refreshing=True, challenge=True))
    answer = standard_handler(error, context)
    if answer is None:
        return None
    told = answer.data if isinstance(answer.data, dict) else {}
    detail = told.get("detail", "The request was refused.")
    name = "invalid_token" if answer.status_code == 401 else "invalid_request"
    code = str(getattr(detail, "code", name))
    answer.data = {"error": name, "error_description": answers.plain(str(detail)), "error_code": code}
    return answer


def _as_response(told: answers.Answer) -> Response:
    headers = {name: value for name, value in told.headers if name not in ("Content-Length", "Content-Type")}
    return Response(json.loads(told.body), status=told.status, headers=headers)
