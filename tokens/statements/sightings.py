"""Last use of access tokens, in bulk and forward only (D25)."""

from datetime import datetime, timedelta

from django.db import transaction

from tokens.statements import database

_RECORD = """
    UPDATE tokens_issuedtoken SET last_used_at = %s, last_used_proxy = %s, last_used_address = %s
    WHERE id = %s AND (last_used_at IS NULL OR last_used_at < %s)"""
_BATCH = 500


def record(seen: dict[int, tuple[datetime, str, str]]) -> int:
    """Write times of use, in the order of ids so that two processes can't block each other; how many moved."""
    moved = 0
    entries = sorted(seen.items())
    for start in range(0, len(entries), _BATCH):
        with transaction.atomic():
            for token_id, (at, proxy, address) in entries[start : start + _BATCH]:
                last_minute = at - timedelta(minutes=1)
                moved += database.changed(_RECORD, [at, proxy, address or None, token_id, last_minute])
    return moved
