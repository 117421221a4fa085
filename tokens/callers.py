"""Where a request came from, for the log: one reading for plain doors, REST and screens."""

from collections.abc import Mapping
from typing import Any

from credentials import addresses
from tokens.lifecycle import Request


def request_facts(environ: Mapping[str, Any], *, actor: str = "") -> Request:
    """Address, user agent and request id of a WSGI environ; `actor` is the person of a screen or command."""
    return Request(
        address=addresses.caller(environ),
        user_agent=str(environ.get("HTTP_USER_AGENT", "")),
        request_id=str(environ.get("HTTP_X_REQUEST_ID", "")),
        actor=actor,
    )
