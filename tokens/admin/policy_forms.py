"""What is asked about a token policy, the presets to start from, and what the terms on the page come to."""

from typing import Any, NamedTuple

from django import forms
from django.http import QueryDict
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from credentials.models import Credential
from proxies.models import ApiProxy, ProxyGroup
from tokens import policies
from tokens.lifetime_picture import Picture, lifetime_picture
from tokens.models import RefreshMode, TokenFormat
from tokens.policy_warnings import policy_warnings, preview_lines


class Preset(NamedTuple):
    """Terms to start from."""

    name: str
    label: Any
    terms: dict[str, Any]


def _preset(name: str, label: Any, access: int, refresh: int, count: int | None = None) -> Preset:
    lifetimes = {"access_token_lifetime_secs": access, "refresh_token_lifetime_secs": refresh, "refresh_count": count}
    return Preset(name, label, {"never_expires": False, "refresh_allowed": True, **lifetimes})


PRESETS = (
    _preset("short", _("60 s, refresh 3 times within 60 s"), 60, 60, 3),
    _preset("short-gaps", _("60 s, refresh 3 times within 180 s"), 60, 180, 3),
    _preset("login", _("30 minutes, refresh within 7 days"), 1_800, 7 * 86_400),
    _preset("machine", _("1 hour, refresh within 30 days"), 3_600, 30 * 86_400),
)


def suggested_terms(asked: QueryDict) -> dict[str, Any]:
    """The terms of the preset that an address names; nothing for another name."""
    return next((preset.terms for preset in PRESETS if preset.name == asked.get("preset")), {})


class PolicyForm(forms.Form):
    """The terms of a policy (S0.1: one for the whole holder, never one per method)."""

    is_policy = True
    presets = PRESETS

    token_format = forms.ChoiceField(label=_("Token type"), choices=TokenFormat.choices)
    never_expires = forms.BooleanField(
        label=_("Never expires"),
        required=False,
        help_text=_("Risky: only undeploying or changing a key ends such a token."),
    )
    access_token_lifetime_secs = forms.IntegerField(
        label=_("Token lifetime (seconds)"), required=False, min_value=1, max_value=policies.LONGEST_LIFETIME
    )
    refresh_allowed = forms.BooleanField(label=_("Refresh token allowed"), required=False)
    refresh_token_lifetime_secs = forms.IntegerField(
        label=_("Refresh token lifetime (seconds)"), required=False, min_value=1, max_value=policies.LONGEST_LIFETIME
    )
    refresh_count = forms.IntegerField(
        label=_("Refresh token count"), required=False, min_value=1, help_text=_("Empty: without limit.")
    )
    refresh_mode = forms.ChoiceField(label=_("Refresh mode"), choices=RefreshMode.choices)
    retry_window_secs = forms.IntegerField(
        label=_("Retry window (seconds)"),
        min_value=0,
        max_value=policies.LONGEST_RETRY_WINDOW,
        help_text=_("A lost answer can be asked for again this long after first use. 0: strict."),
    )
    family_lifetime_secs = forms.IntegerField(
        label=_("Family lifetime (seconds)"), required=False, min_value=1, help_text=_("Empty: no absolute end.")
    )

    @cached_property
    def terms(self) -> dict[str, Any] | None:
        """The terms on the page, complete; None while they cannot be told."""
        if self.is_bound and any(name in self.errors for name in PolicyForm.base_fields):
            return None
        shown = self.cleaned_data if self.is_bound else self.initial
        known = {**policies.defaults(), **shown}
        terms = {name: known[name] for name in PolicyForm.base_fields}
        access, refresh = terms["access_token_lifetime_secs"], terms["refresh_token_lifetime_secs"]
        missing = not terms["never_expires"] and (access is None or (terms["refresh_allowed"] and refresh is None))
        return None if missing else terms

    @property
    def picture(self) -> Picture | None:
        """The terms on the page, drawn (S0.18, S0.19)."""
        return lifetime_picture(self.terms) if self.terms else None

    @property
    def lifetime(self) -> list[str]:
        """What the terms on the page come to."""
        return preview_lines(self.terms) if self.terms else [str(_("Complete the terms to see how long it lives."))]

    @property
    def warnings(self) -> list[str]:
        """What is risky in them (D8, D15)."""
        return policy_warnings(self.terms) if self.terms else []


class NewPolicyForm(PolicyForm):
    """Whose policy, and its terms."""

    proxy = forms.ModelChoiceField(
        ApiProxy.objects.filter(archived_at=None, policy=None), required=False, label=_("Proxy")
    )
    group = forms.ModelChoiceField(
        ProxyGroup.objects.filter(archived_at=None, policy=None), required=False, label=_("Group")
    )
    credential = forms.ModelChoiceField(
        Credential.objects.filter(archived_at=None, policy=None, proxy=None, group=None),
        required=False,
        label=_("Credential"),
    )
    field_order = ("proxy", "group", "credential")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["initial"] = policies.defaults() | (kwargs.get("initial") or {})
        super().__init__(*args, **kwargs)

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if sum(bool(values.get(name)) for name in ("proxy", "group", "credential")) != 1:
            raise forms.ValidationError(_("Choose exactly one proxy, group or credential."))
        return values
