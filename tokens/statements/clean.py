"""Cleaning: delete what is past, in windows of the expiry indexes (D17, I11, I12).

A record is an access token and the refresh key of the same sequence; a static key belongs to the newest access token.
A person's refresh key obtains access tokens without being spent, so there each stands for itself.
It goes when both are past, when no lost answer can be asked for again, and, where it was revoked, when the retention
time is over too. A family goes with its last record. A token that never expires has no expiry and so is in no window.

Each window is a transaction of its own, and a short one. The database checks no foreign key (docs/architecture.md), so
a family goes after all that points at it. A refresh key keeps the number of the one before it, whose row may be gone.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.db import connection, transaction

from tokens.statements import database

BEGINNING = (datetime(1970, 1, 1, tzinfo=UTC), 0)
# 256 MB of SQLite's log: most windows touch the same pages of the indexes, which are written back once for several.
PAGES_BETWEEN_CHECKPOINTS = 64_000
# The pages that a window touches stay in memory until it commits; with SQLite's own 2 MB they would be written and read
# several times each. All the memory that cleaning takes is to be below 50 MB.
CACHE_KIB, USUAL_CACHE_KIB = 42_000, 2_000


class Limits(NamedTuple):
    """The moments that decide: what is past, what was revoked long enough ago, what can no longer be retried."""

    now: datetime
    retained_since: datetime
    retried_since: datetime


class Swept(NamedTuple):
    """What one window came to, and its last row, after which the next one begins."""

    last: tuple[datetime, int]
    seen: int
    removed: int
    families: int


class Kind(NamedTuple):
    """One of the two tables with an expiry. `needed` is said of a row `w` and its family `f`.

    `paired` says of a row that its family keeps another one for sure, and so need not be locked.
    """

    table: str
    paired: str
    needed: str


# {alone} keeps PostgreSQL from making one big join of what is asked of a few hundred rows by their index.
_HELD_BACK = """
    w.revoked_at > %(retained)s OR f.revoked_at > %(retained)s"""
TOKENS = Kind(
    "tokens_issuedtoken",
    "EXISTS (SELECT 1 FROM tokens_refreshkey AS s WHERE s.family_id = w.family_id OFFSET 0)",
    f"""{_HELD_BACK} OR f.kind = 'client' AND (f.refresh_mode <> 'static' OR f.sequence = w.sequence) AND EXISTS (
        SELECT 1 FROM tokens_refreshkey k WHERE k.family_id = w.family_id
            AND (f.refresh_mode = 'static' OR k.sequence = w.sequence)
            AND (k.expires_at > %(now)s OR k.created_at > %(retried)s) {{alone}})""",
)
KEYS = Kind(
    "tokens_refreshkey",
    "FALSE",
    f"""{_HELD_BACK} OR w.created_at > %(retried)s OR EXISTS (
        SELECT 1 FROM tokens_issuedtoken t WHERE t.family_id = w.family_id
            AND t.sequence = CASE WHEN f.refresh_mode = 'static' THEN f.sequence ELSE w.sequence END
            AND (t.expires_at IS NULL OR t.expires_at > %(now)s) {{alone}})
    OR EXISTS (
        SELECT 1 FROM tokens_refreshkey n WHERE n.family_id = w.family_id AND n.sequence = w.sequence + 1
            AND n.created_at > %(retried)s {{alone}})""",
)

_WINDOW = """
    SELECT * FROM {table} WHERE expires_at <= %(now)s AND expires_at >= %(after)s
        AND (expires_at > %(after)s OR id > %(after_id)s) ORDER BY expires_at, id LIMIT %(size)s"""

_LOOK = """
    WITH w AS MATERIALIZED ({window}),
    past AS (SELECT w.id, w.family_id FROM w JOIN tokens_tokenfamily f ON f.id = w.family_id
        WHERE ({needed}) IS NOT TRUE)
    SELECT last.expires_at, last.id, (SELECT count(*) FROM w), (SELECT count(*) FROM past)
    FROM (SELECT expires_at, id FROM w ORDER BY expires_at DESC, id DESC LIMIT 1) AS last"""

# A family is locked before what is in it, as everybody else does who works with it, and one that somebody works with
# right now stays for the next run: so no two wait for each other. One that was refreshed since the statement began to
# look has another sequence by now and stays as well. An access token that leaves a refresh key behind needs no lock,
# since nobody writes what it is part of. A row that was given more time meanwhile is looked at again by the delete.
_SWEEP_POSTGRESQL = """
    WITH w AS MATERIALIZED ({window}),
    past AS MATERIALIZED (
        SELECT w.id, w.family_id, f.sequence, {paired} AS paired
        FROM w, LATERAL (
            SELECT kind, refresh_mode, sequence, revoked_at FROM tokens_tokenfamily WHERE id = w.family_id OFFSET 0
        ) AS f WHERE ({needed}) IS NOT TRUE),
    held AS MATERIALIZED (
        SELECT id FROM tokens_tokenfamily WHERE id = ANY (ARRAY(SELECT family_id FROM past WHERE NOT paired))
            AND (id, sequence) IN (SELECT family_id, sequence FROM past)
        FOR UPDATE SKIP LOCKED),
    gone AS (
        DELETE FROM {table} AS w
        WHERE id = ANY (ARRAY(SELECT id FROM past WHERE paired OR family_id IN (SELECT id FROM held)))
            AND w.expires_at <= %(now)s AND (w.revoked_at > %(retained)s) IS NOT TRUE
        RETURNING w.family_id)
    SELECT last.expires_at, last.id, (SELECT count(*) FROM w), (SELECT count(*) FROM gone),
        ARRAY(SELECT family_id FROM gone INTERSECT SELECT id FROM held)
    FROM (SELECT expires_at, id FROM w ORDER BY expires_at DESC, id DESC LIMIT 1) AS last"""

# In the same transaction, while the families are locked: whoever adds to one has locked it before, so each row that
# points at it is either seen by this statement or will find no family.
_EMPTIED_POSTGRESQL = """
    DELETE FROM tokens_tokenfamily AS f WHERE id = ANY (%(families)s)
        AND NOT EXISTS (SELECT 1 FROM tokens_issuedtoken AS t WHERE t.family_id = f.id OFFSET 0)
        AND NOT EXISTS (SELECT 1 FROM tokens_refreshkey AS k WHERE k.family_id = f.id OFFSET 0)"""

# As two texts: to take each row to Python and back would be half of all the work.
_WINDOW_SQLITE = """
    SELECT json_group_array(id), json_group_array(family_id), count(*), max(expires_at) FROM ({window})"""

_PAST_SQLITE = """
    SELECT w.id FROM {table} AS w JOIN tokens_tokenfamily AS f ON f.id = w.family_id
    WHERE w.id IN (SELECT value FROM json_each(%(ids)s)) AND w.expires_at <= %(now)s AND ({needed}) IS NOT TRUE"""

_SWEEP_SQLITE = "DELETE FROM {table} WHERE id IN (" + _PAST_SQLITE + ")"
_EMPTIED_SQLITE = """
    DELETE FROM tokens_tokenfamily WHERE id IN (SELECT value FROM json_each(%(families)s))
      AND NOT EXISTS (SELECT 1 FROM tokens_issuedtoken t WHERE t.family_id = tokens_tokenfamily.id)
      AND NOT EXISTS (SELECT 1 FROM tokens_refreshkey k WHERE k.family_id = tokens_tokenfamily.id)"""


@contextmanager
def unhurried() -> Iterator[None]:
    """SQLite: commits inside don't wait for the disk, the log is written back less often, and more pages are kept.

    What a power cut takes back of them is cleaned the next time; a later commit of anybody else waits for all of it.
    """
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        yield
        return
    with connection.cursor() as cursor:
        try:
            cursor.execute("PRAGMA synchronous=NORMAL")
            cursor.execute(f"PRAGMA wal_autocheckpoint={PAGES_BETWEEN_CHECKPOINTS}")
            cursor.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
            yield
        finally:
            cursor.execute(f"PRAGMA cache_size=-{USUAL_CACHE_KIB}")
            cursor.execute("PRAGMA synchronous=FULL")
            cursor.execute("PRAGMA wal_autocheckpoint=1000")


def _written(statement: str, kind: Kind) -> str:
    alone = "OFFSET 0" if connection.vendor == "postgresql" else ""
    return statement.format(
        table=kind.table,
        paired=kind.paired,
        needed=kind.needed.format(alone=alone),
        window=_WINDOW.format(table=kind.table),
    )


def _values(limits: Limits, after: tuple[datetime, int], size: int) -> dict[str, Any]:
    return {
        "now": limits.now,
        "retained": limits.retained_since,
        "retried": limits.retried_since,
        "after": after[0],
        "after_id": after[1],
        "size": size,
    }


def look(kind: Kind, limits: Limits, after: tuple[datetime, int], size: int) -> Swept | None:
    """What the window after `after` would lose if it were swept; None where there is no row in it.

    Of refresh keys it tells what would go if their access tokens went first.
    """
    found = database.rows(_written(_LOOK, kind), _values(limits, after, size))
    if not found:
        return None
    at, last_id, seen, removed = found[0]
    return Swept((_moment(at), last_id), seen, removed, 0)


def sweep(kind: Kind, limits: Limits, after: tuple[datetime, int], size: int) -> Swept | None:
    """Delete what is not needed any more of the window after `after`, and the families that lost their last record.

    None where there is no row in it. Committed when it returns; killed before, nothing of the window has happened.
    """
    if connection.vendor == "sqlite":
        return _sweep_sqlite(kind, limits, after, size)
    with transaction.atomic():
        found = database.rows(_written(_SWEEP_POSTGRESQL, kind), _values(limits, after, size))
        if not found:
            return None
        at, last_id, seen, removed, families = found[0]
        emptied = database.changed(_EMPTIED_POSTGRESQL, {"families": families}) if families else 0
    return Swept((at, last_id), seen, removed, emptied)


def _moment(value: Any) -> datetime:
    """SQLite knows the type of a column, not that of an expression."""
    return value if isinstance(value, datetime) else datetime.fromisoformat(value).replace(tzinfo=UTC)


def _sweep_sqlite(kind: Kind, limits: Limits, after: tuple[datetime, int], size: int) -> Swept | None:
    # Read outside of the transaction, which holds the only write lock; what changed meanwhile is looked at inside.
    values = _values(limits, after, size)
    ids, families, seen, last = database.rows(_written(_WINDOW_SQLITE, kind), values)[0]
    if not seen:
        return None
    values |= {"ids": ids, "families": families}
    with transaction.atomic():
        removed = database.changed(_written(_SWEEP_SQLITE, kind), values)
        emptied = database.changed(_EMPTIED_SQLITE, values)
    return Swept((_moment(last), json.loads(ids)[-1]), seen, removed, emptied)


def expired(now: datetime, *, up_to: int) -> int:
    """How many access tokens are past their time, counted no further than this."""
    sql = "SELECT count(*) FROM (SELECT 1 FROM tokens_issuedtoken WHERE expires_at <= %s LIMIT %s) AS past"
    found = database.row(sql, [now, up_to])
    return int(found[0]) if found else 0


def past(now: datetime) -> int:
    """How many rows all windows have together."""
    found = database.row(
        "SELECT (SELECT count(*) FROM tokens_issuedtoken WHERE expires_at <= %s)"
        " + (SELECT count(*) FROM tokens_refreshkey WHERE expires_at <= %s)",
        [now, now],
    )
    return int(found[0]) if found else 0
