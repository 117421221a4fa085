"""Are the triggers there that keep the request log and its seals (D24, I8, I10)?"""

from django.db import connection, transaction

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


_SENTENCE = "rows of {table} are never changed or deleted"
_PROTECT = {
    "postgresql": (
        (
            "CREATE OR REPLACE FUNCTION {table}_refuse() RETURNS trigger LANGUAGE plpgsql AS $$"
            " BEGIN RAISE EXCEPTION '{sentence}' USING ERRCODE = 'restrict_violation'; END $$"
        ),
        "DROP TRIGGER IF EXISTS {table}_rows ON {table}",
        "DROP TRIGGER IF EXISTS {table}_table ON {table}",
        "CREATE TRIGGER {table}_rows BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION {table}_refuse()",
        "CREATE TRIGGER {table}_table BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION {table}_refuse()",
        "ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_rows",
        "ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_table",
    ),
    "sqlite": (
        "DROP TRIGGER IF EXISTS {table}_update",
        "DROP TRIGGER IF EXISTS {table}_delete",
        "DROP TRIGGER IF EXISTS {table}_replace",
        "CREATE TRIGGER {table}_update BEFORE UPDATE ON {table} BEGIN SELECT RAISE(ABORT, '{sentence}'); END",
        "CREATE TRIGGER {table}_delete BEFORE DELETE ON {table} BEGIN SELECT RAISE(ABORT, '{sentence}'); END",
        (
            "CREATE TRIGGER {table}_replace BEFORE INSERT ON {table}"
            " WHEN EXISTS (SELECT 1 FROM {table} WHERE id = NEW.id)"
            " BEGIN SELECT RAISE(ABORT, '{sentence}'); END"
        ),
    ),
}


def protect() -> list[str]:
    """Put back what is missing, as the migrations made it; which triggers were. Needs the role that owns the tables."""
    gone = missing()
    with transaction.atomic():
        for table in _TABLES:
            if not _missing(table):
                continue
            for statement in _PROTECT[connection.vendor]:
                sql = statement.format(table=table, sentence=_SENTENCE.format(table=table))
                database.changed(sql, [])
    return gone
