"""API proxies and proxy groups."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from proxies import catalogue, deployment
from proxies.admin.forms import (
    HolderForm,
    MemberForm,
    ModeForm,
    NewGroupForm,
    NewProxyForm,
    NoteForm,
    PathRulesForm,
    PlaceForm,
    ProxyForm,
)
from proxies.admin.places import DeployedAdmin, DeployedFilter, named_environment
from proxies.adminkit import Act, OrphanFilter, OwnerFilter, Words, actor, initial_of, moment
from proxies.models import ApiProxy, GroupMembership, Management, PathRule, ProxyGroup, ScopeMatch


def _add_proxy(request: HttpRequest, subject: None, values: dict[str, Any]) -> str:
    return _("{thing} was added. Next: give it a key, a policy, and deploy it.").format(
        thing=catalogue.add_proxy(by=actor(request), **values)
    )


def _add_group(request: HttpRequest, subject: None, values: dict[str, Any]) -> str:
    return _("{thing} was added. Next: give it a key, a policy, and deploy it.").format(
        thing=catalogue.add_group(by=actor(request), **values)
    )


def _change_proxy(request: HttpRequest, subject: ApiProxy, values: dict[str, Any]) -> str:
    catalogue.change_proxy(subject, by=actor(request), **values)
    return _("{subject} was changed.").format(subject=subject)


def _change_group(request: HttpRequest, subject: ProxyGroup, values: dict[str, Any]) -> str:
    catalogue.change_group(subject, by=actor(request), **values)
    return _("{subject} was changed.").format(subject=subject)


def _deploy(request: HttpRequest, subject: ApiProxy | ProxyGroup, values: dict[str, Any]) -> str:
    deployment.deploy(subject, values["environment"], by=actor(request), note=values["note"])
    return _("{subject} is deployed in {environment}.").format(subject=subject, environment=values["environment"])


def _undeploy(request: HttpRequest, subject: ApiProxy | ProxyGroup, values: dict[str, Any]) -> str:
    deployment.undeploy(subject, values["environment"], by=actor(request), note=values["note"])
    return _("{subject} is undeployed in {environment}. Its tokens there have ended, for good.").format(
        subject=subject, environment=values["environment"]
    )


def _set_mode(request: HttpRequest, subject: ApiProxy | ProxyGroup, values: dict[str, Any]) -> str:
    catalogue.set_mode(subject, values["mode"], by=actor(request))
    return _("{subject}: {label}.").format(subject=subject, label=Management(values["mode"]).label)


def _archive(request: HttpRequest, subject: ApiProxy | ProxyGroup, values: dict[str, Any]) -> str:
    catalogue.archive(subject, by=actor(request), note=values["note"])
    return _("{subject} is undeployed everywhere and archived.").format(subject=subject)


def _set_path_rules(request: HttpRequest, subject: ApiProxy, values: dict[str, Any]) -> str:
    catalogue.set_path_rules(subject, values["rules"], by=actor(request))
    return _("{subject} has {count} path rules.").format(subject=subject, count=len(values["rules"]))


def _add_member(request: HttpRequest, subject: ProxyGroup, values: dict[str, Any]) -> str:
    catalogue.add_member(subject, values["proxy"], by=actor(request))
    return _("Tokens of {subject} open {proxy} now.").format(subject=subject, proxy=values["proxy"])


def _remove_member(request: HttpRequest, subject: ProxyGroup, values: dict[str, Any]) -> str:
    catalogue.remove_member(subject, values["proxy"], by=actor(request))
    return _("Tokens of {subject} no longer open {proxy}.").format(subject=subject, proxy=values["proxy"])


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
        Act(
            "deploy",
            gettext_lazy("Deploy"),
            _deploy,
            "change_deployment",
            PlaceForm,
            possible=_live,
            suggested=named_environment,
        ),
        Act(
            "undeploy",
            gettext_lazy("Undeploy"),
            _undeploy,
            "change_deployment",
            PlaceForm,
            suggested=named_environment,
            help=gettext_lazy("Its tokens in that environment end at once and for good, never-expiring ones too."),
            dangerous=True,
            milder=gettext_lazy(
                "Milder: suspend its token policy. Then no new tokens are given, and those in use live on."
            ),
        ),
        Act(
            "set-mode",
            gettext_lazy("Management mode"),
            _set_mode,
            change,
            ModeForm,
            help=gettext_lazy("Tokens obtained in the other mode are refused while it is so."),
            dangerous=True,
            possible=_live,
            initial=initial_of(ModeForm),
        ),
        Act(
            "archive",
            gettext_lazy("Archive"),
            _archive,
            change,
            NoteForm,
            help=gettext_lazy(
                "It is undeployed everywhere and can never be used again. Its slug and audience stay taken."
            ),
            dangerous=True,
            milder=gettext_lazy("Milder: undeploy it. An undeployed one can be deployed again."),
            possible=_live,
        ),
    )


HOLDER_WORDS = Words(exact=("slug", "audience"), prefix=("slug", "audience"), within=("name",), detail="audience")


class ViewInline(admin.TabularInline):
    """Rows to look at."""

    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class PathRuleInline(ViewInline):
    """What its methods and paths need."""

    model = PathRule
    fields = readonly_fields = ("method", "pattern", "scopes", "match")


class MembershipInline(ViewInline):
    """Which proxies are in which groups."""

    model = GroupMembership
    fields = readonly_fields = ("group", "proxy", "joined")

    @admin.display(description=gettext_lazy("since"))
    def joined(self, membership: GroupMembership) -> SafeString | str:
        return moment(membership.since)


@admin.register(ApiProxy)
class ApiProxyAdmin(DeployedAdmin):
    """API proxies."""

    section, place, icon = "APIs", 10, "proxy"
    minor = ("slug", "managed", "owner_team")
    empty_hint = gettext_lazy(
        "Add the first API that clients will call. Then give it a key and a policy, and deploy it."
    )
    list_display = ("name", "slug", "deployed", "audience", "managed", "owner_name", "owner_team", "archived_at")
    list_filter = (DeployedFilter, "mode", OwnerFilter, OrphanFilter, ("archived_at", admin.EmptyFieldListFilter))
    search_fields = ("name", "slug", "audience", "owner_name")
    words = HOLDER_WORDS
    inlines = (PathRuleInline, MembershipInline)
    add_act = Act("add", gettext_lazy("Add API proxy"), _add_proxy, "add_apiproxy", NewProxyForm)
    acts = (
        Act(
            "change", gettext_lazy("Change"), _change_proxy, "change_apiproxy", ProxyForm, initial=initial_of(ProxyForm)
        ),
        Act(
            "path-rules",
            gettext_lazy("Path rules"),
            _set_path_rules,
            "change_apiproxy",
            PathRulesForm,
            initial=_rule_lines,
        ),
        *_deployment_acts("apiproxy"),
    )


@admin.register(ProxyGroup)
class ProxyGroupAdmin(DeployedAdmin):
    """Proxy groups."""

    section, place, icon = "APIs", 20, "group"
    minor = ("slug", "managed", "owner_team")
    empty_hint = gettext_lazy("A group lets one token open several proxies. Add one and choose its members.")
    list_display = ("name", "slug", "deployed", "audience", "managed", "owner_name", "owner_team", "archived_at")
    list_filter = (DeployedFilter, "mode", OwnerFilter, OrphanFilter, ("archived_at", admin.EmptyFieldListFilter))
    search_fields = ("name", "slug", "audience", "owner_name")
    words = HOLDER_WORDS
    inlines = (MembershipInline,)
    add_act = Act("add", gettext_lazy("Add proxy group"), _add_group, "add_proxygroup", NewGroupForm)
    acts = (
        Act(
            "change",
            gettext_lazy("Change"),
            _change_group,
            "change_proxygroup",
            HolderForm,
            initial=initial_of(HolderForm),
        ),
        Act("add-member", gettext_lazy("Add member"), _add_member, "change_proxygroup", MemberForm, possible=_live),
        Act(
            "remove-member",
            gettext_lazy("Remove member"),
            _remove_member,
            "change_proxygroup",
            MemberForm,
            help=gettext_lazy("The group's tokens stop opening this proxy with the next request."),
            dangerous=True,
            milder=gettext_lazy(
                "Milder: path rules of the proxy that need a scope which only some of the group's tokens have."
            ),
        ),
        *_deployment_acts("proxygroup"),
    )
