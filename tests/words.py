"""A language that shows what was translated: each text of the catalogue stands in ⟦ ⟧, so whatever stands bare was not.

It needs no compiled catalogue: the object that Django asks for translations is put in place of a real language's.
"""

import ast
import re
from collections.abc import Iterable, Iterator
from gettext import NullTranslations
from html.parser import HTMLParser
from typing import Any

from django.utils.translation import templatize
from django.utils.translation.trans_real import DjangoTranslation

from tests.databases import PROJECT

# Django knows the language, and has no formats of its own for its dates, which may hold words.
LANGUAGE = "tt"
_CONTEXT = "\x04"
_SAID = ("title", "aria-label", "placeholder", "alt", "data-label", "data-said")
# What is in these is written for machines, or is a value of one.
_QUIET = {"script", "style", "code", "pre", "kbd"}
_EMPTY = {"input", "br", "hr", "img", "link", "meta", "path", "rect", "line", "circle", "use"}
_MARKS = {"_", "gettext", "gettext_lazy", "gettext_noop", "ngettext", "ngettext_lazy"}
_CALL = re.compile(r"(?:n?p?gettext|\b_)\((.*?)\)(?: |$)", re.DOTALL)
_TEXT = re.compile(r"""u?'(?:[^'\\]|\\.)*'|u?"(?:[^"\\]|\\.)*\"""")
_HASH = re.compile(r"\b[0-9a-f]{8,}\b")
_WORD = re.compile(r"[^\W\d_]{2,}")


class Marked(NullTranslations):
    """Every text in brackets; `asked` is what was to be translated."""

    domain = "django"
    plural: Any = staticmethod(lambda number: int(number != 1))

    def __init__(self) -> None:
        super().__init__()
        self.asked: set[str] = set()

    def gettext(self, message: str) -> str:
        self.asked.add(message.rpartition(_CONTEXT)[2])
        return f"⟦{message.rpartition(_CONTEXT)[2]}⟧" if message else message

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        self.asked.add(msgid1)  # what a catalogue has both by
        return f"⟦{msgid1 if n == 1 else msgid2}⟧"

    def language(self) -> str:
        return LANGUAGE

    def to_language(self) -> str:
        return LANGUAGE


def in_catalogues() -> set[str]:
    """What `makemessages` finds in our sources, and what Django has words for itself."""
    return _of_python() | _of_templates() | {each.rpartition(_CONTEXT)[2] for each in _of_django()}


def _of_django() -> Iterator[str]:
    for each in DjangoTranslation("de")._catalog.keys():  # type: ignore[attr-defined]  # noqa: SIM118
        yield each[0] if isinstance(each, tuple) else each


def _of_python() -> set[str]:
    found = set()
    for floor in ("config", "proxies", "credentials", "tokens"):
        for source in (PROJECT / floor).rglob("*.py"):
            for call in ast.walk(ast.parse(source.read_text())):
                if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in _MARKS:
                    found |= {each.value for each in call.args if isinstance(each, ast.Constant)}
    return {each for each in found if isinstance(each, str)}


def _of_templates() -> set[str]:
    """`templatize` turns a template into calls that look like those of Python."""
    found: set[str] = set()
    for folder in (PROJECT / "templates", PROJECT / "tokens" / "templates"):
        for template in folder.rglob("*.html"):
            for call in _CALL.findall(templatize(template.read_text())):
                found |= {ast.literal_eval(each.removeprefix("u")) for each in _TEXT.findall(call)}
    return found


class _Texts(HTMLParser):
    """Visible texts and what assistive technology reads, with where each stands."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.found += [(f"{tag}[{name}]", given[name] or "") for name in _SAID if name in given]
        if tag == "input" and given.get("type") in ("submit", "button"):
            self.found.append(("input[value]", given.get("value") or ""))
        if tag not in _EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _EMPTY:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag in self.open:
            while self.open.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if data.strip() and not _QUIET & set(self.open):
            self.found.append((self.open[-1] if self.open else "", data.strip()))


def bare(page: str, data: Iterable[str]) -> Iterator[str]:
    """What a page says that is neither translated nor one of the values of `data`."""
    texts = _Texts()
    texts.feed(page)
    texts.close()
    values = re.compile("|".join(rf"(?<!\w){re.escape(each)}(?!\w)" for each in sorted(data, key=len, reverse=True)))
    for place, text in texts.found:
        if text.startswith("{") and text.endswith("}"):
            continue  # JSON
        rest = _HASH.sub(" ", values.sub(" ", _without_translated(text)))
        if _WORD.search(rest):
            yield f"<{place}> {text[:160]}"


def _without_translated(text: str) -> str:
    """What is in brackets goes, from the innermost outwards: a sentence may hold another."""
    while (shorter := re.sub(r"⟦[^⟦⟧]*⟧", " ", text)) != text:
        text = shorter
    return text
