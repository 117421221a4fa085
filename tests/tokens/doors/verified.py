"""What every answer of the verify door looks like."""

from typing import Any

from tests.world import Answered

IDENTITY = ("X-Token-Subject", "X-Token-Client", "X-Token-Scopes", "X-Token-Id")


class Unreadable:
    """A body that must never be asked for."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError("the body was read")


UNREADABLE: dict[str, Any] = {"wsgi.input": Unreadable()}


def check_form(answered: Answered) -> None:
    """What holds for every answer of this door."""
    assert answered.status in {200, 400, 401, 403, 503}
    assert answered.headers["Cache-Control"] == "no-store"
    assert answered.headers["Content-Length"] == str(len(answered.body))
    assert {"Set-Cookie", "Location", "Vary"}.isdisjoint(answered.headers)
    assert len(answered.body) < 300
    for name, value in answered.headers.items():
        assert all(" " <= mark <= "~" for mark in value), name
    if answered.status != 200:
        assert set(IDENTITY).isdisjoint(answered.headers)


def check_good(answered: Answered) -> None:
    check_form(answered)
    assert (answered.status, answered.body) == (200, b""), answered.body
    assert "WWW-Authenticate" not in answered.headers
    assert all(answered.headers[name] for name in IDENTITY)


def check_invalid(answered: Answered, error_code: str) -> None:
    check_form(answered)
    assert (answered.status, answered.json) == (401, {"error": "invalid_token", "error_code": error_code})
    assert answered.headers["WWW-Authenticate"] == 'Bearer realm="latchkey", error="invalid_token"'


def check_gateway_fault(answered: Answered) -> None:
    check_form(answered)
    assert (answered.status, answered.json["error"]) == (400, "invalid_request")
    assert "WWW-Authenticate" not in answered.headers
