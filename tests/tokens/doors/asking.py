"""Short ways to ask the doors, and what every answer of an OAuth endpoint must look like."""

from typing import Any

from tests.world import Answered, World, call
from tokens.lifecycle import Client
from tokens.models import TokenRequestLog

TOKEN, REVOKE, INTROSPECT, VERIFY = "/oauth2/token", "/oauth2/revoke", "/oauth2/introspect", "/auth/verify"
REGISTERED = {
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
    "invalid_target",  # RFC 8707
    "invalid_token",  # RFC 6750, for a gateway's connection token
    "invalid_credentials",  # D38, of the login, which is no endpoint of OAuth
    "temporarily_unavailable",
    "server_error",
}


def ask_token(client: Client | None, path: str = TOKEN, *, more: dict[str, Any] | None = None, **form: str) -> Answered:
    return call(path, {"grant_type": "client_credentials", **form}, client=client, **more or {})


def ask_refresh(client: Client | None, raw: str, path: str = TOKEN, **form: str) -> Answered:
    return call(path, {"grant_type": "refresh_token", "refresh_token": raw, **form}, client=client)


def verify(raw: str | None, proxy: str | None = "orders", path: str = VERIFY, **environ: Any) -> Answered:
    if raw is not None:
        environ.setdefault("HTTP_AUTHORIZATION", f"Bearer {raw}")
    if proxy is not None:
        environ.setdefault("HTTP_X_PROXY", proxy)
    environ.setdefault("method", "GET")
    return call(path, **environ)


def rows() -> int:
    return TokenRequestLog.objects.count()


def last_row() -> TokenRequestLog:
    return TokenRequestLog.objects.order_by("-id")[0]


def tokens_of(world: World) -> tuple[Client, str, str]:
    """The client of `orders`, an access token and a refresh token, all by the door."""
    client = world.key_of(world.orders)
    granted = ask_token(client)
    assert granted.status == 200, granted.body
    return client, granted.json["access_token"], granted.json["refresh_token"]


def check_error(answered: Answered, status: int, error: str, error_code: str | None) -> None:
    """Status, error and error_code exactly, and the form of RFC 6749 section 5.2."""
    body = answered.json
    assert (answered.status, body["error"], body.get("error_code")) == (status, error, error_code), body
    assert error in REGISTERED
    assert set(body) <= {"error", "error_description", "error_code"}
    # %x20-21 / %x23-5B / %x5D-7E
    assert all(" " <= mark <= "~" and mark not in '"\\' for mark in body["error_description"])
    check_headers(answered)


def check_headers(answered: Answered) -> None:
    assert answered.headers["Cache-Control"] == "no-store"
    assert answered.headers["Pragma"] == "no-cache"
    assert answered.headers["Content-Length"] == str(len(answered.body))
    assert "Set-Cookie" not in answered.headers
    if answered.body:
        assert answered.headers["Content-Type"] == "application/json"
