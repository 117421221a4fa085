"""The history of changes."""

from typing import Any

from django.apps import apps
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from proxies.adminkit import PeriodFilter, PortalAdmin, TextFilter
from proxies.models import ChangeRecord


class VerbFilter(TextFilter):
    """What was done."""

    title = gettext_lazy("what")
    parameter_name = "verb"
    placeholder = "undeploy"


class KindFilter(admin.SimpleListFilter):
    """To what kind of thing: the models of the portal, asked of the code and not of the table."""

    title = gettext_lazy("thing")
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        ours = [model for model in apps.get_models() if model._meta.app_label in ("proxies", "credentials", "tokens")]
        names = {model._meta.model_name or "": str(model._meta.verbose_name) for model in ours}
        return sorted(names.items(), key=lambda each: each[1].lower())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(subject_kind=self.value()) if self.value() else queryset


@admin.register(ChangeRecord)
class ChangeRecordAdmin(PortalAdmin):
    """Who changed what, when."""

    section, place, icon = "Log", 20, "history"
    empty_hint = gettext_lazy("Every change that a person or the portal makes is listed here, with who, when and why.")
    minor = ("subject_kind", "note")
    list_display = ("at", "actor", "verb", "subject_kind", "subject_name", "environment", "note")
    list_filter = (("at", PeriodFilter), VerbFilter, KindFilter)
    search_fields = ("subject_name", "actor", "note")
