"""The rate limiter's count: one upsert per request (D24)."""

from tokens.statements import database

_COUNT = """
    INSERT INTO tokens_ratelimitwindow (address, minute, requests, refused) VALUES (%s, %s, 1, 0)
    ON CONFLICT (address, minute) DO UPDATE SET
        requests = tokens_ratelimitwindow.requests + 1,
        refused = tokens_ratelimitwindow.refused + CASE WHEN tokens_ratelimitwindow.requests >= %s THEN 1 ELSE 0 END
    RETURNING requests"""


def count(*, address: str, minute: int, limit: int) -> int:
    """Count one request; how many there were in this minute, this one included."""
    found = database.row(_COUNT, [address, minute, limit])
    assert found is not None  # RETURNING gives the row
    return int(found[0])


def forget(*, before_minute: int) -> int:
    """Remove counts of minutes long past; how many."""
    return database.changed("DELETE FROM tokens_ratelimitwindow WHERE minute < %s", [before_minute])
