"""Explain: the facts of a refresh token by its record, as refresh reads them. Nothing is written."""

from typing import NamedTuple

from tokens.rules import HolderFacts, RefreshFacts
from tokens.statements import database
from tokens.statements.facts import HOLDER_COLUMNS, HOLDER_JOINS, HOLDER_WIDTH
from tokens.statements.refresh import KEY_COLUMNS, KEY_WIDTH, key_facts


class KeyRow(NamedTuple):
    """A refresh token of any kind and its holder."""

    refresh: RefreshFacts
    holder: HolderFacts


def read_key(key_id: int) -> KeyRow | None:
    """The facts of one refresh token, or None where its record is gone."""
    sql = (
        f"SELECT {KEY_COLUMNS}, {HOLDER_COLUMNS} FROM tokens_refreshkey rk"
        " JOIN tokens_tokenfamily f ON f.id = rk.family_id LEFT JOIN tokens_refreshkey nxt ON nxt.parent_id = rk.id"
        f" LEFT JOIN tokens_tokenpolicy pol ON pol.id = f.policy_id {HOLDER_JOINS} WHERE rk.id = %s"
    )
    found = database.row(sql, [key_id])
    if found is None:
        return None
    return KeyRow(key_facts(found[:KEY_WIDTH]), HolderFacts._make(found[KEY_WIDTH : KEY_WIDTH + HOLDER_WIDTH]))
