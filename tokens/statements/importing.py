"""Import: what is here already, and the INSERT of a family that says by what its tokens of before are known."""

from collections.abc import Sequence
from typing import Any

from tokens.statements import database
from tokens.statements.issue import NewFamily

_INSERT_FAMILY = database.insert("tokens_tokenfamily", (*NewFamily._fields, "legacy_verifier_id"), returning="id")


def write_family(family: NewFamily, *, verifier_id: int) -> int:
    """Insert an imported family; its id."""
    found = database.row(_INSERT_FAMILY, [*family, verifier_id])
    assert found is not None  # RETURNING gives the row
    return int(found[0])


def known(digests: Sequence[str]) -> set[str]:
    """Which of these stand for an access or a refresh token already."""
    if not digests:
        return set()
    marks = database.marks(len(digests))
    sql = (
        f"SELECT digest FROM tokens_issuedtoken WHERE digest IN ({marks})"
        f" UNION ALL SELECT token_hash FROM tokens_refreshkey WHERE token_hash IN ({marks})"
    )
    parameters: list[Any] = [*digests, *digests]
    return {row[0] for row in database.rows(sql, parameters)}


def living_families(digests: Sequence[str]) -> list[int]:
    """The families of these refresh tokens that nobody has revoked."""
    if not digests:
        return []
    sql = (
        "SELECT DISTINCT f.id FROM tokens_refreshkey k JOIN tokens_tokenfamily f ON f.id = k.family_id"
        f" WHERE k.token_hash IN ({database.marks(len(digests))}) AND f.revoked_at IS NULL"
    )
    return [int(row[0]) for row in database.rows(sql, list(digests))]
