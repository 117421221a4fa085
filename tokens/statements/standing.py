"""What one page of a list needs to tell how its tokens or families stand: one SELECT for the page."""

from collections.abc import Sequence
from datetime import datetime

from tokens.rules import HolderFacts, TokenFacts
from tokens.statements import database
from tokens.statements.facts import HOLDER_COLUMNS, HOLDER_JOINS, HOLDER_WIDTH, TOKEN_COLUMNS, TOKEN_WIDTH

_TOKENS = (
    f"SELECT {TOKEN_COLUMNS}, {HOLDER_COLUMNS} FROM tokens_issuedtoken t"
    " JOIN tokens_tokenfamily f ON f.id = t.family_id"
    f" LEFT JOIN tokens_signingkey tk ON tk.id = t.signing_key_id {HOLDER_JOINS} WHERE t.id IN "
)
_FAMILIES = (
    f"SELECT {HOLDER_COLUMNS},"
    " EXISTS (SELECT 1 FROM tokens_issuedtoken t WHERE t.family_id = f.id AND t.revoked_at IS NULL"
    " AND (t.expires_at IS NULL OR t.expires_at > %s))"
    " OR EXISTS (SELECT 1 FROM tokens_refreshkey r WHERE r.family_id = f.id AND r.expires_at > %s)"
    f" FROM tokens_tokenfamily f {HOLDER_JOINS} WHERE f.id IN "
)


def tokens(ids: Sequence[int]) -> dict[int, tuple[TokenFacts, HolderFacts]]:
    """Token id -> what is decided from."""
    if not ids:
        return {}
    found = database.rows(f"{_TOKENS}({database.marks(len(ids))})", ids)
    return {
        row[0]: (
            TokenFacts._make(row[:TOKEN_WIDTH]),
            HolderFacts._make(row[TOKEN_WIDTH : TOKEN_WIDTH + HOLDER_WIDTH]),
        )
        for row in found
    }


def families(ids: Sequence[int], now: datetime) -> dict[int, tuple[HolderFacts, bool]]:
    """Family id -> what is decided from, and whether anything of it has not expired."""
    if not ids:
        return {}
    found = database.rows(f"{_FAMILIES}({database.marks(len(ids))})", [now, now, *ids])
    return {row[0]: (HolderFacts._make(row[:HOLDER_WIDTH]), bool(row[HOLDER_WIDTH])) for row in found}
