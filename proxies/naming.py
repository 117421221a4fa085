"""A step of a migration: what models and fields are called. It is kept for as long as a migration names it."""

from collections.abc import Mapping
from typing import Any

from django.db.migrations.operations.base import Operation


class Name(Operation):
    """Changes the state alone, since no database knows of names.

    All at once: the steps that Django writes, one for each field, take seconds together whenever a database is made.
    """

    reduces_to_sql = False

    def __init__(
        self, fields: Mapping[str, Mapping[str, str]], models: Mapping[str, tuple[str, str]] | None = None
    ) -> None:
        self.fields = fields
        self.models = models or {}

    def state_forwards(self, app_label: str, state: Any) -> None:
        for model, (one, many) in self.models.items():
            state.models[app_label, model].options |= {"verbose_name": one, "verbose_name_plural": many}
        for model, names in self.fields.items():
            fields = state.models[app_label, model].fields
            for name, words in names.items():
                fields[name] = fields[name].clone()
                fields[name].verbose_name = fields[name]._verbose_name = words  # noqa: SLF001  what a state is read from
        state.reload_models({(app_label, model) for model in (*self.fields, *self.models)}, delay=False)

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        pass

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        pass

    def describe(self) -> str:
        return f"Name {sum(map(len, self.fields.values()))} fields and {len(self.models)} models"
