"""Connection configurations: list, detail with tabs, and the Manage tokens dialog (S4)."""

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from credentials import rotation, rules
from credentials.admin.connection_tokens import TokenDialog, tokens_url
from credentials.models import ConnectionConfiguration
from credentials.rules import Rotation
from proxies.adminkit import (
    Act,
    ChosenFilter,
    OrphanFilter,
    OwnerFilter,
    PortalAdmin,
    Secret,
    Words,
    actor,
    owner_fields,
    state_badge,
)
from proxies.models import ChangeRecord, Environment
from proxies.sentences import translated

BADGES = {
    Rotation.RECOMMENDED: gettext_lazy("rotation recommended"),
    Rotation.OVERDUE: gettext_lazy("rotation overdue"),
}
TABS = (gettext_noop("overview"), gettext_noop("instances"), gettext_noop("activity"))
SHOWN_INSTANCES = 200
SHOWN_CHANGES = 50


class ConnectionForm(forms.Form):
    """What may change of a configuration."""

    name = forms.CharField(max_length=150, label=gettext_lazy("Name"))
    description = forms.CharField(
        required=False, max_length=10_000, widget=forms.Textarea(attrs={"rows": 3}), label=gettext_lazy("Description")
    )
    target_host = forms.CharField(
        required=False,
        max_length=255,
        help_text=gettext_lazy("Where a reverse proxy sends its traffic."),
        label=gettext_lazy("Target host"),
    )
    target_ports = forms.CharField(
        required=False,
        max_length=100,
        help_text=gettext_lazy("Separated by commas."),
        label=gettext_lazy("Target ports"),
    )
    target_protocol = forms.ChoiceField(
        choices=ConnectionConfiguration.Protocol.choices, label=gettext_lazy("Target protocol")
    )
    owner_name = owner_fields()["owner_name"]
    owner_team = owner_fields()["owner_team"]
    owner_email = owner_fields()["owner_email"]


class NewConnectionForm(ConnectionForm):
    """What a new configuration needs."""

    deployment_type = forms.ChoiceField(
        choices=ConnectionConfiguration.DeploymentType.choices,
        help_text=gettext_lazy("Permanent: its tokens work for this type only."),
        label=gettext_lazy("Deployment type"),
    )
    environment = forms.ModelChoiceField(
        Environment.objects.all(), help_text=gettext_lazy("Permanent."), label=gettext_lazy("Environment")
    )
    licence_ends_at = forms.DateTimeField(
        required=False,
        help_text=gettext_lazy("UTC. Empty: no end. Its tokens end with it."),
        label=gettext_lazy("Licence ends at"),
    )
    field_order = ("name", "description", "deployment_type", "environment", "licence_ends_at")


class LicenceForm(forms.Form):
    """The new end of the licence."""

    licence_ends_at = forms.DateTimeField(
        required=False, label=gettext_lazy("Licence ends"), help_text=gettext_lazy("UTC. Empty: no end.")
    )


class ReasonForm(forms.Form):
    """Why."""

    because = forms.CharField(required=False, max_length=200, label=gettext_lazy("Reason"))


def _open(request: HttpRequest, subject: None, values: dict[str, Any]) -> Secret:
    made = rotation.open_connection(by=actor(request), **values)
    return Secret(
        _("{configuration} is open").format(configuration=made.token.configuration), [(_("Connection token"), made.raw)]
    )


def _change(request: HttpRequest, subject: ConnectionConfiguration, values: dict[str, Any]) -> str:
    return _("{thing} was changed.").format(thing=rotation.change(subject, by=actor(request), **values))


def _extend(request: HttpRequest, subject: ConnectionConfiguration, values: dict[str, Any]) -> str:
    rotation.extend_licence(subject, until=values["licence_ends_at"], by=actor(request))
    return _("The licence of {subject} was changed. Tokens that had ended with it stay ended.").format(subject=subject)


def _close(request: HttpRequest, subject: ConnectionConfiguration, values: dict[str, Any]) -> str:
    rotation.close(subject, by=actor(request), because=values["because"])
    return _("{subject} was deleted. Its tokens are revoked, and its history stays.").format(subject=subject)


def _is_open(subject: ConnectionConfiguration) -> bool:
    return subject.closed_at is None


class RotationFilter(admin.SimpleListFilter):
    """By what the age of the oldest active token asks for (D34)."""

    title = gettext_lazy("rotation")
    parameter_name = "rotation"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(advice.value, str(label)) for advice, label in BADGES.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        wanted = next((advice for advice in BADGES if advice.value == self.value()), None)
        if wanted is None:
            return queryset
        due = ConnectionConfiguration.objects.rotation_due(wanted, timezone.now())
        return queryset.filter(pk__in=due.values("pk"))


class InstancesFilter(ChosenFilter):
    """Those of whose instances not one reports any more (F4)."""

    title, parameter_name = gettext_lazy("instances"), "instances"
    conditions = {"problem": gettext_lazy("Problem: none reports")}

    def narrowed(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        return queryset.filter(pk__in=ConnectionConfiguration.objects.in_trouble(timezone.now()).values("pk"))


class LicenceFilter(ChosenFilter):
    """Those that need a longer licence soon."""

    title, parameter_name = gettext_lazy("licence"), "licence"
    conditions = {"month": gettext_lazy("Ends within 30 days"), "past": gettext_lazy("Has ended")}

    def narrowed(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        now = timezone.now()
        if value == "past":
            return queryset.filter(licence_ends_at__lte=now)
        return queryset.filter(licence_ends_at__gt=now, licence_ends_at__lte=now + timedelta(days=30), closed_at=None)


def badge(kind: str, text: str) -> SafeString:
    """A short state in words; the colour only helps."""
    return format_html('<span class="connection-badge connection-{}">{}</span>', kind, text)


@admin.register(ConnectionConfiguration)
class ConnectionConfigurationAdmin(PortalAdmin):
    """Connection configurations."""

    section, place, icon = "Clients", 30, "connection"
    minor = ("last_use", "deployment_type", "last_refusal")
    empty_hint = gettext_lazy(
        "Open one for each kind of gateway installation. Its token lets the gateway ask about access tokens."
    )
    list_display = (
        "name", "manage", "state", "active", "age", "last_use", "deployment_type", "environment", "last_refusal",
    )  # fmt: skip
    list_filter = (
        "deployment_type",
        "environment",
        RotationFilter,
        InstancesFilter,
        LicenceFilter,
        OwnerFilter,
        OrphanFilter,
        ("closed_at", admin.EmptyFieldListFilter),
    )
    list_select_related = ("environment",)
    words = Words(within=("name", "target_host"), detail="target_host")
    search_fields = ("name", "description", "owner_name", "owner_email", "target_host")
    ordering = ("name", "pk")
    change_form_template = "admin/credentials/connectionconfiguration/change_form.html"
    fieldsets = (
        (None, {"fields": ("name", "description", "deployment_type", "environment", "state", "active", "age")}),
        (gettext_lazy("Target"), {"fields": ("target_protocol", "target_host", "target_ports")}),
        (
            gettext_lazy("Licence and owner"),
            {"fields": ("licence_ends_at", "owner_name", "owner_team", "owner_email", "created_at", "closed_at")},
        ),
        (gettext_lazy("Last refusal"), {"fields": ("last_refused_at", "last_refused_because")}),
    )
    readonly_fields = ("state", "active", "age")
    add_act = Act(
        "add", gettext_lazy("Add connection configuration"), _open, "add_connectionconfiguration", NewConnectionForm
    )
    acts = (
        Act(
            "change",
            gettext_lazy("Change"),
            _change,
            "change_connectionconfiguration",
            ConnectionForm,
            initial=lambda subject: {name: getattr(subject, name) for name in ConnectionForm.base_fields},
            possible=_is_open,
        ),
        Act(
            "licence",
            gettext_lazy("Extend licence"),
            _extend,
            "change_connectionconfiguration",
            LicenceForm,
            help=gettext_lazy("Tokens of a licence that has ended do not come back: generate new ones."),
            initial=lambda subject: {"licence_ends_at": subject.licence_ends_at},
            possible=_is_open,
        ),
        Act(
            "delete",
            gettext_lazy("Delete"),
            _close,
            "delete_connectionconfiguration",
            ReasonForm,
            help=gettext_lazy(
                "All its tokens are revoked at once and for good. The configuration stays for the record."
            ),
            dangerous=True,
            milder=gettext_lazy("Milder: replace the one token that is in question, by “Manage tokens”."),
            possible=_is_open,
        ),
    )

    class Media:
        css = {"all": ("credentials/manage_tokens.css",)}
        js = ("credentials/manage_tokens.js",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return ConnectionConfiguration.objects.with_tokens_counted()

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.tokens_view)
        name = "credentials_connectionconfiguration_tokens"
        return [path("<path:object_id>/tokens/", view, name=name), *super().get_urls()]

    def tokens_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Manage tokens: a page of its own, and what fills the dialog."""
        configuration = self.get_object(request, object_id)
        if configuration is None:
            raise Http404
        return TokenDialog(self, request, configuration).answer()

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        tab = request.GET.get("tab", TABS[0])
        subject = self.get_object(request, object_id)
        context = {**(extra_context or {}), "tab": tab if tab in TABS else TABS[0], "tabs": TABS}
        if subject is not None:
            context |= {"tokens_url": tokens_url(subject), **self._tab(subject, context["tab"])}
        return super().change_view(request, object_id, form_url, context)

    def _tab(self, subject: ConnectionConfiguration, tab: str) -> dict[str, Any]:
        if tab == "instances":
            now = timezone.now()
            seen = subject.instances.all()[:SHOWN_INSTANCES]
            return {"instances": [(each, _status(each, now)) for each in seen]}
        if tab == "activity":
            records = ChangeRecord.objects.filter(subject_kind=self.opts.model_name, subject_id=subject.pk)
            return {"changes": records[:SHOWN_CHANGES]}
        return {}

    def _shown_once(self, request: HttpRequest, act: Act, secret: Secret) -> HttpResponse:
        answer = super()._shown_once(request, act, secret)
        if isinstance(answer, TemplateResponse):
            answer.template_name = "admin/credentials/connectionconfiguration/opened.html"
        return answer

    @admin.display(description=gettext_lazy("status"))
    def state(self, configuration: ConnectionConfiguration) -> SafeString:
        if configuration.closed_at is not None:
            return badge("off", _("deleted"))
        if rules.licence_ended(configuration.licence_ends_at, timezone.now()):
            return badge("bad", _("licence ended"))
        return state_badge("active")

    @admin.display(description=gettext_lazy("active tokens"))
    def active(self, configuration: Any) -> str:
        return _("{part} of {whole}").format(part=configuration.active_tokens, whole=len(rotation.SLOTS))

    @admin.display(description=gettext_lazy("age"), ordering="oldest_active_at")
    def age(self, configuration: Any) -> str | SafeString:
        made = configuration.oldest_active_at
        if made is None:
            return "-"
        now = timezone.now()
        advice = rules.rotation(made, now)
        words = timesince(made, now, depth=1)
        if advice not in BADGES:
            return words
        return format_html("{} {}", badge(advice.value, str(BADGES[advice])), words)

    @admin.display(description=gettext_lazy("last used"), ordering="last_used_at")
    def last_use(self, configuration: Any) -> str:
        used = configuration.last_used_at
        return _("{span} ago").format(span=timesince(used, timezone.now(), depth=1)) if used else "-"

    @admin.display(description=gettext_lazy("last refusal"), ordering="last_refused_at")
    def last_refusal(self, configuration: ConnectionConfiguration) -> str:
        if configuration.last_refused_at is None:
            return "-"
        ago = timesince(configuration.last_refused_at, timezone.now(), depth=1)
        return _("{span} ago: {reason}").format(span=ago, reason=translated(configuration.last_refused_because))

    @admin.display(description=gettext_lazy("tokens"))
    def manage(self, configuration: ConnectionConfiguration) -> SafeString:
        return format_html(
            '<a class="button" href="{}" data-dialog>{}</a>', tokens_url(configuration), _("Manage tokens")
        )


def _status(instance: Any, now: Any) -> SafeString:
    status = rules.instance_status(
        last_heartbeat_at=instance.last_heartbeat_at, protecting=instance.protecting, now=now
    )
    kinds = {rules.InstanceStatus.GOOD: "good", rules.InstanceStatus.WARNING: "recommended"}
    return badge(kinds.get(status, "bad"), translated(status.value))
