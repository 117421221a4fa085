"""What is deployed where."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from proxies import deployment
from proxies.admin.forms import NoteForm
from proxies.admin.places import changes_of, page_of
from proxies.adminkit import Act, PortalAdmin, actor, state_badge
from proxies.models import Deployment


def _deploy(request: HttpRequest, subject: Deployment, values: dict[str, Any]) -> str:
    deployment.deploy(subject.holder, subject.environment, by=actor(request), note=values["note"])
    return _("{thing} is deployed in {place}.").format(thing=subject.holder, place=subject.environment)


def _undeploy(request: HttpRequest, subject: Deployment, values: dict[str, Any]) -> str:
    deployment.undeploy(subject.holder, subject.environment, by=actor(request), note=values["note"])
    return _("{thing} is undeployed in {place}. Its tokens there have ended, for good.").format(
        thing=subject.holder, place=subject.environment
    )


@admin.register(Deployment)
class DeploymentAdmin(PortalAdmin):
    """What is deployed where."""

    section, place, icon = "APIs", 40, "deployment"
    minor = ("generation",)
    empty_hint = gettext_lazy("Nothing is deployed. Open an API proxy or a group and press Deploy.")
    list_display = ("holder", "environment", "state", "deployed_at", "undeployed_at", "generation")
    list_filter = ("environment", ("undeployed_at", admin.EmptyFieldListFilter))
    list_select_related = ("proxy", "group", "environment")
    search_fields = ("proxy__name", "group__name")
    fields = ("thing", "environment", "state", "deployed_at", "undeployed_at", "generation")
    readonly_fields = ("thing", "state")
    change_form_template = "admin/proxies/deployed_change_form.html"
    acts = (
        Act(
            "deploy",
            gettext_lazy("Deploy"),
            _deploy,
            "change_deployment",
            NoteForm,
            possible=lambda subject: subject.undeployed_at is not None and subject.holder.archived_at is None,
        ),
        Act(
            "undeploy",
            gettext_lazy("Undeploy"),
            _undeploy,
            "change_deployment",
            NoteForm,
            help=gettext_lazy("Its tokens in this environment end at once and for good, never-expiring ones too."),
            dangerous=True,
            milder=gettext_lazy(
                "Milder: suspend its token policy. Then no new tokens are given, and those in use live on."
            ),
            possible=lambda subject: subject.undeployed_at is None,
        ),
    )

    @admin.display(description=gettext_lazy("State"))
    def state(self, place: Deployment) -> SafeString:
        return state_badge("deployed" if place.undeployed_at is None else "undeployed")

    @admin.display(description=gettext_lazy("Holder"))
    def holder(self, place: Deployment) -> str:
        return str(place.holder)

    @admin.display(description=gettext_lazy("Proxy or group"))
    def thing(self, place: Deployment) -> SafeString:
        return format_html('<a href="{}">{}</a>', page_of(place.holder), place.holder)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        place = self.get_object(request, object_id)
        told: dict[str, Any] = {}
        if place is not None and self.has_view_permission(request, place):
            told = {"changes": changes_of(place.holder, environment=place.environment.slug)}
        return super().change_view(request, object_id, form_url, {**told, **(extra_context or {})})
