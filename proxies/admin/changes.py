"""The history of changes."""

from typing import Any

from django.apps import apps
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy, gettext_noop

from proxies.adminkit import PeriodFilter, PortalAdmin, TextFilter
from proxies.models import ChangeRecord
from proxies.sentences import translated

# What the writers of all floors record as done, for the catalogues of translations.
VERBS = (
    gettext_noop("add"),
    gettext_noop("add key"),
    gettext_noop("add member"),
    gettext_noop("archive"),
    gettext_noop("change"),
    gettext_noop("change key"),
    gettext_noop("change login"),
    gettext_noop("create"),
    gettext_noop("deactivate"),
    gettext_noop("delete"),
    gettext_noop("deploy"),
    gettext_noop("export token request log"),
    gettext_noop("extend licence"),
    gettext_noop("finish"),
    gettext_noop("generate token"),
    gettext_noop("grant"),
    gettext_noop("licence ended"),
    gettext_noop("make"),
    gettext_noop("make default"),
    gettext_noop("make set-up link"),
    gettext_noop("move end"),
    gettext_noop("open"),
    gettext_noop("pause"),
    gettext_noop("publish"),
    gettext_noop("raise all generations"),
    gettext_noop("reactivate"),
    gettext_noop("register"),
    gettext_noop("remove key"),
    gettext_noop("remove member"),
    gettext_noop("remove second factor"),
    gettext_noop("renew recovery codes"),
    gettext_noop("replace token"),
    gettext_noop("resend"),
    gettext_noop("resume"),
    gettext_noop("retire"),
    gettext_noop("copy token"),
    gettext_noop("revoke"),
    gettext_noop("revoke token"),
    gettext_noop("rotate"),
    gettext_noop("rotate secret"),
    gettext_noop("run now"),
    gettext_noop("set access"),
    gettext_noop("set methods"),
    gettext_noop("set mode"),
    gettext_noop("set path rules"),
    gettext_noop("set policy"),
    gettext_noop("set up second factor"),
    gettext_noop("show token"),
    gettext_noop("stage"),
    gettext_noop("start"),
    gettext_noop("suspend"),
    gettext_noop("undeploy"),
    gettext_noop("use recovery code"),
    gettext_noop("withdraw"),
)


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
        return sorted(_names().items(), key=lambda each: each[1].lower())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(subject_kind=self.value()) if self.value() else queryset


@admin.register(ChangeRecord)
class ChangeRecordAdmin(PortalAdmin):
    """Who changed what, when."""

    section, place, icon = "Log", 20, "history"
    empty_hint = gettext_lazy("Every change that a person or the portal makes is listed here, with who, when and why.")
    minor = ("thing", "note")
    list_display = ("at", "actor", "done", "thing", "subject_name", "environment", "note")
    list_filter = (("at", PeriodFilter), VerbFilter, KindFilter)
    fields = readonly_fields = (
        "at", "actor", "done", "thing", "subject_id", "subject_name", "environment", "note", "before", "after",
    )  # fmt: skip
    search_fields = ("subject_name", "actor", "note")

    @admin.display(description=gettext_lazy("what"), ordering="verb")
    def done(self, change: ChangeRecord) -> str:
        return translated(change.verb)

    @admin.display(description=gettext_lazy("thing"), ordering="subject_kind")
    def thing(self, change: ChangeRecord) -> str:
        return _names().get(change.subject_kind, change.subject_kind)


def _names() -> dict[str, str]:
    """What each kind of thing is called."""
    ours = [model for model in apps.get_models() if model._meta.app_label in ("proxies", "credentials", "tokens")]
    return {model._meta.model_name or "": str(model._meta.verbose_name) for model in ours}
