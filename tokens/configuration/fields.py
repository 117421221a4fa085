"""Readers of single values: each takes a value, where it stands, and a list for what is wrong with it."""

import difflib
import ipaddress
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, time
from typing import Any

from django.db.models import Model

from credentials import public_keys
from credentials.errors import CredentialError, UnusableKey
from proxies.errors import ProxyError
from proxies.values import why_unfit

MOST_PROBLEMS = 20
LONGEST_LIST = 10_000
_REFUSALS = (ProxyError, CredentialError, ValueError)


class Problems:
    """What is wrong, each with its path. Past the twentieth nobody reads on."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def add(self, path: str, sentence: str) -> None:
        """One more."""
        if len(self.found) < MOST_PROBLEMS:
            self.found.append(f"{path}: {sentence}" if path else sentence)


Reader = Callable[[Any, str, Problems], Any]
Fields = Mapping[str, Reader]


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A suggestion for a misspelt word, or nothing."""
    close = difflib.get_close_matches(word, list(known), n=1)
    return f" Did you mean {close[0]}?" if close else ""


def text(model: type[Model], name: str, check: Callable[[str], Any] = str) -> Reader:
    """A text that the model's column can keep; `check` raises for one that cannot be."""

    def read(value: Any, path: str, problems: Problems) -> Any:
        if not isinstance(value, str):
            problems.add(path, "must be text; put it in quotes.")
        elif because := why_unfit(model, {name: value}, (name,)):
            problems.add(path, because)
        else:
            _try(check, value, path, problems)
        return value

    return read


def _try(check: Callable[[str], Any], word: str, path: str, problems: Problems) -> None:
    try:
        check(word)
    except _REFUSALS as wrong:
        problems.add(path, str(wrong))


def choice(*words: str) -> Reader:
    """One of these words."""

    def read(value: Any, path: str, problems: Problems) -> Any:
        if not isinstance(value, str) or value not in words:
            problems.add(path, f"must be one of {', '.join(words)}.{did_you_mean(str(value)[:60], words)}")
        return value

    return read


def choice_of(*known: str) -> Callable[[str], None]:
    """A check for one word of a list. Raises ValueError."""

    def check(word: str) -> None:
        if word not in known:
            raise ValueError(f"{word[:60]!r} is none of {', '.join(known)}.{did_you_mean(word, known)}")

    return check


def flag(value: Any, path: str, problems: Problems) -> Any:
    """True or false."""
    if not isinstance(value, bool):
        problems.add(path, "must be true or false.")
    return value


def number(least: int, most: int, *, optional: bool = False) -> Reader:
    """A whole number, or null where that means something."""

    def read(value: Any, path: str, problems: Problems) -> Any:
        if value is None and optional:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            problems.add(path, f"must be a whole number from {least} to {most}{', or null' if optional else ''}.")
        return value

    return read


def day(value: Any, path: str, problems: Problems) -> Any:
    """A date as 2027-01-31, or null."""
    if value is None or (isinstance(value, date) and not isinstance(value, datetime)):
        return value
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        problems.add(path, "must be a date such as 2027-01-31, or null.")
        return None


def moment(value: Any, path: str, problems: Problems) -> Any:
    """A time in ISO 8601, in UTC where it names no zone, or null."""
    if value is None:
        return None
    try:
        if isinstance(value, date) and not isinstance(value, datetime):
            return datetime.combine(value, time(), UTC)
        found = value if isinstance(value, datetime) else datetime.fromisoformat(value)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        problems.add(path, "must be a time such as 2027-01-31T00:00:00Z, or null.")
        return None


def words(check: Callable[[str], Any] = str) -> Reader:
    """A list of words, each once; `check` raises for one that cannot be."""

    def read(value: Any, path: str, problems: Problems) -> Any:
        found = _list(value, path, problems)
        if not all(isinstance(word, str) and word.split() == [word] for word in found):
            problems.add(path, "must be a list of words, each without spaces; put what looks like a number in quotes.")
            return []
        if len(set(found)) != len(found):
            problems.add(path, "names something twice.")
        for word in found:
            _try(check, word, path, problems)
        return found

    return read


def address(word: str) -> None:
    """An address or network. Raises ValueError."""
    try:
        ipaddress.ip_network(word, strict=False)
    except ValueError as broken:
        raise ValueError(f"{word[:60]!r} is no address or network.") from broken


def pem(value: Any, path: str, problems: Problems) -> Any:
    """One public key or certificate in PEM, as it is kept."""
    if not isinstance(value, str):
        problems.add(path, "must be text: a public key or certificate in PEM.")
        return value
    try:
        found = public_keys.read(value)
    except UnusableKey as unusable:
        problems.add(path, str(unusable))
        return value
    if len(found) > 1:
        problems.add(path, "one key or certificate at a time.")
    return found[0].certificate or found[0].public_key


def ports(value: Any, path: str, problems: Problems) -> Any:
    """A list of port numbers."""
    found = _list(value, path, problems)
    for each in found:
        number(1, 65535)(each, path, problems)
    return found


def listing(one: Reader) -> Reader:
    """A list of which each is read alike."""

    def read(value: Any, path: str, problems: Problems) -> Any:
        found = _list(value, path, problems)
        return [one(each, f"{path}[{index}]", problems) for index, each in enumerate(found, start=1)]

    return read


def mapping(fields: Fields, *, needed: Iterable[str] = ()) -> Reader:
    """A mapping of known keys; an unknown one is refused with a suggestion."""

    def read(value: Any, path: str, problems: Problems) -> Any:
        if not isinstance(value, dict):
            problems.add(path, f"must be a mapping with keys such as {', '.join(list(fields)[:3])}.")
            return {}
        for name in needed:
            if name not in value:
                problems.add(path, f"{name} is missing.")
        found = {}
        for name, given in value.items():
            below = f"{path}.{name}" if path else str(name)
            if name not in fields:
                problems.add(below[:200], f"there is no such key.{did_you_mean(str(name)[:60], fields)}")
            else:
                found[name] = fields[name](given, below, problems)
        return found

    return read


def entries(check_name: Callable[[str], Any], one: Reader) -> Reader:
    """A mapping from names to things that are each read alike. Nothing after a name is an empty mapping."""

    def read(value: Any, path: str, problems: Problems) -> Any:
        if not isinstance(value, dict):
            problems.add(path, "must be a mapping from names.")
            return {}
        found = {}
        for name, given in value.items():
            below = f"{path}.{name}"[:200]
            _try(check_name, name, below, problems)
            found[name] = one({} if given is None else given, below, problems)
        return found

    return read


def _list(value: Any, path: str, problems: Problems) -> list[Any]:
    if not isinstance(value, list):
        problems.add(path, "must be a list.")
        return []
    if len(value) > LONGEST_LIST:
        problems.add(path, f"has more than {LONGEST_LIST} entries.")
        return []
    return value
