"""Statements that may take no longer than somebody is willing to wait."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import OperationalError, connection, transaction


class TooLong(Exception):
    """The database did not answer in time; the statement was stopped."""


@contextmanager
def answered_within(seconds: float) -> Iterator[None]:
    """Stop a statement that takes longer, and raise TooLong."""
    begun = time.monotonic()
    try:
        with _stopped_on_postgresql(seconds) if connection.vendor == "postgresql" else _stopped_on_sqlite(seconds):
            yield
    except OperationalError as stopped:
        if time.monotonic() - begun < seconds:
            raise
        raise TooLong from stopped


@contextmanager
def _stopped_on_postgresql(seconds: float) -> Iterator[None]:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = %s", [int(seconds * 1000)])
        yield
        cursor.execute("SET LOCAL statement_timeout TO DEFAULT")


@contextmanager
def _stopped_on_sqlite(seconds: float) -> Iterator[None]:
    end = time.monotonic() + seconds
    connection.ensure_connection()
    connection.connection.set_progress_handler(lambda: time.monotonic() > end, 10_000)
    try:
        yield
    finally:
        connection.connection.set_progress_handler(None, 0)
