"""What token, revoke and introspect have in common: POST, limit, form, one refusal for all that goes wrong."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.utils import timezone

from credentials.errors import AddressNotAllowed, ClientAuthenticationFailed, CredentialError
from proxies.errors import ProxyError
from tokens import lifecycle
from tokens.callers import request_facts
from tokens.doors import answers, reading
from tokens.doors.answers import Answer
from tokens.doors.connection import database
from tokens.doors.reading import Form, Presented
from tokens.errors import InvalidRequest, StorageAway, TokenError, UnsupportedGrantType
from tokens.lifecycle import Proof, Request

logger = logging.getLogger(__name__)
METHOD_NOT_ALLOWED = 405
W = TypeVar("W", Presented, Proof)
Act = Callable[[Form, W, Request], Answer]
Who = Callable[[Mapping[str, Any], Form], W]

# Only doors raise these, for a request's shape; no verb of the core was reached, so the row is left here.
SHAPE = (InvalidRequest, UnsupportedGrantType)
# The caller is not who it says: what was counted for that client is given back.
UNPROVEN = (ClientAuthenticationFailed, AddressNotAllowed)


def serve(
    environ: Mapping[str, Any],
    environment: str,
    action: str,
    act: Act[W],
    *,
    who: Who[W] = reading.client,  # type: ignore[assignment]
    by_grant: Mapping[str, str] | None = None,
    count_all: bool = True,
) -> Answer:
    """One request of an OAuth endpoint: every outcome is an answer of the table, and leaves its one row.

    `action` is what the log calls it; `by_grant` names it by the form's grant_type, where there is one. `who` reads
    the caller's proof: a client's secret, or a gateway's connection token. The limiter counts every request, or, where
    not `count_all`, those that are refused: introspection is asked for every call of an API.
    """
    heard: _Heard[W] = _Heard(environ, environment, action, request_facts(environ))
    heard.read(who, by_grant or {})
    try:
        with database():
            return _limited(heard, act) if count_all else _limited_if_refused(heard, act)
    except (TokenError, CredentialError, ProxyError) as refused:
        if heard.status == METHOD_NOT_ALLOWED and refused is heard.trouble:
            return answers.method_not_allowed("POST")
        return answers.refusal(refused, refreshing=heard.action == "refresh", challenge=reading.tried_header(environ))
    except Exception:
        logger.exception("a door failed")
        return answers.refusal(StorageAway())


def _limited(heard: "_Heard[W]", act: Act[W]) -> Answer:
    counts = [lifecycle.by_address(heard.request.address)]
    if isinstance(heard.caller, Presented):
        counts.append(lifecycle.by_client(heard.caller.client.client_id))
    counted = lifecycle.limit(*counts)
    try:
        return heard.act(act)
    except UNPROVEN:
        counted.give_back()
        raise


def _limited_if_refused(heard: "_Heard[W]", act: Act[W]) -> Answer:
    count = lifecycle.by_address(heard.request.address, bucket=heard.action)
    lifecycle.refuse_if_known(count)
    try:
        return heard.act(act)
    except (TokenError, CredentialError):
        lifecycle.count_refusal(count)
        raise


@dataclass(slots=True)
class _Heard(Generic[W]):
    """A request on its way to a verb: what goes wrong before is logged here, what goes wrong in the verb there."""

    environ: Mapping[str, Any]
    environment: str
    action: str
    request: Request
    parameters: Form | None = None
    caller: W | None = None
    trouble: TokenError | CredentialError | None = None
    status: int | None = None

    def read(self, who: Who[W], by_grant: Mapping[str, str]) -> None:
        """Read the form and who the caller says it is. Nothing is asked of the database; trouble is kept for later."""
        try:
            if self.environ.get("REQUEST_METHOD") != "POST":
                self.status = METHOD_NOT_ALLOWED
                raise InvalidRequest("Use POST.")
            self.parameters = reading.form(self.environ)
            self.action = by_grant.get(self.parameters.get("grant_type") or "", self.action)
            self.caller = who(self.environ, self.parameters)
        except (TokenError, CredentialError) as trouble:
            self.trouble = trouble

    def act(self, act: Act[W]) -> Answer:
        try:
            if self.trouble is not None or self.parameters is None or self.caller is None:
                raise self.trouble or InvalidRequest
            return act(self.parameters, self.caller, self.request)
        except (TokenError, CredentialError) as refused:
            if self.caller is None or isinstance(refused, SHAPE):
                self._log(refused)
            raise

    def _log(self, refused: TokenError | CredentialError) -> None:
        client_id = self.caller.client.client_id if isinstance(self.caller, Presented) else ""
        lifecycle.refused(
            self.action,
            self.request,
            timezone.now(),
            refused,
            status=self.status,
            environment=self.environment,
            client_id=client_id,
        )
