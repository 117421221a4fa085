"""Do given values fit the columns they are meant for? Asked by every writer before it writes."""

import unicodedata
from collections.abc import Collection, Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import CharField, Field, Model
from django.utils.translation import gettext_noop

from proxies.sentences import Sentence

# Control characters, halves of surrogate pairs, and separators of lines and paragraphs.
_UNSHOWABLE = ("Cc", "Cs", "Zl", "Zp")


def why_unfit(model: type[Model], values: Mapping[str, Any], allowed: Collection[str]) -> Sentence | None:
    """A sentence about the first value that the model cannot keep, or None.

    Databases differ in what they refuse (SQLite keeps a text of any length, PostgreSQL no NUL); here both agree.
    """
    for name, value in values.items():
        field = model._meta.get_field(name) if name in allowed else None
        if not isinstance(field, Field):
            return Sentence(gettext_noop("This cannot be set: {name}."), name=name[:60])
        if isinstance(value, str) and not _showable(value, one_line=isinstance(field, CharField)):
            return Sentence(
                gettext_noop("The value for {name} has characters that cannot be kept or shown."),
                name=field.verbose_name,
            )
        try:
            field.clean(value, None)
        except ValidationError as unfit:
            return Sentence(
                gettext_noop("The value for {name} does not fit: {why}"),
                name=field.verbose_name,
                why=" ".join(unfit.messages),
            )
    return None


def _showable(value: str, *, one_line: bool) -> bool:
    """True for what a person can read on a page, and type again to confirm (D12); a long text may have lines."""
    if one_line and value != value.strip():
        return False
    kept = value if one_line else value.replace("\n", " ").replace("\r", " ").replace("\t", " ")
    return all(unicodedata.category(character) not in _UNSHOWABLE for character in kept)
