"""Are the triggers there that keep the request log (D24, I8)?"""

from django.db import connection

from tokens.statements import database

_TABLE = "tokens_tokenrequestlog"
_WANTED = {"sqlite": ("update", "delete", "replace"), "postgresql": ("rows", "table")}
_LOOK = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s",
    # A: fires always, in a replica session too.
    "postgresql": "SELECT tgname FROM pg_trigger WHERE tgrelid = to_regclass(%s) AND tgenabled = 'A'",
}


def missing() -> list[str]:
    """Names of triggers that are not there or not always on."""
    there = {row[0] for row in database.rows(_LOOK[connection.vendor], [_TABLE])}
    return sorted({f"{_TABLE}_{name}" for name in _WANTED[connection.vendor]} - there)
