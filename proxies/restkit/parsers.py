"""Reading the bodies of REST requests with suspicion."""

import json
import math
import re
from collections.abc import Mapping
from typing import Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser

BODY_LIMIT = 16_384
_ESCAPED_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


class SmallJSONParser(JSONParser):
    """JSON of a size that these doors can need: refused before it is read where it is larger.

    Stricter than Python: no NaN, no number without end such as 1e999999, no name twice, no half of a character, no
    nesting deeper than Python goes (B50).
    """

    limit = BODY_LIMIT

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:  # noqa: ARG002 - the framework's signature
        refuse_large((parser_context or {})["request"].META, self.limit)
        try:
            text = stream.read().decode()
            found = json.loads(
                text, parse_constant=_refuse_number, parse_float=_finite, object_pairs_hook=_each_name_once
            )
            if _ESCAPED_SURROGATE.search(text):
                _refuse_half_characters(found)
            return found
        except RecursionError as too_deep:
            raise ParseError("The body is nested too deeply.") from too_deep
        except ValueError as wrong:
            raise ParseError("The body is no JSON as RFC 8259 has it.") from wrong


class LargeJSONParser(SmallJSONParser):
    """For the few doors that take many rows at once."""

    limit = 262_144


def refuse_large(environ: Mapping[str, Any], limit: int = BODY_LIMIT) -> None:
    """Raises ParseError for a body that is said to be larger than the limit."""
    length = environ.get("CONTENT_LENGTH") or "0"
    if not length.isdecimal() or int(length) > limit:
        raise ParseError(f"The body is larger than {limit} bytes.")


def _refuse_half_characters(found: Any) -> None:
    """Raises ValueError for a half of a character that stands alone (RFC 8259 section 8.2): no answer could name it."""
    json.dumps(found, ensure_ascii=False).encode()


def _refuse_number(name: str) -> None:
    raise ValueError(name)


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(digits)
    return number


def _each_name_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found
