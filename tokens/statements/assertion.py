"""Used client assertions: one INSERT whose row count says who was first (RFC 7523, B14)."""

from datetime import datetime

from credentials.rules import UsedAssertion
from tokens.statements import database

_SPEND = """
    INSERT INTO credentials_usedassertion (credential_id, jti_hash, expires_at) VALUES (%s, %s, %s)
    ON CONFLICT (credential_id, jti_hash) DO NOTHING"""

_FORGET = """
    DELETE FROM credentials_usedassertion WHERE id IN (
        SELECT id FROM credentials_usedassertion WHERE expires_at <= %s ORDER BY expires_at LIMIT %s)"""


def spend(used: UsedAssertion) -> bool:
    """Use an assertion up; False where it was used before. A caller that comes meanwhile waits for the answer."""
    return database.changed(_SPEND, used) == 1


def forget(*, before: datetime, at_most: int) -> int:
    """Remove assertions that are past by themselves; how many."""
    return database.changed(_FORGET, [before, at_most])
