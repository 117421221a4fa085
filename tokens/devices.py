"""Which device is that? Browser and system as the user agent says, the address, and the id that the client gave itself.

What a caller writes about itself is shown to people: it is cut and has no control characters (B45).
"""

from functools import lru_cache
from typing import Any

import ua_parser

_LONGEST = 300
_PART = 60


@lru_cache(maxsize=2048)
def _parsed(user_agent: str) -> tuple[str, str, str]:
    found = ua_parser.parse(user_agent)
    browser = "" if found.user_agent is None else _joined(found.user_agent.family, found.user_agent.major)
    system = "" if found.os is None else _joined(found.os.family, found.os.major)
    device = "" if found.device is None else _joined(found.device.brand, found.device.model)
    return browser, system, device


def _joined(name: str | None, more: str | None) -> str:
    return " ".join(part for part in (name, more) if part)[:_PART]


def printable(value: str, length: int) -> str:
    """A stranger's text, cut, with a mark for each character that could forge a line or turn its direction."""
    return "".join(character if character.isprintable() else "\ufffd" for character in value[:length])


def describe(user_agent: str, address: str) -> dict[str, Any]:
    """Device info of a refresh key: `browser`, `system`, `device`, `address`, `user_agent`; empty ones are left out."""
    shown = printable(user_agent, _LONGEST)
    browser, system, device = _parsed(shown)
    told = {"browser": browser, "system": system, "device": device, "address": address, "user_agent": shown}
    return {name: value for name, value in told.items() if value}


def warm_up() -> None:
    """Build the tables of the parser now: the first login shall not wait for it."""
    _parsed("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0")
