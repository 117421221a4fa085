"""All texts of the screens can be translated: none stands bare in a template, and none in the admin's Python."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib import admin

from proxies.adminkit import PortalAdmin
from tests.databases import PROJECT

TEMPLATES = sorted((PROJECT / "templates").rglob("*.html"))
SCREENS = sorted(
    each for floor in ("proxies", "credentials", "tokens") for each in (PROJECT / floor / "admin").glob("*.py")
)
# The product's name, and a page for programmers whose texts are another project's.
NAMES = {"Latchkey", "UTC"}
ELSEWHERE = {"drf_spectacular"}
BLOCKS = re.compile(
    r"{%\s*blocktranslate.*?{%\s*endblocktranslate\s*%}|{%\s*block bodyclass.*?endblock\s*%}", re.DOTALL
)
TAGS = re.compile(r"{%.*?%}|{{.*?}}|{#.*?#}", re.DOTALL)
SAID = re.compile(r"\b(?:aria-label|title|placeholder|alt)=\"([^\"]*)\"")
# What a screen shows of these is a text.
SHOWN = {"label", "help_text", "help", "milder", "description"}


def bare(text: str) -> Iterator[str]:
    """Words of a template that no tag translates."""
    without = TAGS.sub(" ", BLOCKS.sub(" ", text))
    yield from (words for words in SAID.findall(without) if re.search(r"[A-Za-z]{2}", words))
    rest = re.sub(r"<(script|style|svg)\b.*?</\1>|<[^>]*>|&\w+;", " ", without, flags=re.DOTALL)
    yield from (word for word in re.findall(r"[A-Za-z]{2,}", rest) if word not in NAMES)


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: str(path.relative_to(PROJECT / "templates")))
def test_no_text_stands_bare_in_a_template(template: Path) -> None:
    if ELSEWHERE & set(template.parts):
        return
    assert list(bare(template.read_text())) == []


def test_the_search_for_bare_texts_finds_them() -> None:
    assert list(bare('{% load i18n %}<p title="Say it">{{ name }} now</p>{% translate "fine" %}')) == ["Say it", "now"]
    assert list(bare("{% blocktranslate %}all fine{% endblocktranslate %}")) == []


@pytest.mark.parametrize("screen", SCREENS, ids=lambda path: str(path.relative_to(PROJECT)))
def test_no_label_or_help_of_a_form_or_act_is_bare(screen: Path) -> None:
    found = [
        f"{screen.name}:{each.value.lineno} {each.arg}={each.value.value!r}"
        for call in ast.walk(ast.parse(screen.read_text()))
        if isinstance(call, ast.Call)
        for each in call.keywords
        if each.arg in SHOWN and isinstance(each.value, ast.Constant) and isinstance(each.value.value, str)
        if re.search("[A-Za-z]{2}", each.value.value)
    ]
    assert found == []


def test_every_list_says_what_to_do_when_it_is_empty() -> None:
    quiet = {"user"}  # who looks is in it
    screens = [each for each in admin.site._registry.values() if isinstance(each, PortalAdmin)]
    assert len(screens) > 20
    assert [each.opts.model_name for each in screens if not each.empty_hint and each.opts.model_name not in quiet] == []
