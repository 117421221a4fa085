"""The one table from domain errors to HTTP answers (behaviours.md, section D), and how an answer looks."""

import json
from http import HTTPStatus
from json.encoder import encode_basestring_ascii
from typing import Any, NamedTuple

from credentials.errors import CredentialError
from proxies.errors import ProxyError
from tokens.errors import RateLimited, TokenError

Refusal = TokenError | CredentialError | ProxyError
REFUSALS = (TokenError, CredentialError, ProxyError)

# error_code -> (status, error). A code that is missing here is a fault that a test finds.
TABLE: dict[str, tuple[int, str]] = {
    "client_auth_failed": (401, "invalid_client"),
    "assertion_refused": (401, "invalid_client"),
    "auth_method_not_allowed": (401, "invalid_client"),
    "address_not_allowed": (401, "invalid_client"),
    "management_mismatch": (401, "invalid_client"),
    "invalid_request": (400, "invalid_request"),
    "unsupported_grant_type": (400, "unsupported_grant_type"),
    "grant_not_allowed": (400, "unauthorized_client"),
    "invalid_target": (400, "invalid_target"),
    "invalid_scope": (400, "invalid_scope"),
    "refresh_not_allowed": (400, "invalid_grant"),
    "refresh_count_exceeded": (400, "invalid_grant"),
    "token_not_found": (400, "invalid_grant"),
    "refresh_token_revoked": (400, "invalid_grant"),
    "refresh_token_expired": (400, "invalid_grant"),
    "refresh_token_reused": (400, "invalid_grant"),
    "wrong_token_kind": (400, "invalid_grant"),
    "signing_key_changed": (400, "invalid_grant"),
    "user_changed": (400, "invalid_grant"),
    "not_refreshable": (400, "invalid_grant"),
    "too_early": (400, "invalid_grant"),
    "invalid_credentials": (401, "invalid_credentials"),
    "second_factor_required": (401, "invalid_credentials"),
    "second_factor_refused": (401, "invalid_credentials"),
    "second_factor_missing": (401, "invalid_credentials"),
    "not_authenticated": (401, "invalid_token"),
    "session_not_found": (404, "invalid_request"),
    "rate_limited": (429, "temporarily_unavailable"),
    "gateway_refused": (401, "invalid_token"),
    "server_error": (503, "server_error"),
    "no_signing_key": (503, "server_error"),
    "authentication_busy": (503, "server_error"),
    "unknown_environment": (404, "invalid_request"),
    "unknown_proxy": (400, "invalid_request"),
}
# These say unauthorized_client at issue and invalid_grant at refresh.
BY_GRANT = frozenset(("holder_undeployed", "holder_key_changed", "credential_inactive", "credential_expired"))
# Refusals of screens, commands and the management API; no OAuth answer.
MANAGEMENT_ONLY = frozenset(
    (
        # tokens
        "import_refused",
        "invalid_configuration",
        "invalid_legacy_verifier",
        "invalid_policy",
        "log_export_refused",
        "more_than_confirmed",
        "nobody_to_remind",
        "policy_exists",
        "plan_changed",
        "step_refused",
        "signing_key_state",
        "webhook_failed",
        "webhook_refused",
        # credentials
        "connection_closed",
        "connection_token_in_use",
        "connection_token_refused",
        "connection_token_revoked",
        "credential_archived",
        "credential_is_bound",
        "credential_not_deployed",
        "holder_has_key",
        "invalid_connection",
        "invalid_credential",
        "invalid_personal_token",
        "last_connection_token",
        "last_secret",
        "licence_ended",
        "mail_not_sent",
        "no_free_connection_slot",
        "no_free_secret_slot",
        "password_link_refused",
        "password_link_state",
        "seal_broken",
        "second_factor_state",
        "too_many_keys",
        "too_many_personal_tokens",
        "unusable_key",
        # proxies
        "archived",
        "idempotency_answer_not_kept",
        "idempotency_key_used",
        "unknown_job",
        "confirmation_missing",
        "invalid_name",
        "last_default_environment",
        "name_taken",
        "not_deployed",
    )
)
# Outside, these look like any failed client authentication.
HIDDEN = frozenset(("assertion_refused", "auth_method_not_allowed", "management_mismatch"))

_BASIC = 'Basic realm="latchkey"'
_BEARER = 'Bearer realm="latchkey", error="invalid_token"'
NO_STORE = (("Cache-Control", "no-store"), ("Pragma", "no-cache"))
JSON = ("Content-Type", "application/json")
_ENCODER = json.JSONEncoder(separators=(",", ":"))
# The library makes its quick encoder anew for each value, which takes longer than encoding an answer. Made once here; a
# Python that has none encodes in its own way.
_made: Any = getattr(json.encoder, "c_make_encoder", None)
_pieces = _made and _made(None, _ENCODER.default, encode_basestring_ascii, None, ":", ",", False, False, True)
_STATUS_LINES = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}


class Answer(NamedTuple):
    """Status, headers and body of an answer; `reason` is what metrics count a refusal under."""

    status: int
    body: bytes
    headers: list[tuple[str, str]]
    reason: str = ""

    @property
    def status_line(self) -> str:
        """`200 OK` and the like."""
        return _STATUS_LINES[self.status]


def _as_json(body: dict[str, Any]) -> str:
    return "".join(_pieces(body, 0)) if _pieces else _ENCODER.encode(body)


def answer(status: int, body: dict[str, Any] | None = None, *extra: tuple[str, str]) -> Answer:
    """A JSON answer, or an empty one, that no cache keeps."""
    content = b"" if body is None else _as_json(body).encode()
    headers = [*NO_STORE, ("Content-Length", str(len(content))), ("X-Content-Type-Options", "nosniff"), *extra]
    if content:
        headers.append(JSON)
    reason = "" if body is None or status < HTTPStatus.BAD_REQUEST else body.get("error_code") or body.get("error", "")
    return Answer(status, content, headers, reason)


def lookup(code: str, *, refreshing: bool) -> tuple[int, str]:
    """Status and OAuth error of a refusal."""
    if code in BY_GRANT:
        return 400, "invalid_grant" if refreshing else "unauthorized_client"
    return TABLE[code]


def plain(sentence: str) -> str:
    """A sentence in the characters that RFC 6749 section 5.2 allows; these also need no escape in JSON."""
    quoted = sentence.replace('"', "'")
    return "".join(mark if " " <= mark <= "~" and mark != "\\" else "?" for mark in quoted)


def refusal(error: Refusal, *, refreshing: bool = False, challenge: bool = False) -> Answer:
    """The RFC 6749 section 5.2 answer; with a Basic challenge where the client tried the header."""
    status, name = lookup(error.code, refreshing=refreshing)
    shown = "client_auth_failed" if error.code in HIDDEN else error.code
    body: dict[str, Any] = {"error": name, "error_description": plain(str(error))}
    if shown != name:
        body["error_code"] = shown
    extra: list[tuple[str, str]] = []
    if status == HTTPStatus.UNAUTHORIZED and challenge:
        extra.append(("WWW-Authenticate", _BEARER if name == "invalid_token" else _BASIC))
    if isinstance(error, RateLimited):
        extra.append(("Retry-After", str(error.retry_after)))
    return answer(status, body, *extra)


def method_not_allowed(allowed: str) -> Answer:
    """405 with the methods that there are."""
    body = {"error": "invalid_request", "error_description": f"Use {allowed}."}
    return answer(405, body, ("Allow", allowed))
