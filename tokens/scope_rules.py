"""The arithmetic of scopes: what is defined, granted, asked for, held and needed. Pure: values in, values out.

The same few texts come with every request, so that what they mean is remembered; of what callers send only short ones.
"""

from functools import lru_cache

DEFAULT_SCOPE = "access"
_REMEMBERED_LENGTH = 200


def scope_set(text: str) -> frozenset[str]:
    """The scopes of a space-delimited text."""
    return _short_set(text) if len(text) <= _REMEMBERED_LENGTH else frozenset(text.split())


@lru_cache(maxsize=1024)
def _short_set(text: str) -> frozenset[str]:
    return frozenset(text.split())


def defined_scopes(text: str) -> frozenset[str]:
    """What a proxy or group defines; the one scope `access` where it defines nothing (D39)."""
    return scope_set(text) or frozenset((DEFAULT_SCOPE,))


@lru_cache(maxsize=1024)
def granted_scopes(defined: str, granted: str) -> frozenset[str]:
    """What may be had for a target: its scopes, narrowed by the grant's where the grant names any."""
    offered = defined_scopes(defined)
    return offered & scope_set(granted) if granted.split() else offered


def requested_scopes(asked: str | None, available: frozenset[str]) -> frozenset[str] | None:
    """What a request gets: all where it asks for nothing; None where it asks for more than there is (D39)."""
    wanted = scope_set(asked or "")
    if not wanted:
        return available or None
    return wanted if wanted <= available else None


def covers(held: frozenset[str], required: frozenset[str], match: str = "all") -> bool:
    """True where the held scopes satisfy the required ones, all or any of them."""
    if not required:
        return True
    return bool(held & required) if match == "any" else required <= held


def scope_text(scopes: frozenset[str]) -> str:
    """Space-delimited and in a stable order."""
    return _short_text(scopes) if sum(map(len, scopes)) <= _REMEMBERED_LENGTH else " ".join(sorted(scopes))


@lru_cache(maxsize=1024)
def _short_text(scopes: frozenset[str]) -> str:
    return " ".join(sorted(scopes))
