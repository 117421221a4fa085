"""Do given values fit the columns they are meant for? Asked by every writer before it writes."""

from collections.abc import Collection, Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Field, Model


def why_unfit(model: type[Model], values: Mapping[str, Any], allowed: Collection[str]) -> str | None:
    """A sentence about the first value that the model cannot keep, or None.

    Databases differ in what they refuse (SQLite keeps a text of any length, PostgreSQL no NUL); here both agree.
    """
    for name, value in values.items():
        field = model._meta.get_field(name) if name in allowed else None
        if not isinstance(field, Field):
            return f"This cannot be set: {name[:60]}."
        if isinstance(value, str) and "\x00" in value:
            return f"The value for {field.verbose_name} has characters that cannot be kept."
        try:
            field.clean(value, None)
        except ValidationError as unfit:
            return f"The value for {field.verbose_name} does not fit: {' '.join(unfit.messages)}"
    return None
