"""Verifiers of imported tokens have a screen: everybody sees it, who keeps the keys moves their end."""

from django.db import migrations

ALLOWED = {"view": ("Viewer", "Operator", "Security", "Auditor"), "change": ("Security",)}
NAME = "imported-token verifier"


def allow(apps, schema_editor):
    database = schema_editor.connection.alias
    types = apps.get_model("contenttypes", "ContentType").objects.using(database)
    kind, _ = types.get_or_create(app_label="tokens", model="legacyverifier")
    permissions = apps.get_model("auth", "Permission").objects.using(database)
    groups = apps.get_model("auth", "Group").objects.using(database)
    for verb, roles in ALLOWED.items():
        # An installation of before has it by the model's earlier name.
        allowed, _ = permissions.update_or_create(
            content_type=kind, codename=f"{verb}_legacyverifier", defaults={"name": f"Can {verb} {NAME}"}
        )
        for group in groups.filter(name__in=roles):
            group.permissions.add(allowed)


class Migration(migrations.Migration):
    dependencies = [("tokens", "0014_log_by_start_of_jti")]
    operations = [
        migrations.AlterModelOptions(
            name="legacyverifier",
            options={
                "default_permissions": ("view", "change"),
                "ordering": ("name",),
                "verbose_name": NAME,
            },
        ),
        migrations.RunPython(allow, migrations.RunPython.noop),
    ]
