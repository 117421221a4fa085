"""Reading the bodies of REST requests with suspicion."""

from typing import Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser

BODY_LIMIT = 16_384


class SmallJSONParser(JSONParser):
    """JSON of a size that these doors can need, read before nothing larger and nested no deeper than Python goes."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        length = (parser_context or {})["request"].META.get("CONTENT_LENGTH") or "0"
        if not length.isdecimal() or int(length) > BODY_LIMIT:
            raise ParseError(f"The body is larger than {BODY_LIMIT} bytes.")
        try:
            return super().parse(stream, media_type, parser_context)
        except RecursionError as too_deep:
            raise ParseError("The body is nested too deeply.") from too_deep
