"""A database of the real toolkit, with many more tokens: copies of a token that the toolkit made itself."""

import sqlite3
from contextlib import closing
from pathlib import Path

ACCESS, REFRESH = "oauth2_provider_accesstoken", "oauth2_provider_refreshtoken"
_COUNT = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"


def _columns(database: sqlite3.Connection, table: str, changed: dict[str, str]) -> tuple[str, str]:
    """The columns of a table, and where the value of each comes from: the row of before, or what is changed."""
    names = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
    return ", ".join(names), ", ".join(changed.get(name, f"t.{name}") for name in names)


def multiply(path: Path, number: int) -> None:
    """So many pairs of access and refresh token more, as the first living refresh token and its access token are."""
    checksum = "printf('%064x', n.i + 1000000)"
    with closing(sqlite3.connect(path)) as database, database:
        first, access = database.execute(
            f"SELECT max(id), access_token_id FROM {REFRESH} WHERE revoked IS NULL AND access_token_id IS NOT NULL"
        ).fetchone()
        for table, row, changed in (
            (ACCESS, access, {"id": "n.i + 1000000", "token": checksum, "token_checksum": checksum}),
            (REFRESH, first, {"id": "n.i + 1000000", "token": checksum, "token_checksum": checksum}),
        ):
            if table == ACCESS:
                changed |= {"source_refresh_token_id": "NULL", "id_token_id": "NULL"}
            else:
                changed |= {"access_token_id": "n.i + 1000000", "token_family": "NULL"}
            names, values = _columns(database, table, changed)
            database.execute(
                f"INSERT INTO {table} ({names}) {_COUNT} SELECT {values} FROM n, {table} t WHERE t.id = ?",
                (number, row),
            )
