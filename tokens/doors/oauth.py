"""What token, revoke and introspect have in common: POST, limit, form, one refusal for all that goes wrong."""

import logging
from collections.abc import Callable, Mapping
from typing import Any

from django.utils import timezone

from credentials.errors import CredentialError
from proxies.errors import ProxyError
from tokens import lifecycle
from tokens.doors import answers, reading
from tokens.doors.answers import Answer
from tokens.doors.connection import database
from tokens.doors.reading import Form, Presented
from tokens.errors import InvalidRequest, RateLimited, StorageAway, TokenError, UnsupportedGrantType
from tokens.lifecycle import Request

logger = logging.getLogger(__name__)
Act = Callable[[Form, Presented, Request], Answer]

# Only doors raise these, for a request's shape; no verb of the core was reached, so the row is left here.
SHAPE = (InvalidRequest, UnsupportedGrantType)


def serve(
    environ: Mapping[str, Any], environment: str, action: str, act: Act, by_grant: Mapping[str, str] | None = None
) -> Answer:
    """One request of an OAuth endpoint: every outcome is an answer of the table, and leaves its one row.

    `action` is what the log calls it; `by_grant` names it by the form's grant_type, where there is one.
    """
    by_header = reading.tried_header(environ)
    request = reading.request(environ)
    try:
        with database():
            lifecycle.limit(request.address)
            return _act(environ, environment, action, act, request, by_grant or {})
    except RateLimited as refused:
        return answers.refusal(refused)
    except (TokenError, CredentialError, ProxyError) as refused:
        return answers.refusal(refused, challenge=by_header)
    except Exception:
        logger.exception("a door failed")
        return answers.refusal(StorageAway())


def _act(
    environ: Mapping[str, Any],
    environment: str,
    action: str,
    act: Act,
    request: Request,
    by_grant: Mapping[str, str],
) -> Answer:
    presented: Presented | None = None
    reached = False
    try:
        if environ.get("REQUEST_METHOD") != "POST":
            wrong = InvalidRequest("Use POST.")
            lifecycle.refused(action, request, timezone.now(), wrong, status=405, environment=environment)
            return answers.method_not_allowed("POST")
        parameters = reading.form(environ)
        action = by_grant.get(parameters.get("grant_type") or "", action)
        presented = reading.client(environ, parameters)
        reached = True
        return act(parameters, presented, request)
    except (TokenError, CredentialError) as refused:
        if not reached or isinstance(refused, SHAPE):
            client_id = presented.client.client_id if presented else ""
            lifecycle.refused(action, request, timezone.now(), refused, environment=environment, client_id=client_id)
        raise
