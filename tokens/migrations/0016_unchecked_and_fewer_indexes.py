"""The hot tables without what each row costs and nobody reads (issue 7): their foreign keys are not looked up by the
database any more, and an index goes that no question reads, that another begins with, or that holds mostly NULL.

PostgreSQL: no table is rewritten. Constraints go one by one, each under a lock that is waited for no longer than
`lock_timeout`; indexes are made and dropped while writers go on. Killed half way, it is run again. Back again, foreign
keys are added NOT VALID and validated, which lets writers go on as well.
SQLite: each table is written anew, in one transaction.
"""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models, transaction
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

FAMILY, TOKEN, KEY = "tokens_tokenfamily", "tokens_issuedtoken", "tokens_refreshkey"
# Table, column, what it points at, and the constraint's name.
FOREIGN_KEYS = (
    (TOKEN, "family_id", FAMILY, "tokens_issuedtoken_family_id_2453c444_fk_tokens_tokenfamily_id"),
    (TOKEN, "signing_key_id", "tokens_signingkey", "tokens_issuedtoken_signing_key_id_124278bd_fk_tokens_si"),
    (KEY, "family_id", FAMILY, "tokens_refreshkey_family_id_231f8013_fk_tokens_tokenfamily_id"),
    (KEY, "parent_id", KEY, "tokens_refreshkey_parent_id_60e7c91c_fk_tokens_refreshkey_id"),
    (KEY, "signing_key_id", "tokens_signingkey", "tokens_refreshkey_signing_key_id_4cdc23e0_fk_tokens_si"),
    (
        FAMILY,
        "credential_deployment_id",
        "credentials_credentialdeployment",
        "tokens_tokenfamily_credential_deploymen_356b219a_fk_credentia",
    ),
    (FAMILY, "credential_id", "credentials_credential", "tokens_tokenfamily_credential_id_30473256_fk_credentia"),
    (FAMILY, "deployment_id", "proxies_deployment", "tokens_tokenfamily_deployment_id_5a6dd5ac_fk_proxies_d"),
    (FAMILY, "environment_id", "proxies_environment", "tokens_tokenfamily_environment_id_9965310f_fk_proxies_e"),
    (FAMILY, "grant_id", "credentials_grant", "tokens_tokenfamily_grant_id_27a232a6_fk_credentials_grant_id"),
    (FAMILY, "group_id", "proxies_proxygroup", "tokens_tokenfamily_group_id_de11f78b_fk_proxies_proxygroup_id"),
    (
        FAMILY,
        "legacy_verifier_id",
        "tokens_legacyverifier",
        "tokens_tokenfamily_legacy_verifier_id_37a9e04a_fk_tokens_le",
    ),
    (FAMILY, "policy_id", "tokens_tokenpolicy", "tokens_tokenfamily_policy_id_4988084a_fk_tokens_tokenpolicy_id"),
    (FAMILY, "proxy_id", "proxies_apiproxy", "tokens_tokenfamily_proxy_id_22f5670f_fk_proxies_apiproxy_id"),
    (FAMILY, "signing_key_id", "tokens_signingkey", "tokens_tokenfamily_signing_key_id_f1be8e4b_fk_tokens_si"),
    (FAMILY, "user_id", "credentials_user", "tokens_tokenfamily_user_id_5e558306_fk_credentials_user_id"),
)
# Table, name, definition.
OLD_INDEXES = (
    (TOKEN, "tokens_issuedtoken_digest_bee48e06_like", "(digest varchar_pattern_ops)"),
    (TOKEN, "tokens_issuedtoken_jti_3cad39b8_like", "(jti varchar_pattern_ops)"),
    (TOKEN, "tokens_issuedtoken_signing_key_id_124278bd", "(signing_key_id)"),
    (KEY, "tokens_refreshkey_family_id_231f8013", "(family_id)"),
    (KEY, "tokens_refreshkey_jti_754b21f8_like", "(jti varchar_pattern_ops)"),
    (KEY, "tokens_refreshkey_signing_key_id_4cdc23e0", "(signing_key_id)"),
    (KEY, "tokens_refreshkey_token_hash_7c1ccc5b_like", "(token_hash varchar_pattern_ops)"),
    (FAMILY, "tokens_tokenfamily_credential_deployment_id_356b219a", "(credential_deployment_id)"),
    (FAMILY, "tokens_tokenfamily_deployment_id_5a6dd5ac", "(deployment_id)"),
    (FAMILY, "tokens_tokenfamily_grant_id_27a232a6", "(grant_id)"),
    (FAMILY, "tokens_tokenfamily_group_id_de11f78b", "(group_id)"),
    (FAMILY, "tokens_tokenfamily_policy_id_4988084a", "(policy_id)"),
    (FAMILY, "tokens_tokenfamily_signing_key_id_f1be8e4b", "(signing_key_id)"),
    (FAMILY, "tokens_tokenfamily_user_id_5e558306", "(user_id)"),
)
NEW_INDEXES = (
    (TOKEN, "jwts_by_signing_key", "(signing_key_id) WHERE signing_key_id IS NOT NULL"),
    (KEY, "jwt_refresh_keys_by_signer", "(signing_key_id) WHERE signing_key_id IS NOT NULL"),
    (FAMILY, "families_by_user", "(user_id) WHERE user_id IS NOT NULL"),
    (FAMILY, "families_by_group", "(group_id) WHERE group_id IS NOT NULL"),
)
# Unique constraints whose index stays, and those that get another: table, old name, new name.
RENAMED = (
    (TOKEN, "tokens_issuedtoken_digest_key", "one_access_token_per_digest"),
    (KEY, "tokens_refreshkey_token_hash_key", "one_refresh_key_per_hash"),
)
REPLACED = (
    (TOKEN, "tokens_issuedtoken_jti_key", "one_access_token_per_jti"),
    (KEY, "tokens_refreshkey_jti_key", "one_refresh_key_per_jti"),
)
CHILDLESS = f"""
    UPDATE {KEY} AS k SET parent_id = NULL
    WHERE parent_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM {KEY} AS p WHERE p.id = k.parent_id)"""


def _index(editor: BaseDatabaseSchemaEditor, table: str, name: str, definition: str, unique: str = "") -> None:
    _no_index(editor, name)  # one that was begun and is no good
    editor.execute(f"CREATE {unique} INDEX CONCURRENTLY {name} ON {table} {definition}")


def _no_index(editor: BaseDatabaseSchemaEditor, name: str) -> None:
    editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")


def _constraints(editor: BaseDatabaseSchemaEditor) -> set[str]:
    with editor.connection.cursor() as cursor:
        cursor.execute(
            "SELECT conname FROM pg_constraint WHERE conrelid IN (%s::regclass, %s::regclass, %s::regclass)",
            [FAMILY, TOKEN, KEY],
        )
        return {name for (name,) in cursor.fetchall()}


def _rename(editor: BaseDatabaseSchemaEditor, table: str, old: str, new: str) -> None:
    if old in _constraints(editor):
        editor.execute(f"ALTER TABLE {table} RENAME CONSTRAINT {old} TO {new}")


def _forwards_on_postgresql(editor: BaseDatabaseSchemaEditor) -> None:
    for table, _, _, name in FOREIGN_KEYS:
        editor.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}")
    for table, old, new in RENAMED:
        _rename(editor, table, old, new)
    for index in NEW_INDEXES:
        _index(editor, *index)
    for table, old, new in REPLACED:
        _index(editor, table, new, "(jti varchar_pattern_ops)", "UNIQUE")
        editor.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {old}")
    for _, name, _ in OLD_INDEXES:
        _no_index(editor, name)


def _backwards_on_postgresql(editor: BaseDatabaseSchemaEditor) -> None:
    for index in OLD_INDEXES:
        _index(editor, *index)
    for table, old, new in REPLACED:
        if old not in _constraints(editor):
            _index(editor, table, old, "(jti)", "UNIQUE")
            editor.execute(f"ALTER TABLE {table} ADD CONSTRAINT {old} UNIQUE USING INDEX {old}")
        _no_index(editor, new)
    for _, name, _ in NEW_INDEXES:
        _no_index(editor, name)
    for table, old, new in RENAMED:
        _rename(editor, table, new, old)
    editor.execute(CHILDLESS)
    for table, column, target, name in FOREIGN_KEYS:
        if name not in _constraints(editor):
            editor.execute(
                f"ALTER TABLE {table} ADD CONSTRAINT {name} FOREIGN KEY ({column}) REFERENCES {target} (id)"
                " DEFERRABLE INITIALLY DEFERRED NOT VALID"
            )
        editor.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}")


def _rebuild_on_sqlite(editor, apps) -> None:
    """Each table as its model is now. Its numbers go on where they were: none is given twice."""
    with transaction.atomic(editor.connection.alias), editor.connection.cursor() as cursor:
        for name in ("tokenfamily", "issuedtoken", "refreshkey"):
            model = apps.get_model("tokens", name)
            table = model._meta.db_table
            cursor.execute("SELECT name, seq FROM sqlite_sequence WHERE name = %s", [table])
            reached = cursor.fetchall()  # all: a cursor that is not read to its end would lock the table
            editor._remake_table(model)  # noqa: SLF001 - Django itself has no other word for it
            cursor.execute("DELETE FROM sqlite_sequence WHERE name = %s", [table])
            cursor.executemany("INSERT INTO sqlite_sequence (name, seq) VALUES (%s, %s)", reached)


class Lighten(migrations.SeparateDatabaseAndState):
    """What the state says in many steps is one for the database."""

    def database_forwards(self, app_label, schema_editor, from_state, to_state):  # noqa: ARG002 - Django calls it so
        if schema_editor.connection.vendor == "postgresql":
            _forwards_on_postgresql(schema_editor)
        else:
            _rebuild_on_sqlite(schema_editor, to_state.apps)

    def database_backwards(self, app_label, schema_editor, from_state, to_state):  # noqa: ARG002 - Django calls it so
        if schema_editor.connection.vendor == "postgresql":
            _backwards_on_postgresql(schema_editor)
        else:
            with transaction.atomic(schema_editor.connection.alias):
                schema_editor.execute(CHILDLESS)
            _rebuild_on_sqlite(schema_editor, to_state.apps)


class Migration(migrations.Migration):
    atomic = False
    dependencies = [
        ("credentials", "0007_owner_teams"),
        ("proxies", "0004_owner_teams"),
        ("tokens", "0015_verifiers_of_imported_tokens"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        Lighten(
            state_operations=[
                migrations.AlterField(
                    model_name="issuedtoken",
                    name="digest",
                    field=models.CharField(max_length=64, null=True),
                ),
                migrations.AlterField(
                    model_name="issuedtoken",
                    name="family",
                    field=models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="tokens",
                        to="tokens.tokenfamily",
                    ),
                ),
                migrations.AlterField(
                    model_name="issuedtoken",
                    name="jti",
                    field=models.CharField(max_length=64),
                ),
                migrations.AlterField(
                    model_name="issuedtoken",
                    name="signing_key",
                    field=models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="tokens",
                        to="tokens.signingkey",
                    ),
                ),
                migrations.AlterField(
                    model_name="refreshkey",
                    name="family",
                    field=models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="refresh_keys",
                        to="tokens.tokenfamily",
                    ),
                ),
                migrations.AlterField(
                    model_name="refreshkey",
                    name="jti",
                    field=models.CharField(max_length=64),
                ),
                migrations.AlterField(
                    model_name="refreshkey",
                    name="parent",
                    field=models.OneToOneField(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="successor",
                        to="tokens.refreshkey",
                    ),
                ),
                migrations.AlterField(
                    model_name="refreshkey",
                    name="signing_key",
                    field=models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="tokens.signingkey",
                    ),
                ),
                migrations.AlterField(
                    model_name="refreshkey",
                    name="token_hash",
                    field=models.CharField(max_length=64),
                ),
                migrations.AlterField(
                    model_name="tokenfamily",
                    name="credential",
                    field=models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="families",
                        to="credentials.credential",
                    ),
                ),
                migrations.AlterField(
                    model_name="tokenfamily",
                    name="credential_deployment",
                    field=models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="credentials.credentialdeployment",
                    ),
                ),
                migrations.AlterField(
                    model_name="tokenfamily",
                    name="deployment",
                    field=models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="proxies.deployment",
                    ),
                ),
                migrations.AlterField(
                    model_name="tokenfamily",
                    name="environment",
                    field=models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="families",
                        to="proxies.environment",
                    ),
                ),
                migrations.AlterField(
                    model_name="tokenfamily",
                    name="grant",
                    field=models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="credentials.grant",
                    ),
                ),
                migrations.AlterField(
                    model_name="tokenfamily",
                    name="group",
                    field=models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="families",
                        to="proxies.proxygroup",
                    ),
                ),
                migrations.AlterField(
                    model_name="tokenfamily",
                    name="legacy_verifier",
                    field=models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        help_text="Imported: what knows its tokens of before.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="families",
                        to="tokens.legacyverifier",
                    ),
                ),
                migrations.AlterField(
                    model_name="tokenfamily",
                    name="policy",
                    field=models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="tokens.tokenpolicy",
                    ),
                ),
                migrations.AlterField(
                    model_name="tokenfamily",
                    name="proxy",
                    field=models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="families",
                        to="proxies.apiproxy",
                    ),
                ),
                migrations.AlterField(
                    model_name="tokenfamily",
                    name="signing_key",
                    field=models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        help_text="Key at issue; changed: all end.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="tokens.signingkey",
                    ),
                ),
                migrations.AlterField(
                    model_name="tokenfamily",
                    name="user",
                    field=models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="families",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                migrations.AddIndex(
                    model_name="issuedtoken",
                    index=models.Index(
                        condition=models.Q(("signing_key__isnull", False)),
                        fields=["signing_key"],
                        name="jwts_by_signing_key",
                    ),
                ),
                migrations.AddIndex(
                    model_name="refreshkey",
                    index=models.Index(
                        condition=models.Q(("signing_key__isnull", False)),
                        fields=["signing_key"],
                        name="jwt_refresh_keys_by_signer",
                    ),
                ),
                migrations.AddIndex(
                    model_name="tokenfamily",
                    index=models.Index(
                        condition=models.Q(("user__isnull", False)), fields=["user"], name="families_by_user"
                    ),
                ),
                migrations.AddIndex(
                    model_name="tokenfamily",
                    index=models.Index(
                        condition=models.Q(("group__isnull", False)), fields=["group"], name="families_by_group"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="issuedtoken",
                    constraint=models.UniqueConstraint(fields=("digest",), name="one_access_token_per_digest"),
                ),
                migrations.AddConstraint(
                    model_name="issuedtoken",
                    constraint=models.UniqueConstraint(
                        fields=("jti",), name="one_access_token_per_jti", opclasses=["varchar_pattern_ops"]
                    ),
                ),
                migrations.AddConstraint(
                    model_name="refreshkey",
                    constraint=models.UniqueConstraint(fields=("token_hash",), name="one_refresh_key_per_hash"),
                ),
                migrations.AddConstraint(
                    model_name="refreshkey",
                    constraint=models.UniqueConstraint(
                        fields=("jti",), name="one_refresh_key_per_jti", opclasses=["varchar_pattern_ops"]
                    ),
                ),
            ]
        )
    ]
