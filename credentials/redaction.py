"""Taking secrets out of what is written down. Pure: values in, values out.

One list of what a secret looks like, for log lines and for the free texts of the request log. Where it can't be told
whether a word is a secret, it is taken for one: a log that says too little is the smaller harm.
"""

import dataclasses
import re
from collections.abc import Callable, Mapping
from typing import Any

from credentials.secrets import PREFIXES

GONE = "[redacted]"
_DEEPEST = 12
Instead = str | Callable[[re.Match[str]], str]

# Names of fields whose value is a secret; each _ stands for _, -, a space or nothing.
_NAMES = (
    "password|passwd|passphrase|pwd|secret|client_secret|secret_key|token|access_token|refresh_token|id_token"
    "|subject_token|jwt|assertion|client_assertion|authorization|api_key|private_key|token_hash_key"
    "|key_encryption_key|csrfmiddlewaretoken|csrf|session|session_id|cookie|otp|pin|recovery_code"
).replace("_", "[-_ ]?")
# Words may stand before it (HTTP_AUTHORIZATION, latchkey_session), none after it (token_type, session_age).
_SECRET_NAME = re.compile(rf"(?:.*[^a-z])?(?:{_NAMES})s?", re.IGNORECASE | re.DOTALL)
# A number under one of these is a secret too; under the others it is a count.
_SECRET_NUMBER = re.compile(r"(?:.*[^a-z])?(?:password|passwd|pwd|secret|otp|pin)", re.IGNORECASE | re.DOTALL)
# In a text: not the end of another word, and not the error code invalid_token.
_NAMED = rf"(?<![a-z])(?<!invalid_)(?:{_NAMES})"
_QUOTE = r"""\\*["']"""
_IS = r"\s*(?:=>|[=:]|%3D|%3A)\s*"
_CLOSED = r"""(?=[\s,;&)}\]"'\\]|\Z)"""
_NOT_YET = r"(?!\[redacted)"


def _after_start(found: re.Match[str]) -> str:
    return f"{found['start']}{GONE}"


def _pattern(text: str, instead: Instead = _after_start) -> tuple[re.Pattern[str], Instead]:
    return re.compile(text, re.IGNORECASE | re.DOTALL), instead


# What is ours and what is a JWT: whatever follows a prefix is gone, well-formed or not; eyJ is the base64url of '{"'.
_OWN = re.compile(rf"({'|'.join(map(re.escape, PREFIXES))})[0-9A-Za-z_.~+/=%-]+")
# The secrets of webhooks, in the form that the Standard Webhooks specification gives them.
_WEBHOOK = re.compile(r"(whsec_)[0-9A-Za-z+/=_-]+")
_JWT = re.compile(r"(?<![A-Za-z0-9])eyJ[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_.-]*")
# Each pattern and what stands in its place. The order matters: what is longest comes first.
_PATTERNS: tuple[tuple[re.Pattern[str], Instead], ...] = (
    # PEM, with real or with escaped line ends, whole or cut off.
    _pattern(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----.*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|\Z)", GONE),
    (_OWN, rf"\1{GONE}"),
    (_WEBHOOK, rf"\1{GONE}"),
    (_JWT, GONE),
    # https://name:password@host, where a password may have an @ or a / in it.
    _pattern(r"(?P<start>\b[a-z][a-z0-9+.-]*://[^\s/:@\"']*:)[^\s\"']*@", lambda found: f"{found['start']}{GONE}@"),
    # name="value", 'name': 'value', {\"name\": \"value\"}: up to the closing quote, which is one that something closes
    # after it; where there is none, to the end.
    _pattern(
        rf"(?P<start>{_NAMED}s?(?:{_QUOTE})?{_IS}[bru]?(?P<quote>{_QUOTE}))"
        rf"(?:(?!(?P=quote){_CLOSED})(?:\\.|.))*(?P<end>(?P=quote)|\Z)",
        lambda found: f"{found['start']}{GONE}{found['end']}",
    ),
    # Whole header lines: any scheme, any cookie.
    _pattern(rf"(?P<start>(?<![a-z])(?:(?:proxy-)?authorization|(?:set-)?cookie){_IS}){_NOT_YET}[^\r\n]+"),
    # Basic dXNlcjpw without the name of its header.
    _pattern(rf"(?P<start>\b(?:Basic|Bearer|DPoP|Negotiate)(?:\s+|%20|\+)){_NOT_YET}[A-Za-z0-9._~+/%=:-]{{3,}}"),
    # name=value, name: value, name%3Dvalue.
    _pattern(rf"(?P<start>{_NAMED}s?{_IS}){_NOT_YET}[^\s\"'&,;)}}\]]+"),
)


def redact(text: str) -> str:
    """The text without what opens anything."""
    for pattern, instead in _PATTERNS:
        text = pattern.sub(instead, text)
    return text


def redact_tokens(text: str) -> str:
    """The text without our own secrets and without JWTs: quick, for what a caller may have put into the wrong field."""
    if "lk_" in text:
        text = _OWN.sub(rf"\1{GONE}", text)
    return _JWT.sub(GONE, text) if "eyJ" in text else text


def names_a_secret(name: str) -> bool:
    """True where a field of this name holds a secret, whatever its value looks like."""
    return _SECRET_NAME.fullmatch(name) is not None


def redact_value(value: Any, *, depth: int = 0) -> Any:
    """The same for a value of any kind, all the way down; what is not data becomes its redacted text."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return redact(bytes(value).decode("utf-8", "backslashreplace"))
    if depth >= _DEEPEST:
        return GONE
    if isinstance(value, Mapping):
        return {redact(str(name)): _named(str(name), inner, depth + 1) for name, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [redact_value(inner, depth=depth + 1) for inner in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = dataclasses.fields(value)
        return {each.name: _named(each.name, getattr(value, each.name, None), depth + 1) for each in fields}
    return redact(_text(value))


def _named(name: str, value: Any, depth: int) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return GONE if _SECRET_NUMBER.fullmatch(name) else value
    return GONE if names_a_secret(name) else redact_value(value, depth=depth)


def _text(value: object) -> str:
    try:
        return repr(value)
    except Exception:  # noqa: BLE001 - a value that can't be shown must not break the line that names it
        return f"<{type(value).__name__}>"
