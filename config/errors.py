"""What Django's own pages answer when the database cannot be asked: 503, never a guess and never a trace (I13)."""

import logging
from collections.abc import Callable

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse

logger = logging.getLogger(__name__)


class StorageAway:
    """Middleware: a database that is away makes a plain 503 of screens and the REST API alike."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:  # noqa: ARG002
        """503 for a database that is away; every other exception takes its way."""
        if not isinstance(exception, OperationalError | InterfaceError):
            return None
        # The type alone: a message may quote parameters.
        logger.warning("the database cannot be asked: %s", type(exception).__name__)
        answer = JsonResponse({"error": "server_error", "error_description": "Try again."}, status=503)
        answer["Cache-Control"] = "no-store"
        return answer
