"""Token policies."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from credentials.models import Credential
from proxies.adminkit import Act, PortalAdmin, actor
from proxies.models import ApiProxy, ProxyGroup
from tokens import policies
from tokens.models import RefreshMode, TokenFormat, TokenPolicy
from tokens.policy_warnings import policy_warnings, preview_lines


class PolicyForm(forms.Form):
    """The terms of a policy (S0.1: one for the whole holder, never one per method)."""

    token_format = forms.ChoiceField(label="Token type", choices=TokenFormat.choices)
    never_expires = forms.BooleanField(
        required=False, help_text="Risky: only undeploying or changing a key ends such a token."
    )
    access_token_lifetime_secs = forms.IntegerField(
        label="Token lifetime (seconds)", required=False, min_value=1, max_value=policies.LONGEST_LIFETIME
    )
    refresh_allowed = forms.BooleanField(label="Refresh token allowed", required=False)
    refresh_token_lifetime_secs = forms.IntegerField(
        label="Refresh token lifetime (seconds)", required=False, min_value=1, max_value=policies.LONGEST_LIFETIME
    )
    refresh_count = forms.IntegerField(
        label="Refresh token count", required=False, min_value=1, help_text="Empty: without limit."
    )
    refresh_mode = forms.ChoiceField(choices=RefreshMode.choices)
    retry_window_secs = forms.IntegerField(
        label="Retry window (seconds)",
        min_value=0,
        max_value=policies.LONGEST_RETRY_WINDOW,
        help_text="A lost answer can be asked for again this long after first use. 0: strict.",
    )
    family_lifetime_secs = forms.IntegerField(
        label="Family lifetime (seconds)", required=False, min_value=1, help_text="Empty: no absolute end."
    )

    @property
    def notes(self) -> list[str]:
        """What the terms on the page come to, and what is risky in them (D8, D15)."""
        shown = self.cleaned_data if self.is_bound and self.is_valid() else self.initial
        terms = {**policies.defaults(), **shown}
        return [*preview_lines(terms), *policy_warnings(terms)]


class NewPolicyForm(PolicyForm):
    """Whose policy, and its terms."""

    proxy = forms.ModelChoiceField(ApiProxy.objects.filter(archived_at=None, policy=None), required=False)
    group = forms.ModelChoiceField(ProxyGroup.objects.filter(archived_at=None, policy=None), required=False)
    credential = forms.ModelChoiceField(
        Credential.objects.filter(archived_at=None, policy=None, proxy=None, group=None), required=False
    )
    field_order = ("proxy", "group", "credential")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["initial"] = policies.defaults() | (kwargs.get("initial") or {})
        super().__init__(*args, **kwargs)

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if sum(bool(values.get(name)) for name in ("proxy", "group", "credential")) != 1:
            raise forms.ValidationError("Choose exactly one proxy, group or credential.")
        return values


def _warn(request: HttpRequest, policy: TokenPolicy) -> None:
    for sentence in policy_warnings(policies.terms_of(policy)):
        messages.warning(request, sentence)


def _add(request: HttpRequest, subject: None, values: dict[str, Any]) -> str:
    owners = [values.pop(name) for name in ("proxy", "group", "credential")]
    owner = next(owner for owner in owners if owner is not None)
    made = policies.set_policy(owner, by=actor(request), **values)
    _warn(request, made)
    return f"The {made} is in force."


def _change(request: HttpRequest, subject: TokenPolicy, values: dict[str, Any]) -> str:
    owner = subject.owner
    assert owner is not None
    _warn(request, policies.set_policy(owner, by=actor(request), **values))
    return f"The {subject} is changed for families handed out from now on; earlier ones keep their terms."


def _suspend(request: HttpRequest, subject: TokenPolicy, values: dict[str, Any]) -> str:
    policies.suspend(subject, by=actor(request))
    return f"The {subject} is suspended: no new tokens and no refresh. Access tokens in use live on."


def _resume(request: HttpRequest, subject: TokenPolicy, values: dict[str, Any]) -> str:
    policies.resume(subject, by=actor(request))
    return f"The {subject} is in force again."


@admin.register(TokenPolicy)
class TokenPolicyAdmin(PortalAdmin):
    """Token policies."""

    section, place, icon = "Tokens", 30, "policy"
    minor = ("never_expires", "refresh_allowed", "refresh_mode")
    empty_hint = "A policy says how long the tokens of a proxy, group or credential live. Without one none are given."
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
    readonly_fields = ("lifetime_preview", "warnings")
    add_act = Act("add", "Add token policy", _add, "add_tokenpolicy", NewPolicyForm)
    acts = (
        Act(
            "change",
            "Change",
            _change,
            "change_tokenpolicy",
            PolicyForm,
            initial=lambda subject: {name: getattr(subject, name) for name in PolicyForm.base_fields},
        ),
        Act("suspend", "Suspend", _suspend, "change_tokenpolicy", possible=lambda subject: not subject.suspended_at),
        Act("resume", "Resume", _resume, "change_tokenpolicy", possible=lambda subject: bool(subject.suspended_at)),
    )

    @admin.display(description="lifetime")
    def lifetime_preview(self, policy: TokenPolicy) -> SafeString:
        """How long a family lasts at most (S0.18, S0.19)."""
        return _listed(preview_lines(policies.terms_of(policy)))

    @admin.display(description="warnings")
    def warnings(self, policy: TokenPolicy) -> SafeString:
        """What is risky in the terms."""
        return _listed(policy_warnings(policies.terms_of(policy)))


def _listed(sentences: list[str]) -> SafeString:
    return format_html_join("", "<p>{}</p>", ((sentence,) for sentence in sentences or ["None."]))
