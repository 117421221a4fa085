"""Plain WSGI doors outside Django's request stack: token, revoke, introspect, verify, metadata, keys.

No middleware, session, cookie or Host check stands before them. Each parses, calls one core function, renders.
"""

import logging
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tokens import metrics
from tokens.doors import introspect, metadata, monitoring, revoke, token, verify
from tokens.doors.answers import Answer, refusal
from tokens.errors import StorageAway

logger = logging.getLogger(__name__)

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Door = Callable[[Environ, str, str], Answer]

# The part after an optional /env/<slug>. Every door gets the environ, the environment's slug and what follows its path.
_DOORS: dict[str, Door] = {
    "/oauth2/token": token.door,
    "/oauth2/revoke": revoke.door,
    "/oauth2/introspect": introspect.door,
    "/auth/verify": verify.door,
    "/.well-known/oauth-authorization-server": metadata.server,
    "/.well-known/openid-configuration": metadata.server,
    "/.well-known/jwks.json": metadata.keys,
}
# What metrics call them.
_NAMES: dict[Door, str] = {
    door: door.__module__.rpartition(".")[2] for door in (*_DOORS.values(), *monitoring.DOORS.values())
}
_ENVIRONMENT = re.compile(r"/env/([a-z0-9][a-z0-9-]{0,49})(/.*)", re.DOTALL)
# RFC 8414 section 3: the well-known part comes before the issuer's path.
_WELL_KNOWN_FIRST = re.compile(r"(/\.well-known/(?:oauth-authorization-server|openid-configuration))/env/([a-z0-9-]+)")


Found = tuple[Door, str, str]


def find(path: str) -> Found | None:
    """The door of a path with its environment ('' for the default) and the rest, or None where Django answers."""
    door = _DOORS.get(path)
    if door is not None:
        return door, "", ""
    environment = ""
    if path.startswith("/env/") and (match := _ENVIRONMENT.fullmatch(path)):
        environment, path = match[1], match[2]
    elif path.startswith("/.well-known/") and (match := _WELL_KNOWN_FIRST.fullmatch(path)):
        path, environment = match[1], match[2]
    if path.startswith("/auth/verify/"):
        return verify.door, environment, path[len("/auth/verify/") :]
    door = _DOORS.get(path)
    return None if door is None else (door, environment, "")


def find_for(path: str, environ: Mapping[str, Any]) -> Found | None:
    """The door of a path for this caller: those of monitoring are not there for everybody."""
    found = find(path)
    if found is None and monitoring.is_for(path, environ):
        return monitoring.DOORS[path], "", ""
    return found


def serve(found: Found, environ: Environ, start_response: StartResponse, *more: tuple[str, str]) -> Iterable[bytes]:
    """Answer through a door, with `more` headers; what goes wrong inside is an answer too, never a page (R39, I13)."""
    door, environment, rest = found
    started = metrics.now()
    try:
        answer = door(environ, environment, rest)
    except Exception:
        logger.exception("a door failed before it could judge")
        answer = refusal(StorageAway())
    metrics.answered(_NAMES[door], answer.status, answer.reason, metrics.now() - started)
    start_response(answer.status_line, [*answer.headers, *more])
    return [] if environ.get("REQUEST_METHOD") == "HEAD" else [answer.body]
