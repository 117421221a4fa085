"""The database connection of a plain door: what Django does around a request, and what it makes of a failure."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DatabaseError, InterfaceError, connection

from tokens.errors import StorageAway

logger = logging.getLogger(__name__)


@contextmanager
def database() -> Iterator[None]:
    """A usable connection inside; given back or closed after. Any database trouble becomes StorageAway (I13)."""
    if connection.in_atomic_block:
        # Somebody else's transaction, a test's: the connection is not ours to give back.
        yield
        return
    connection.close_if_unusable_or_obsolete()
    try:
        yield
    except (DatabaseError, InterfaceError) as trouble:
        # The type alone: a message may quote parameters.
        logger.warning("the database cannot be asked: %s", type(trouble).__name__)
        connection.close()
        raise StorageAway from trouble
    finally:
        connection.close_if_unusable_or_obsolete()
