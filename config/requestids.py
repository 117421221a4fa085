"""The id of a request: in its answer, in every line that is logged meanwhile, and in its row of the token log."""

import os
import re
from contextvars import ContextVar
from typing import Any

from credentials.secrets import PREFIXES

HEADER = "X-Request-ID"
_SANE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{5,63}", re.ASCII)
_current: ContextVar[str] = ContextVar("request_id", default="")


def current() -> str:
    """The id of the request that is worked on, or nothing."""
    return _current.get()


def _is_sane(given: str) -> bool:
    return _SANE.fullmatch(given) is not None and not given.startswith((*PREFIXES, "eyJ"))


def begin(environ: dict[str, Any]) -> str:
    """The id that came with the request where it is sane, or a new one; from now on it is in `environ` too."""
    given = environ.get("HTTP_X_REQUEST_ID")
    request_id = given if given and _is_sane(given) else os.urandom(10).hex()
    environ["HTTP_X_REQUEST_ID"] = request_id
    _current.set(request_id)
    return request_id
