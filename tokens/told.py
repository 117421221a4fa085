"""What a gateway tells of the API client's request. Pure; what can be read two ways tells nothing (B31, R31)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

MAXIMUM_URI = 8_190
MAXIMUM_METHOD = 32
IN_URL = "access_token"


@dataclass(frozen=True, slots=True)
class Told:
    """Method in capital letters, URI with its query, certificate; empty where the gateway says nothing."""

    method: str = ""
    uri: str = field(default="", repr=False)  # its query may hold a token, which no log may show (D22)
    is_trusted: bool = False
    certificate: str = ""  # the API client's own, which a token that is bound to one needs (RFC 8705)


NOTHING = Told()


def agreed(pairs: Iterable[tuple[str | None, str | None]]) -> tuple[str, str]:
    """The one method and URI that all pairs of headers tell, or nothing.

    Gateways use one pair; a second one that says something else was written by the API client.
    """
    told = {((method or "").upper(), uri or "") for method, uri in pairs if method is not None or uri is not None}
    if len(told) != 1:
        return "", ""
    method, uri = told.pop()
    # A part of a URI is another URI, and a part of a method another method.
    return method if len(method) <= MAXIMUM_METHOD else "", uri if len(uri) <= MAXIMUM_URI else ""


def tokens_in(uri: str) -> list[str]:
    """Every `access_token` of the URI's query (RFC 6750 section 2.3), by its plain name."""
    if IN_URL not in uri:
        return []
    query = uri.partition("#")[0].partition("?")[2]
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=1_000)
    except ValueError:
        return []
    return [value for name, value in pairs if name == IN_URL]
