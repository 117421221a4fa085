"""Seals over the request log, which refuse UPDATE, DELETE and TRUNCATE as the log does (I10), and hourly counts."""

from django.db import migrations, models

TABLE = "tokens_logseal"
SENTENCE = "seals of the request log are permanent: they are never changed or deleted"

POSTGRESQL = [
    f"""
    CREATE FUNCTION {TABLE}_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION '{SENTENCE}' USING ERRCODE = 'restrict_violation';
    END $$
    """,
    f"CREATE TRIGGER {TABLE}_rows BEFORE UPDATE OR DELETE ON {TABLE} FOR EACH ROW EXECUTE FUNCTION {TABLE}_refuse()",
    f"CREATE TRIGGER {TABLE}_table BEFORE TRUNCATE ON {TABLE} FOR EACH STATEMENT EXECUTE FUNCTION {TABLE}_refuse()",
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
    f"""
    CREATE TRIGGER {TABLE}_replace BEFORE INSERT ON {TABLE}
    WHEN EXISTS (SELECT 1 FROM {TABLE} WHERE number = NEW.number)
    BEGIN SELECT RAISE(ABORT, '{SENTENCE}'); END
    """,
]
SQLITE_BACK = [f"DROP TRIGGER {TABLE}_{name}" for name in ("update", "delete", "replace")]


def protect(apps, schema_editor):
    for statement in POSTGRESQL if schema_editor.connection.vendor == "postgresql" else SQLITE:
        schema_editor.execute(statement)


def unprotect(apps, schema_editor):
    for statement in POSTGRESQL_BACK if schema_editor.connection.vendor == "postgresql" else SQLITE_BACK:
        schema_editor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [
        ("tokens", "0003_rate_limits"),
    ]

    operations = [
        migrations.CreateModel(
            name="LogMark",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("noted_id", models.BigIntegerField(default=0, help_text="The newest row of the log at that moment.")),
                ("noted_at", models.DateTimeField(null=True)),
                (
                    "checked_number",
                    models.PositiveBigIntegerField(default=0, help_text="The seal whose rows were checked last."),
                ),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="LogSeal",
            fields=[
                (
                    "number",
                    models.PositiveBigIntegerField(
                        help_text="1, 2, 3 ... without a gap.", primary_key=True, serialize=False
                    ),
                ),
                ("first_id", models.BigIntegerField()),
                ("last_id", models.BigIntegerField()),
                ("rows", models.PositiveIntegerField(help_text="Ids of transactions that were rolled back have none.")),
                ("rows_hash", models.CharField(max_length=64)),
                ("previous_hash", models.CharField(blank=True, default="", max_length=64)),
                ("hash", models.CharField(max_length=64)),
                ("signature", models.CharField(max_length=64)),
                ("key_name", models.CharField(help_text="Which of TOKEN_HASH_KEYS signed it.", max_length=16)),
                ("layout", models.PositiveSmallIntegerField(default=1, help_text="Which columns the hash covers.")),
                ("sealed_at", models.DateTimeField()),
            ],
            options={
                "verbose_name": "seal of the request log",
                "verbose_name_plural": "seals of the request log",
                "ordering": ("-number",),
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="RequestRollup",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("hour", models.DateTimeField()),
                ("environment", models.CharField(blank=True, default="", max_length=50)),
                ("proxy", models.CharField(blank=True, default="", max_length=80)),
                ("group", models.CharField(blank=True, default="", max_length=80)),
                (
                    "client_id",
                    models.CharField(blank=True, default="", help_text="Of known clients only.", max_length=100),
                ),
                ("action", models.CharField(max_length=12)),
                ("outcome", models.CharField(max_length=8)),
                ("reason", models.CharField(blank=True, default="", max_length=60)),
                ("requests", models.PositiveIntegerField()),
                ("duration_ms", models.FloatField(default=0, help_text="Of all of them together.")),
                ("longest_ms", models.FloatField(default=0)),
            ],
            options={
                "verbose_name": "hourly count",
                "default_permissions": ("view",),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("hour", "environment", "proxy", "group", "client_id", "action", "outcome", "reason"),
                        name="one_count_per_hour_and_kind",
                    )
                ],
            },
        ),
        migrations.RunPython(protect, unprotect),
    ]
