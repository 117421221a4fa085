"""Environments."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from proxies import catalogue
from proxies.adminkit import Act, PortalAdmin, Words, actor, initial_of
from proxies.models import Environment


class EnvironmentForm(forms.Form):
    """What may change of an environment."""

    name = forms.CharField(max_length=100, label=gettext_lazy("Name"))
    kind = forms.ChoiceField(choices=Environment.Kind.choices, label=gettext_lazy("Kind"))
    description = forms.CharField(required=False, widget=forms.Textarea, label=gettext_lazy("Description"))
    signing_key_rotation_days = forms.IntegerField(
        label=gettext_lazy("Rotate the signing key every so many days"),
        required=False,
        min_value=1,
        max_value=catalogue.LONGEST_ROTATION_DAYS,
        help_text=gettext_lazy("Nobody is cut off. The next key is published up to 7 days ahead. Empty: by hand."),
    )


class NewEnvironmentForm(EnvironmentForm):
    """What a new environment needs."""

    slug = forms.SlugField(
        max_length=50,
        help_text=gettext_lazy("Part of URLs: /env/<slug>/oauth2/token. Permanent."),
        label=gettext_lazy("Slug"),
    )
    field_order = ("name", "slug")


class GatewaySwitchForm(EnvironmentForm):
    """An existing environment, with the switch for gateways."""

    gateways_must_authenticate = forms.BooleanField(
        required=False,
        help_text=gettext_lazy("Gateways must show a connection token when they ask /auth/verify."),
        label=gettext_lazy("Gateways must authenticate"),
    )


def _add_environment(request: HttpRequest, subject: None, values: dict[str, Any]) -> str:
    return _("{thing} was added.").format(thing=catalogue.add_environment(by=actor(request), **values))


def _change_environment(request: HttpRequest, subject: Environment, values: dict[str, Any]) -> str:
    catalogue.change_environment(subject, by=actor(request), **values)
    return _("{subject} was changed.").format(subject=subject)


def _make_default(request: HttpRequest, subject: Environment, values: dict[str, Any]) -> str:
    catalogue.make_default(subject, by=actor(request))
    return _("{subject} is the default environment now.").format(subject=subject)


@admin.register(Environment)
class EnvironmentAdmin(PortalAdmin):
    """Environments."""

    section, place, icon = "APIs", 30, "environment"
    empty_hint = gettext_lazy("An environment is where tokens work, for instance Test and Live. Add the first one.")
    minor = ("slug", "gateways_must_authenticate")
    list_display = ("name", "slug", "kind", "is_default", "gateways_must_authenticate")
    list_filter = ("kind",)
    search_fields = ("name", "slug")
    words = Words(within=("slug", "name"), detail="slug")
    add_act = Act("add", gettext_lazy("Add environment"), _add_environment, "add_environment", NewEnvironmentForm)
    acts = (
        Act(
            "change",
            gettext_lazy("Change"),
            _change_environment,
            "change_environment",
            GatewaySwitchForm,
            initial=initial_of(GatewaySwitchForm),
        ),
        Act(
            "make-default",
            gettext_lazy("Make it the default"),
            _make_default,
            "change_environment",
            help=gettext_lazy(
                "Clients that use the endpoints without /env/<slug>/ will get tokens of this environment."
            ),
            dangerous=True,
            possible=lambda subject: not subject.is_default,
        ),
    )
