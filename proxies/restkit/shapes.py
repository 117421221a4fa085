"""Shapes of requests and answers. Shape only: present, type, length."""

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers

NOT_A_TEXT = "A text, in quotation marks."
NOT_KNOWN = "This field is not known here or cannot be changed."


class Exact(serializers.Serializer[Any]):
    """Refuses what it does not know, so that a misspelt or permanent field is not passed over in silence."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """The fields; what can be chosen is named where something else is sent."""
        found = super().get_fields()
        for field in found.values():
            for each in (field, getattr(field, "child", None)):
                if isinstance(each, serializers.ChoiceField):
                    known = ", ".join(str(choice) for choice in each.choices).replace("{", "{{").replace("}", "}}")
                    each.error_messages["invalid_choice"] = f'"{{input}}" is not one of: {known}.'
        return found

    def to_internal_value(self, data: Any) -> Any:
        """The values. Raises ValidationError that names each unknown field."""
        if isinstance(data, Mapping):
            unknown = sorted(str(name)[:50] for name in set(data) - set(self.fields))
            if unknown:
                raise serializers.ValidationError({name: [NOT_KNOWN] for name in unknown})
            texts = [name for name, field in self.fields.items() if isinstance(field, serializers.CharField)]
            if wrong := [name for name in texts if not isinstance(data.get(name, ""), str | None)]:
                raise serializers.ValidationError({name: [NOT_A_TEXT] for name in wrong})
        return super().to_internal_value(data)


class Nothing(Exact):
    """An act that needs no words."""


def confirm_field() -> serializers.CharField:
    """Where the name of what is ended is typed (D12)."""
    return serializers.CharField(
        max_length=255,
        required=False,
        trim_whitespace=False,
        help_text="The exact name of what this ends. Not needed with `?dry_run=1`.",
    )


class Confirmed(Exact):
    """A dangerous act."""

    confirm = confirm_field()


class NoteShape(Exact):
    """Why, for the history."""

    note = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")


class BecauseShape(Exact):
    """Why, for the record."""

    because = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")


class ConfirmedNote(NoteShape):
    """A dangerous act, and why."""

    confirm = confirm_field()


class ImpactLineShape(serializers.Serializer[Any]):
    """One thing that would end, counted."""

    label = serializers.CharField()  # type: ignore[assignment]  # the name of a field of ours, not theirs
    count = serializers.IntegerField()
    detail = serializers.CharField()


class ImpactShape(serializers.Serializer[Any]):
    """What an act would end. Nothing was done."""

    dry_run = serializers.BooleanField()
    act = serializers.CharField()
    confirm = serializers.CharField(help_text="What to send as `confirm` to do it.")
    impact = ImpactLineShape(many=True)


class ProblemShape(serializers.Serializer[Any]):
    """Why not (RFC 9457)."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField(help_text="A sentence for people.")
    code = serializers.CharField(help_text="Stable, for machines.")
    errors = serializers.DictField(required=False, help_text="What is wrong with which field.")  # type: ignore[assignment]
    confirm = serializers.CharField(required=False, help_text="What to send as `confirm`.")
    scope = serializers.CharField(required=False, help_text="The scope that the personal access token lacks.")


class Chosen(serializers.CharField):
    """A thing that exists, named by its slug or another unique column."""

    default_error_messages = {"unknown": "There is none of this name."}

    def __init__(self, rows: QuerySet[Any], *, by: str = "slug", **named: Any) -> None:
        self.rows, self.by = rows, by
        super().__init__(**{"max_length": 255, **named})

    def run_validation(self, data: Any = serializers.empty) -> Any:
        """The row of a name that has the form of one. Raises ValidationError where there is none."""
        name = super().run_validation(data)
        if name is None:
            return None
        found = self.rows.all().filter(**{self.by: name}).first()
        if found is None:
            self.fail("unknown")
        return found
