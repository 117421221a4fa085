"""Last use of access tokens, in bulk and forward only (D25)."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction

from tokens.connections import is_postgresql
from tokens.statements import database

Seen = tuple[int, tuple[datetime, str, str]]

# Locked in the order of ids, so that two processes can't block each other; each looked at again once it is locked.
_RECORD_ALL = """
    WITH seen AS (
        SELECT token.id, given.moment, given.proxy, given.address
        FROM unnest(%s::bigint[], %s::timestamptz[], %s::text[], %s::text[]) AS given(id, moment, proxy, address)
        JOIN tokens_issuedtoken token ON token.id = given.id
        WHERE token.last_used_at IS NULL OR token.last_used_at < given.moment - interval '1 minute'
        ORDER BY token.id FOR NO KEY UPDATE OF token
    )
    UPDATE tokens_issuedtoken SET last_used_at = seen.moment, last_used_proxy = seen.proxy,
        last_used_address = seen.address::inet
    FROM seen WHERE tokens_issuedtoken.id = seen.id"""
_RECORD = """
    UPDATE tokens_issuedtoken SET last_used_at = %s, last_used_proxy = %s, last_used_address = %s
    WHERE id = %s AND (last_used_at IS NULL OR last_used_at < %s)"""
_BATCH = 500


def record(seen: dict[int, tuple[datetime, str, str]]) -> int:
    """Write times of use; how many moved, which each does once a minute at most."""
    entries = sorted(seen.items())
    batches = (entries[start : start + _BATCH] for start in range(0, len(entries), _BATCH))
    write = _at_once if is_postgresql() else _one_by_one
    return sum(map(write, batches))


def _at_once(batch: Sequence[Seen]) -> int:
    ids = [token_id for token_id, _ in batch]
    moments, proxies, addresses = zip(*(use for _, use in batch), strict=True)
    return database.changed(_RECORD_ALL, [ids, list(moments), list(proxies), [each or None for each in addresses]])


def _one_by_one(batch: Sequence[Seen]) -> int:
    moved = 0
    with transaction.atomic():
        for token_id, (at, proxy, address) in batch:
            last_minute = at - timedelta(minutes=1)
            moved += database.changed(_RECORD, [at, proxy, address or None, token_id, last_minute])
    return moved
