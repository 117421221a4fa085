"""The request log refuses UPDATE, DELETE and TRUNCATE, whoever asks (D24, I8)."""

from django.db import migrations

TABLE = "tokens_tokenrequestlog"
SENTENCE = "the token request log is permanent: rows are never changed or deleted"

POSTGRESQL = [
    f"""
    CREATE FUNCTION {TABLE}_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION '{SENTENCE}' USING ERRCODE = 'restrict_violation';
    END $$
    """,
    f"CREATE TRIGGER {TABLE}_rows BEFORE UPDATE OR DELETE ON {TABLE} FOR EACH ROW EXECUTE FUNCTION {TABLE}_refuse()",
    f"CREATE TRIGGER {TABLE}_table BEFORE TRUNCATE ON {TABLE} FOR EACH STATEMENT EXECUTE FUNCTION {TABLE}_refuse()",
    # ALWAYS: session_replication_role = replica would switch ordinary triggers off.
    f"ALTER TABLE {TABLE} ENABLE ALWAYS TRIGGER {TABLE}_rows",
    f"ALTER TABLE {TABLE} ENABLE ALWAYS TRIGGER {TABLE}_table",
]
POSTGRESQL_BACK = [
    f"DROP TRIGGER {TABLE}_table ON {TABLE}",
    f"DROP TRIGGER {TABLE}_rows ON {TABLE}",
    f"DROP FUNCTION {TABLE}_refuse()",
]

SQLITE = [
    f"CREATE TRIGGER {TABLE}_update BEFORE UPDATE ON {TABLE} BEGIN SELECT RAISE(ABORT, '{SENTENCE}'); END",
    f"CREATE TRIGGER {TABLE}_delete BEFORE DELETE ON {TABLE} BEGIN SELECT RAISE(ABORT, '{SENTENCE}'); END",
    # REPLACE deletes without firing DELETE triggers: an id that exists is refused at its insert.
    f"""
    CREATE TRIGGER {TABLE}_replace BEFORE INSERT ON {TABLE}
    WHEN EXISTS (SELECT 1 FROM {TABLE} WHERE id = NEW.id)
    BEGIN SELECT RAISE(ABORT, '{SENTENCE}'); END
    """,
]
SQLITE_BACK = [f"DROP TRIGGER {TABLE}_{name}" for name in ("update", "delete", "replace")]


def _run(forwards, schema_editor):
    statements = {
        ("postgresql", True): POSTGRESQL,
        ("postgresql", False): POSTGRESQL_BACK,
        ("sqlite", True): SQLITE,
        ("sqlite", False): SQLITE_BACK,
    }[schema_editor.connection.vendor, forwards]
    for statement in statements:
        schema_editor.execute(statement)


def protect(apps, schema_editor):
    _run(True, schema_editor)


def unprotect(apps, schema_editor):
    _run(False, schema_editor)


class Migration(migrations.Migration):
    dependencies = [("tokens", "0001_initial")]
    operations = [migrations.RunPython(protect, unprotect)]
