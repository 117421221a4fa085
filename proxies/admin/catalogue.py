"""Screens of what exists and where it is deployed."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from proxies import catalogue, deployment
from proxies.adminkit import Act, PortalAdmin, actor, owner_fields
from proxies.models import (
    ApiProxy,
    ChangeRecord,
    Deployment,
    Environment,
    GroupMembership,
    Management,
    PathRule,
    ProxyGroup,
    ScopeMatch,
)

_ENVIRONMENTS = Environment.objects.all()
_LIVE_PROXIES = ApiProxy.objects.filter(archived_at=None)


class EnvironmentForm(forms.Form):
    """What may change of an environment."""

    name = forms.CharField(max_length=100)
    kind = forms.ChoiceField(choices=Environment.Kind.choices)
    description = forms.CharField(required=False, widget=forms.Textarea)
    signing_key_rotation_days = forms.IntegerField(
        label="Rotate the signing key every so many days",
        required=False,
        min_value=1,
        max_value=catalogue.LONGEST_ROTATION_DAYS,
        help_text="Nobody is cut off. The next key is published up to 7 days ahead. Empty: by hand.",
    )


class NewEnvironmentForm(EnvironmentForm):
    """What a new environment needs."""

    slug = forms.SlugField(max_length=50, help_text="Part of URLs: /env/<slug>/oauth2/token. Permanent.")
    field_order = ("name", "slug")


class GatewaySwitchForm(EnvironmentForm):
    """An existing environment, with the switch for gateways."""

    gateways_must_authenticate = forms.BooleanField(
        required=False, help_text="Gateways must show a connection token when they ask /auth/verify."
    )


def _add_environment(request: HttpRequest, subject: None, values: dict[str, Any]) -> str:
    return f"{catalogue.add_environment(by=actor(request), **values)} was added."


def _change_environment(request: HttpRequest, subject: Environment, values: dict[str, Any]) -> str:
    catalogue.change_environment(subject, by=actor(request), **values)
    return f"{subject} was changed."


def _make_default(request: HttpRequest, subject: Environment, values: dict[str, Any]) -> str:
    catalogue.make_default(subject, by=actor(request))
    return f"{subject} is the default environment now."


def _values_of(form: type[forms.Form]) -> Any:
    """Initial values of a form: the subject's fields of the same names."""
    return lambda subject: {name: getattr(subject, name, None) for name in form.base_fields}


@admin.register(Environment)
class EnvironmentAdmin(PortalAdmin):
    """Environments."""

    list_display = ("name", "slug", "kind", "is_default", "gateways_must_authenticate")
    list_filter = ("kind",)
    search_fields = ("name", "slug")
    add_act = Act("add", "Add environment", _add_environment, "add_environment", NewEnvironmentForm)
    acts = (
        Act(
            "change",
            "Change",
            _change_environment,
            "change_environment",
            GatewaySwitchForm,
            initial=_values_of(GatewaySwitchForm),
        ),
        Act(
            "make-default",
            "Make it the default",
            _make_default,
            "change_environment",
            help="Clients that use the endpoints without /env/<slug>/ will get tokens of this environment.",
            dangerous=True,
            possible=lambda subject: not subject.is_default,
        ),
    )


class HolderForm(forms.Form):
    """What proxies and groups have in common."""

    name = forms.CharField(max_length=150)
    description = forms.CharField(required=False, widget=forms.Textarea)
    scopes = forms.CharField(required=False, help_text="Separated by spaces. Empty: the one scope 'access'.")
    owner_name = owner_fields()["owner_name"]
    owner_email = owner_fields()["owner_email"]


class ProxyForm(HolderForm):
    """What may change of a proxy."""

    required_scopes = forms.CharField(required=False, help_text="Scopes that every call needs, separated by spaces.")
    required_match = forms.ChoiceField(choices=ScopeMatch.choices)
    accept_token_in_url = forms.BooleanField(
        label="Accept the token in the URL",
        required=False,
        help_text=(
            "As access_token of the URI that a trusted gateway forwards. Risky: URLs stay in logs and histories."
        ),
    )


class _Identity(forms.Form):
    slug = forms.SlugField(max_length=80, help_text="Short name for gateways and clients. Permanent.")
    audience = forms.CharField(
        max_length=255, required=False, help_text="Absolute URI. Empty: made from the slug. Permanent."
    )


class NewProxyForm(_Identity, ProxyForm):
    """What a new proxy needs."""

    field_order = ("name", "slug", "audience", "scopes")


class NewGroupForm(_Identity, HolderForm):
    """What a new group needs."""

    members = forms.ModelMultipleChoiceField(_LIVE_PROXIES, required=False)
    field_order = ("name", "slug", "audience", "members", "scopes")


class PlaceForm(forms.Form):
    """An environment, and why."""

    environment = forms.ModelChoiceField(_ENVIRONMENTS)
    note = forms.CharField(required=False, max_length=500)


class NoteForm(forms.Form):
    """Why."""

    note = forms.CharField(required=False, max_length=500)


class ModeForm(forms.Form):
    """Whose policy and keys count."""

    mode = forms.ChoiceField(choices=Management.choices)


class MemberForm(forms.Form):
    """A proxy."""

    proxy = forms.ModelChoiceField(_LIVE_PROXIES)


def _rule(words: list[str]) -> catalogue.Rule:
    match = words.pop(2)[:-1] if words[2:3] in (["any:"], ["all:"]) else ScopeMatch.ALL.value
    if len(words) < 3:
        raise forms.ValidationError("Each line has a method, a path and at least one scope.")
    return catalogue.Rule(words[0].replace("*", ""), words[1], " ".join(words[2:]), match)


class PathRulesForm(forms.Form):
    """Path rules, one a line."""

    rules = forms.CharField(
        required=False,
        widget=forms.Textarea,
        help_text=(
            "One a line: METHOD /path/pattern scope scope. METHOD may be *, a path segment * and the rest **. "
            "All scopes are needed; with any: before them one is enough."
        ),
    )

    def clean_rules(self) -> list[catalogue.Rule]:
        return [_rule(line.split()) for line in self.cleaned_data["rules"].splitlines() if line.split()]


def _add_proxy(request: HttpRequest, subject: None, values: dict[str, Any]) -> str:
    return (
        f"{catalogue.add_proxy(by=actor(request), **values)} was added. Next: give it a key, a policy, and deploy it."
    )


def _add_group(request: HttpRequest, subject: None, values: dict[str, Any]) -> str:
    return (
        f"{catalogue.add_group(by=actor(request), **values)} was added. Next: give it a key, a policy, and deploy it."
    )


def _change_proxy(request: HttpRequest, subject: ApiProxy, values: dict[str, Any]) -> str:
    catalogue.change_proxy(subject, by=actor(request), **values)
    return f"{subject} was changed."


def _change_group(request: HttpRequest, subject: ProxyGroup, values: dict[str, Any]) -> str:
    catalogue.change_group(subject, by=actor(request), **values)
    return f"{subject} was changed."


def _deploy(request: HttpRequest, subject: ApiProxy | ProxyGroup, values: dict[str, Any]) -> str:
    deployment.deploy(subject, values["environment"], by=actor(request), note=values["note"])
    return f"{subject} is deployed in {values['environment']}."


def _undeploy(request: HttpRequest, subject: ApiProxy | ProxyGroup, values: dict[str, Any]) -> str:
    deployment.undeploy(subject, values["environment"], by=actor(request), note=values["note"])
    return f"{subject} is undeployed in {values['environment']}. Its tokens there have ended, for good."


def _set_mode(request: HttpRequest, subject: ApiProxy | ProxyGroup, values: dict[str, Any]) -> str:
    catalogue.set_mode(subject, values["mode"], by=actor(request))
    return f"{subject}: {Management(values['mode']).label}."


def _archive(request: HttpRequest, subject: ApiProxy | ProxyGroup, values: dict[str, Any]) -> str:
    catalogue.archive(subject, by=actor(request), note=values["note"])
    return f"{subject} is undeployed everywhere and archived."


def _set_path_rules(request: HttpRequest, subject: ApiProxy, values: dict[str, Any]) -> str:
    catalogue.set_path_rules(subject, values["rules"], by=actor(request))
    return f"{subject} has {len(values['rules'])} path rules."


def _add_member(request: HttpRequest, subject: ProxyGroup, values: dict[str, Any]) -> str:
    catalogue.add_member(subject, values["proxy"], by=actor(request))
    return f"Tokens of {subject} open {values['proxy']} now."


def _remove_member(request: HttpRequest, subject: ProxyGroup, values: dict[str, Any]) -> str:
    catalogue.remove_member(subject, values["proxy"], by=actor(request))
    return f"Tokens of {subject} no longer open {values['proxy']}."


def _live(subject: ApiProxy | ProxyGroup) -> bool:
    return subject.archived_at is None


def _rule_lines(subject: ApiProxy) -> dict[str, Any]:
    rules = subject.path_rules.order_by("id")
    return {"rules": "\n".join(_rule_line(rule) for rule in rules)}


def _rule_line(rule: PathRule) -> str:
    one_is_enough = "any: " if rule.match == ScopeMatch.ANY else ""
    return f"{rule.method or '*'} {rule.pattern} {one_is_enough}{rule.scopes}"


def _deployment_acts(model: str) -> tuple[Act, ...]:
    """What a proxy and a group can both undergo."""
    change = f"change_{model}"
    return (
        Act("deploy", "Deploy", _deploy, change, PlaceForm, possible=_live),
        Act(
            "undeploy",
            "Undeploy",
            _undeploy,
            change,
            PlaceForm,
            help="Its tokens in that environment end at once and for good, never-expiring ones too.",
            dangerous=True,
            milder="Milder: suspend its token policy. Then no new tokens are given, and those in use live on.",
        ),
        Act(
            "set-mode",
            "Management mode",
            _set_mode,
            change,
            ModeForm,
            help="Tokens obtained in the other mode are refused while it is so.",
            dangerous=True,
            possible=_live,
            initial=_values_of(ModeForm),
        ),
        Act(
            "archive",
            "Archive",
            _archive,
            change,
            NoteForm,
            help="It is undeployed everywhere and can never be used again. Its slug and audience stay taken.",
            dangerous=True,
            milder="Milder: undeploy it. An undeployed one can be deployed again.",
            possible=_live,
        ),
    )


class DeploymentInline(admin.TabularInline):
    """Where it is deployed."""

    model = Deployment
    extra = 0
    can_delete = False
    fields = readonly_fields = ("environment", "deployed_at", "undeployed_at", "generation")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class PathRuleInline(DeploymentInline):
    """What its methods and paths need."""

    model = PathRule  # type: ignore[assignment]
    fields = readonly_fields = ("method", "pattern", "scopes", "match")


class MembershipInline(admin.TabularInline):
    """Which proxies are in which groups."""

    model = GroupMembership
    extra = 0
    can_delete = False
    fields = readonly_fields = ("group", "proxy", "since")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(ApiProxy)
class ApiProxyAdmin(PortalAdmin):
    """API proxies."""

    list_display = ("name", "slug", "audience", "mode", "owner_name", "archived_at")
    list_filter = ("mode", ("archived_at", admin.EmptyFieldListFilter))
    search_fields = ("name", "slug", "audience", "owner_name")
    inlines = (DeploymentInline, PathRuleInline, MembershipInline)
    add_act = Act("add", "Add API proxy", _add_proxy, "add_apiproxy", NewProxyForm)
    acts = (
        Act("change", "Change", _change_proxy, "change_apiproxy", ProxyForm, initial=_values_of(ProxyForm)),
        Act("path-rules", "Path rules", _set_path_rules, "change_apiproxy", PathRulesForm, initial=_rule_lines),
        *_deployment_acts("apiproxy"),
    )


@admin.register(ProxyGroup)
class ProxyGroupAdmin(PortalAdmin):
    """Proxy groups."""

    list_display = ("name", "slug", "audience", "mode", "owner_name", "archived_at")
    list_filter = ("mode", ("archived_at", admin.EmptyFieldListFilter))
    search_fields = ("name", "slug", "audience", "owner_name")
    inlines = (DeploymentInline, MembershipInline)
    add_act = Act("add", "Add proxy group", _add_group, "add_proxygroup", NewGroupForm)
    acts = (
        Act("change", "Change", _change_group, "change_proxygroup", HolderForm, initial=_values_of(HolderForm)),
        Act("add-member", "Add member", _add_member, "change_proxygroup", MemberForm, possible=_live),
        Act(
            "remove-member",
            "Remove member",
            _remove_member,
            "change_proxygroup",
            MemberForm,
            help="The group's tokens stop opening this proxy with the next request.",
            dangerous=True,
        ),
        *_deployment_acts("proxygroup"),
    )


@admin.register(Deployment)
class DeploymentAdmin(PortalAdmin):
    """What is deployed where."""

    list_display = ("holder", "environment", "deployed_at", "undeployed_at", "generation")
    list_filter = ("environment", ("undeployed_at", admin.EmptyFieldListFilter))
    list_select_related = ("proxy", "group", "environment")
    search_fields = ("proxy__name", "group__name")


@admin.register(ChangeRecord)
class ChangeRecordAdmin(PortalAdmin):
    """Who changed what, when."""

    list_display = ("at", "actor", "verb", "subject_kind", "subject_name", "environment", "note")
    list_filter = ("verb", "subject_kind")
    search_fields = ("subject_name", "actor", "note")
    date_hierarchy = "at"
