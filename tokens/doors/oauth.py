"""What token, revoke and introspect have in common: POST, limit, form, one refusal for all that goes wrong."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from django.utils import timezone

from credentials.errors import CredentialError
from proxies.errors import ProxyError
from tokens import lifecycle
from tokens.doors import answers, reading
from tokens.doors.answers import Answer
from tokens.doors.connection import database
from tokens.doors.reading import Form, Presented
from tokens.errors import InvalidRequest, RateLimited, StorageAway, TokenError, UnsupportedGrantType
from tokens.lifecycle import Proof, Request

logger = logging.getLogger(__name__)
W = TypeVar("W", Presented, Proof)
Act = Callable[[Form, W, Request], Answer]
Who = Callable[[Mapping[str, Any], Form], W]

# Only doors raise these, for a request's shape; no verb of the core was reached, so the row is left here.
SHAPE = (InvalidRequest, UnsupportedGrantType)


def serve(
    environ: Mapping[str, Any],
    environment: str,
    action: str,
    act: Act[W],
    *,
    who: Who[W] = reading.client,  # type: ignore[assignment]
    by_grant: Mapping[str, str] | None = None,
) -> Answer:
    """One request of an OAuth endpoint: every outcome is an answer of the table, and leaves its one row.

    `action` is what the log calls it; `by_grant` names it by the form's grant_type, where there is one. `who` reads
    the caller's proof: a client's secret, or a gateway's connection token.
    """
    by_header = reading.tried_header(environ)
    request = reading.request(environ)
    try:
        with database():
            lifecycle.limit(request.address)
            if environ.get("REQUEST_METHOD") != "POST":
                wrong = InvalidRequest("Use POST.")
                lifecycle.refused(action, request, timezone.now(), wrong, status=405, environment=environment)
                return answers.method_not_allowed("POST")
            return _Reading(environ, environment, action, request).act(act, who, by_grant or {})
    except RateLimited as refused:
        return answers.refusal(refused)
    except (TokenError, CredentialError, ProxyError) as refused:
        return answers.refusal(refused, challenge=by_header)
    except Exception:
        logger.exception("a door failed")
        return answers.refusal(StorageAway())


@dataclass(slots=True)
class _Reading:
    """A request on its way to a verb: what goes wrong before is logged here, what goes wrong in the verb there."""

    environ: Mapping[str, Any]
    environment: str
    action: str
    request: Request

    def act(self, act: Act[W], who: Who[W], by_grant: Mapping[str, str]) -> Answer:
        caller: Presented | Proof | None = None
        try:
            parameters = reading.form(self.environ)
            self.action = by_grant.get(parameters.get("grant_type") or "", self.action)
            caller = who(self.environ, parameters)
            return act(parameters, caller, self.request)
        except (TokenError, CredentialError) as refused:
            if caller is None or isinstance(refused, SHAPE):
                self._log(refused, caller.client.client_id if isinstance(caller, Presented) else "")
            raise

    def _log(self, refused: TokenError | CredentialError, client_id: str) -> None:
        lifecycle.refused(
            self.action, self.request, timezone.now(), refused, environment=self.environment, client_id=client_id
        )
