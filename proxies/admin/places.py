"""Where a proxy or group is deployed: badges for lists, the table of its page, and what was done there before."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.contrib import admin
from django.db.models import Exists, Model, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from proxies.adminkit import PortalAdmin, act_url, badge
from proxies.models import ApiProxy, ChangeRecord, Deployment, Environment, Management, ProxyGroup

SHOWN_CHANGES = 20
ACTS = ("deploy", "undeploy")
MAY = "proxies.change_deployment"


class Place(NamedTuple):
    """An environment, how a holder stands in it, and the one act that is possible there."""

    environment: Environment
    deployment: Deployment | None
    act_url: str
    act: str

    @property
    def live(self) -> bool:
        """True where it is deployed."""
        return self.deployment is not None and self.deployment.undeployed_at is None


def place_badges(deployments: Iterable[Any]) -> SafeString:
    """One badge for each environment it ever was in; the words say it, the colour helps."""
    shown = [
        (badge("good", str(each.environment)),)
        if each.undeployed_at is None
        else (badge("quiet", _("{place}: undeployed").format(place=each.environment)),)
        for each in deployments
    ]
    return format_html_join(" ", "{}", shown or [(badge("quiet", _("nowhere")),)])


def changes_of(subject: Model, verbs: Sequence[str] = ACTS, environment: str = "") -> list[ChangeRecord]:
    """What was done to it, the newest first."""
    found = ChangeRecord.objects.filter(
        subject_kind=subject._meta.model_name, subject_id=subject.pk, verb__in=verbs
    ).order_by("-at", "-id")
    return list((found.filter(environment=environment) if environment else found)[:SHOWN_CHANGES])


def named_environment(asked: QueryDict) -> dict[str, Any]:
    """The environment that an address names, for the form of an act."""
    return {"environment": asked["environment"]} if asked.get("environment", "").isdigit() else {}


class DeployedFilter(admin.SimpleListFilter):
    """In which environment it is deployed now."""

    title = gettext_lazy("deployed in")
    parameter_name = "deployed"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(each.slug, str(each)) for each in Environment.objects.order_by("name")] + [("none", _("Nowhere"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        name = "proxy" if queryset.model is ApiProxy else "group"
        here = Deployment.objects.filter(**{name: OuterRef("pk")}, undeployed_at=None)
        if self.value() == "none":
            return queryset.filter(~Exists(here))
        return queryset.filter(Exists(here.filter(environment__slug=self.value()))) if self.value() else queryset


class DeployedAdmin(PortalAdmin):
    """A screen of what is deployed in environments."""

    change_form_template = "admin/proxies/deployed_change_form.html"

    def prepare_rows(self, rows: Sequence[Any]) -> None:
        name = "proxy" if self.model is ApiProxy else "group"
        found = defaultdict(list)
        deployments = Deployment.objects.filter(**{f"{name}__in": [row.pk for row in rows]})
        for each in deployments.select_related("environment").order_by("environment__name"):
            found[getattr(each, f"{name}_id")].append(each)
        for row in rows:
            row.places = found[row.pk]

    @admin.display(description=gettext_lazy("Deployed in"))
    def deployed(self, holder: Any) -> SafeString:
        return place_badges(holder.places)

    @admin.display(description=gettext_lazy("Management"), ordering="mode")
    def managed(self, holder: Any) -> str:
        """The short name of whose keys count."""
        return _("API Proxy Management") if holder.mode == Management.OWN else _("Credential Management")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        holder = self.get_object(request, object_id)
        told: dict[str, Any] = {}
        if holder is not None and self.has_view_permission(request, holder):
            may = request.user.has_perm(MAY) and holder.archived_at is None
            told = {"places": _places(holder, may), "changes": changes_of(holder)}
        return super().change_view(request, object_id, form_url, {**told, **(extra_context or {})})


def _places(holder: Any, may: bool) -> list[Place]:
    known = {each.environment_id: each for each in holder.places}
    return [_place(holder, each, known.get(each.pk), may) for each in Environment.objects.order_by("name")]


def _place(holder: ApiProxy | ProxyGroup, environment: Environment, known: Deployment | None, may: bool) -> Place:
    act = "undeploy" if known is not None and known.undeployed_at is None else "deploy"
    url = (
        act_url(known, act)
        if known is not None
        else f"{act_url(holder, act)}?{urlencode({'environment': environment.pk})}"
    )
    return Place(environment, known, url if may else "", act)


def page_of(holder: Model) -> str:
    """The page of a proxy or group."""
    return reverse(f"admin:proxies_{holder._meta.model_name}_change", args=[holder.pk])
