"""Which scopes a method and path need (S0.2). Pure; a path that can be read two ways is refused."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import unquote_to_bytes, urlsplit

from tokens.scope_rules import covers, scope_set

# Servers differ on all of these: an encoded slash or backslash, a second encoding, parameters, empty and dot segments.
_TWO_WAYS = re.compile(r"[\x00-\x1f\x7f\\;%]|//|/\.\.?(?:/|$)")
_ENCODED_SLASH = re.compile(r"%(?:2f|5c)", re.IGNORECASE)


class PathRule(NamedTuple):
    """An empty method means every one. In the pattern `*` is one segment and `**` any number of them."""

    method: str
    pattern: str
    scopes: str
    match: str


def plain_path(uri: str) -> str | None:
    """The one path a forwarded URI can mean, without query and last slash; None where servers could differ (B31)."""
    target = uri.split("?", 1)[0].split("#", 1)[0]
    if "://" in target[:10]:
        target = urlsplit(target).path or "/"
    if not target.startswith("/") or _ENCODED_SLASH.search(target):
        return None
    try:
        path = unquote_to_bytes(target).decode("utf-8")
    except UnicodeDecodeError:
        return None
    if _TWO_WAYS.search(path):
        return None
    return path.rstrip("/") or "/"


def speaks_of(named: str, method: str) -> bool:
    """True where what is said of one method holds for the other: HEAD does what GET does (RFC 9110 section 9.3.2)."""
    return named == method or (named == "GET" and method == "HEAD")


def applies(rule: PathRule, method: str, path: str) -> bool:
    """True where the rule speaks of this method and path."""
    if rule.method and not speaks_of(rule.method, method):
        return False
    parts = rule.pattern.rstrip("/").split("/")[1:]
    expression = "".join(_SEGMENTS.get(part, f"/{re.escape(part)}") for part in parts)
    return re.fullmatch(expression, path.rstrip("/")) is not None


_SEGMENTS = {"*": "/[^/]+", "**": "(?:/[^/]+)*"}


def unsatisfied(rules: Iterable[PathRule], held: frozenset[str], *, method: str, uri: str) -> list[PathRule] | None:
    """The rules that apply and that the held scopes do not satisfy; None for a path or method that nobody told."""
    path = plain_path(uri)
    if path is None or not method:
        return None
    applying = [rule for rule in rules if applies(rule, method, path)]
    return [rule for rule in applying if not covers(held, scope_set(rule.scopes), rule.match)]
