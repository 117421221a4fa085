"""The log's index of JTIs answers "begins with" on PostgreSQL too. It is made beside the old one, so that nobody waits."""

from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

OLD = models.Index(fields=["jti"], name="log_by_jti")
NEW = models.Index(fields=["jti"], name="log_by_start_of_jti", opclasses=["varchar_pattern_ops"])


def _add(index: models.Index, schema_editor: BaseDatabaseSchemaEditor, model: type[models.Model]) -> None:
    options = {"concurrently": True} if schema_editor.connection.vendor == "postgresql" else {}
    schema_editor.add_index(model, index, **options)


def _remove(index: models.Index, schema_editor: BaseDatabaseSchemaEditor, model: type[models.Model]) -> None:
    options = {"concurrently": True} if schema_editor.connection.vendor == "postgresql" else {}
    schema_editor.remove_index(model, index, **options)


class AddOnline(migrations.AddIndex):
    """Writers of the table go on while PostgreSQL makes or drops the index."""

    def database_forwards(self, app_label, schema_editor, from_state, to_state):  # noqa: ARG002 - Django calls it so
        _add(self.index, schema_editor, to_state.apps.get_model(app_label, self.model_name))

    def database_backwards(self, app_label, schema_editor, from_state, to_state):  # noqa: ARG002 - Django calls it so
        _remove(self.index, schema_editor, from_state.apps.get_model(app_label, self.model_name))


class RemoveOnline(migrations.RemoveIndex):
    """As AddOnline, the other way."""

    def database_forwards(self, app_label, schema_editor, from_state, to_state):  # noqa: ARG002 - Django calls it so
        _remove(OLD, schema_editor, from_state.apps.get_model(app_label, self.model_name))

    def database_backwards(self, app_label, schema_editor, from_state, to_state):  # noqa: ARG002 - Django calls it so
        _add(OLD, schema_editor, to_state.apps.get_model(app_label, self.model_name))


class Migration(migrations.Migration):
    atomic = False
    dependencies = (("tokens", "0013_reminders"),)
    operations = (
        AddOnline("tokenrequestlog", NEW),
        RemoveOnline("tokenrequestlog", OLD.name),
    )
