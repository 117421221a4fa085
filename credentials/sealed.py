"""Which columns hold sealed values, and sealing them again with the newest key.

Each floor names its own columns from its AppConfig, so that this module never looks up.
"""

from collections.abc import Callable, Iterator
from itertools import groupby
from typing import Any, NamedTuple

from django.conf import settings
from django.db import models, transaction

from credentials import secrets
from credentials.errors import SealBroken

Row = Any
Context = Callable[[Row], str]


class SealedColumn(NamedTuple):
    """One column of sealed values; `context` names table, row and column of a row, as given to `secrets.seal`."""

    model: type[models.Model]
    column: str
    context: Context


class Progress(NamedTuple):
    """How far a column has come."""

    column: str
    done: int
    total: int


_columns: list[SealedColumn] = []


def register(model: type[models.Model], column: str, context: Context) -> None:
    """Name a column of sealed values. Naming it twice is the same as once."""
    if not any(known.model is model and known.column == column for known in _columns):
        _columns.append(SealedColumn(model, column, context))


def columns() -> tuple[SealedColumn, ...]:
    """Every column of sealed values of the installation."""
    return tuple(_columns)


def unreadable() -> list[str]:
    """Sentences about values that cannot be opened. One value is tried for each key that has sealed something."""
    return [sentence for column in _columns for sentence in _unreadable(column)]


def _unreadable(column: SealedColumn) -> Iterator[str]:
    """Only the first bytes of each value are read; a whole one is opened for each key id found there."""
    for key_id, key in sorted(_samples(column).items()):
        row = column.model._default_manager.get(pk=key)
        try:
            secrets.unseal(getattr(row, column.column), context=column.context(row))
        except SealBroken:
            yield f"{_name(column)}: a value sealed with key {key_id!r} cannot be opened."


def _samples(column: SealedColumn) -> dict[str, int]:
    """The newest row for each key id in use."""
    rows = column.model._default_manager.exclude(**{f"{column.column}__isnull": True}).order_by("pk")
    return {secrets.sealed_with(sealed): key for key, sealed in rows.values_list("pk", column.column).iterator()}


def reseal(*, batch_size: int = 200) -> Iterator[Progress]:
    """Seal everything with the newest key again, batch by batch; a second run finds nothing to do.

    Raises SealBroken before anything is changed where a key is missing or wrong.
    """
    if unreadable():
        raise SealBroken
    for column in _columns:
        newest = settings.KEY_ENCRYPTION_KEYS[0][0]
        stale = [key for key_id, keys in _keys_by_id(column) if key_id != newest for key in keys]
        yield Progress(_name(column), 0, len(stale))
        for start in range(0, len(stale), batch_size):
            with transaction.atomic():
                for key in stale[start : start + batch_size]:
                    _reseal_row(column, key)
            yield Progress(_name(column), min(start + batch_size, len(stale)), len(stale))


def _keys_by_id(column: SealedColumn) -> Iterator[tuple[str, list[int]]]:
    rows = column.model._default_manager.exclude(**{f"{column.column}__isnull": True}).values_list("pk", column.column)
    found = sorted((secrets.sealed_with(sealed), key) for key, sealed in rows.iterator())
    for key_id, group in groupby(found, key=lambda pair: pair[0]):
        yield key_id, [key for _, key in group]


def _reseal_row(column: SealedColumn, key: int) -> None:
    """Written only where nobody else wrote in between."""
    row = column.model._default_manager.get(pk=key)
    before = getattr(row, column.column)
    context = column.context(row)
    after = secrets.seal(secrets.unseal(before, context=context), context=context)
    column.model._default_manager.filter(pk=key, **{column.column: before}).update(**{column.column: after})


def keys_in_use() -> dict[str, int]:
    """How many values each key has sealed: a key that is not named here may be removed."""
    counts: dict[str, int] = {}
    for column in _columns:
        for key_id, keys in _keys_by_id(column):
            counts[key_id] = counts.get(key_id, 0) + len(keys)
    return counts


def _name(column: SealedColumn) -> str:
    return f"{column.model._meta.db_table}.{column.column}"
