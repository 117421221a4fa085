"""Are the triggers there that keep the request log and its seals (D24, I8, I10)?"""

from django.db import connection

from tokens.statements import database

_TABLES = ("tokens_tokenrequestlog", "tokens_logseal")
_WANTED = {"sqlite": ("update", "delete", "replace"), "postgresql": ("rows", "table")}
_LOOK = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s",
    # A: fires always, in a replica session too.
    "postgresql": "SELECT tgname FROM pg_trigger WHERE tgrelid = to_regclass(%s) AND tgenabled = 'A'",
}


def missing() -> list[str]:
    """Names of triggers that are not there or not always on."""
    return sorted(name for table in _TABLES for name in _missing(table))


def _missing(table: str) -> set[str]:
    there = {row[0] for row in database.rows(_LOOK[connection.vendor], [table])}
    return {f"{table}_{name}" for name in _WANTED[connection.vendor]} - there
