"""Sentences for people that are English wherever programs read them, and in the viewer's language on a screen.

The core writes them marked with `gettext_noop`, so that catalogues have them; they stay plain text. A screen, and
nothing else, asks for the translation.
"""

from typing import Any, Self

from django.utils.translation import gettext


class Sentence(str):
    """An English sentence that remembers its pattern and the values in it."""

    __slots__ = ("pattern", "values")
    pattern: str
    values: dict[str, Any]

    def __new__(cls, pattern: str, **values: Any) -> Self:
        made = super().__new__(cls, pattern.format(**values))
        made.pattern, made.values = pattern, values
        return made


def translated(sentence: str | Exception) -> str:
    """The sentence, or that of a refusal, in the language of whoever looks. One that no catalogue knows stays."""
    if isinstance(sentence, Exception):
        sentence = sentence.args[0] if sentence.args else ""
    if not isinstance(sentence, Sentence):
        return gettext(str(sentence))
    values = {name: translated(each) if isinstance(each, Sentence) else each for name, each in sentence.values.items()}
    return gettext(sentence.pattern).format(**values)


def kept(sentence: str) -> dict[str, Any]:
    """A sentence as JSON can hold it. Its values must be plain."""
    return (
        {"pattern": sentence.pattern, "values": sentence.values}
        if isinstance(sentence, Sentence)
        else {"pattern": sentence}
    )


def of_kept(found: Any) -> str:
    """The sentence of what was kept; a plain text, as earlier releases kept it, is one."""
    return Sentence(found["pattern"], **found.get("values", {})) if isinstance(found, dict) else str(found)
