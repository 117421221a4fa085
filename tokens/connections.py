"""Django's connection of this thread, looked up once: `django.db.connection` asks at each use whose it is."""

import threading
from asyncio import _get_running_loop
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections

from proxies.settled import settings

_of_thread = threading.local()


def here() -> Any:
    """The wrapper itself, the same as long as the thread lives; it may be open or closed.

    Where an event loop runs in the thread, Django has another for each context: there it is asked each time.
    """
    if _get_running_loop() is not None:
        return connections[DEFAULT_DB_ALIAS]
    try:
        return _of_thread.wrapper
    except AttributeError:
        _of_thread.wrapper = connections[DEFAULT_DB_ALIAS]
        return _of_thread.wrapper


def is_postgresql() -> bool:
    """True on PostgreSQL, false on SQLite."""
    return bool(here().vendor == "postgresql")


def is_watched(connection: Any) -> bool:
    """True where somebody wants to see each statement go through Django: a test, a debugger."""
    return bool(connection.execute_wrappers or connection.force_debug_cursor or settings.DEBUG)
