"""Token policies."""

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from proxies.adminkit import Act, PortalAdmin, actor
from tokens import policies
from tokens.admin.policy_forms import NewPolicyForm, PolicyForm, suggested_terms
from tokens.lifetime_picture import lifetime_picture
from tokens.models import TokenPolicy
from tokens.policy_warnings import policy_warnings, preview_lines

ACT_PAGE = "admin/tokens/tokenpolicy/act.html"


def _warn(request: HttpRequest, policy: TokenPolicy) -> None:
    for sentence in policy_warnings(policies.terms_of(policy)):
        messages.warning(request, sentence)


def _add(request: HttpRequest, subject: None, values: dict[str, Any]) -> str:
    owners = [values.pop(name) for name in ("proxy", "group", "credential")]
    owner = next(owner for owner in owners if owner is not None)
    made = policies.set_policy(owner, by=actor(request), **values)
    _warn(request, made)
    return _("The {policy} is in force.").format(policy=made)


def _change(request: HttpRequest, subject: TokenPolicy, values: dict[str, Any]) -> str:
    owner = subject.owner
    assert owner is not None
    _warn(request, policies.set_policy(owner, by=actor(request), **values))
    return _("The {policy} is changed for families handed out from now on; earlier ones keep their terms.").format(
        policy=subject
    )


def _suspend(request: HttpRequest, subject: TokenPolicy, values: dict[str, Any]) -> str:
    policies.suspend(subject, by=actor(request))
    return _("The {policy} is suspended: no new tokens and no refresh. Access tokens in use live on.").format(
        policy=subject
    )


def _resume(request: HttpRequest, subject: TokenPolicy, values: dict[str, Any]) -> str:
    policies.resume(subject, by=actor(request))
    return _("The {policy} is in force again.").format(policy=subject)


@admin.register(TokenPolicy)
class TokenPolicyAdmin(PortalAdmin):
    """Token policies."""

    section, place, icon = "Tokens", 30, "policy"
    minor = ("never_expires", "refresh_allowed", "refresh_mode")
    empty_hint = gettext_lazy(
        "A policy says how long the tokens of a proxy, group or credential live. Without one none are given."
    )
    list_display = (
        "__str__",
        "token_format",
        "never_expires",
        "access_token_lifetime_secs",
        "refresh_allowed",
        "refresh_token_lifetime_secs",
        "refresh_count",
        "refresh_mode",
        "suspended_at",
    )
    list_filter = ("token_format", "never_expires", "refresh_mode")
    list_select_related = ("proxy", "group", "credential")
    readonly_fields = ("lifetime",)
    fieldsets = (
        (None, {"fields": ("lifetime",)}),
        (
            gettext_lazy("Terms"),
            {
                "fields": (
                    "proxy",
                    "group",
                    "credential",
                    *policies.TERMS,
                    "suspended_at",
                    "updated_at",
                )
            },
        ),
    )
    add_act = Act(
        "add",
        gettext_lazy("Add token policy"),
        _add,
        "add_tokenpolicy",
        NewPolicyForm,
        suggested=suggested_terms,
        template=ACT_PAGE,
    )
    acts = (
        Act(
            "change",
            gettext_lazy("Change"),
            _change,
            "change_tokenpolicy",
            PolicyForm,
            initial=policies.terms_of,
            suggested=suggested_terms,
            template=ACT_PAGE,
        ),
        Act(
            "suspend",
            gettext_lazy("Suspend"),
            _suspend,
            "change_tokenpolicy",
            possible=lambda subject: not subject.suspended_at,
        ),
        Act(
            "resume",
            gettext_lazy("Resume"),
            _resume,
            "change_tokenpolicy",
            possible=lambda subject: bool(subject.suspended_at),
        ),
    )

    class Media:
        css = {"all": ("tokens/lifetime.css",)}

    @admin.display(description=gettext_lazy("lifetime"))
    def lifetime(self, policy: TokenPolicy) -> SafeString:
        """How long a family lasts at most, drawn and summed (S0.18, S0.19), and what is risky in the terms."""
        terms = policies.terms_of(policy)
        told = {"picture": lifetime_picture(terms), "notes": preview_lines(terms), "warnings": policy_warnings(terms)}
        return render_to_string("admin/tokens/tokenpolicy/_lifetime.html", told)
