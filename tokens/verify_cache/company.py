"""Who else is connected to the database: a session that does not mark its commits keeps the cache off.

A session says by its `application_name` which map it marks in, from its first moment to its last, so PostgreSQL's list
of sessions is the register: nothing has to be written, and nothing is left behind by who dies.

    verifier: raises its flag, then looks for sessions of others; keeps answers for a second from before each look
    session:  is in the list, then looks for flags of other maps; waits until none is up, or longer than a look counts

Whichever is first is seen by the other. A session stays in the list while it may write, however long it is stopped
between two of its steps, so there is no moment at which its knowledge could be too old.
"""

import logging
import time
from typing import Any, NamedTuple

import psycopg

logger = logging.getLogger(__name__)
# For so long after the beginning of a look its answer counts.
LOOK_COUNTS_SECONDS = 1.0
# Longer than that: by then a verifier that does not lower its flag has stopped by itself.
_PATIENCE_SECONDS = 2.5
_PAUSE_SECONDS = 0.05
MARKING = "latchkey marks "
KEEPING = "latchkey keeps "

# Who has no user is a worker of the server itself; of the others' kinds an ordinary role may not be told.
_LOOK = """
    SELECT pid, application_name FROM pg_stat_activity
    WHERE datname = current_database() AND usesysid IS NOT NULL AND usesysid <> 0
      AND backend_type IS DISTINCT FROM 'parallel worker'"""
_FLAGS = """
    SELECT pg_backend_pid(), count(*) FILTER (WHERE starts_with(application_name, %s) AND application_name <> %s)
    FROM pg_stat_activity WHERE datname = current_database()"""


class Behind(psycopg.OperationalError):
    """Something between us and PostgreSQL hands sessions on: who is connected cannot be known."""


class Company(NamedTuple):
    """The sessions of a database: the processes of all, and the names of those that do not mark in this map."""

    sessions: frozenset[int]
    strangers: tuple[str, ...]


def look(wire: psycopg.Connection[Any], map_id: str) -> Company:
    """Who is connected now, by a connection that is in no transaction."""
    with wire.cursor() as cursor:
        found = cursor.execute(_LOOK).fetchall()
    ours = (MARKING + map_id, KEEPING + map_id)
    return Company(frozenset(pid for pid, _ in found), tuple(sorted({name for _, name in found if name not in ours})))


def flag(wire: psycopg.Connection[Any], map_id: str, *, up: bool) -> None:
    """Raise or lower the flag that says: answers are kept here."""
    with wire.cursor() as cursor:
        cursor.execute("SELECT set_config('application_name', %s, false)", [(KEEPING if up else MARKING) + map_id])


def arrive(wire: psycopg.Connection[Any], map_id: str | None) -> None:
    """Return when every verifier that keeps answers under another map must have seen this new session."""
    end = time.monotonic() + _PATIENCE_SECONDS
    while True:
        with wire.cursor() as cursor:
            found = cursor.execute(_FLAGS, [KEEPING, KEEPING + (map_id or "")]).fetchone()
        assert found is not None
        session, flags = found
        if map_id is not None and session != wire.info.backend_pid:
            raise Behind("VERIFY_CACHE=host needs a direct connection to PostgreSQL, not one through a pooler")
        if not flags or time.monotonic() > end:
            return
        time.sleep(_PAUSE_SECONDS)
