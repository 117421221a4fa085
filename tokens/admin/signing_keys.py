"""Signing keys of environments: rotate cuts nobody off, change ends every JWT (D13)."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from proxies.adminkit import Act, PortalAdmin, actor
from proxies.models import Environment
from tokens import signing
from tokens.models import SigningKey


class NewKeyForm(forms.Form):
    """A key to stage: made here, or given in PEM."""

    environment = forms.ModelChoiceField(Environment.objects.all())
    algorithm = forms.ChoiceField(choices=SigningKey.Algorithm.choices)
    pem = forms.CharField(
        label="Private key (PEM)",
        required=False,
        widget=forms.Textarea(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text="Empty: a new key is made.",
    )


def _stage(request: HttpRequest, subject: None, values: dict[str, Any]) -> str:
    pem = values["pem"].strip().encode() or None
    key = signing.stage(values["environment"], by=actor(request), algorithm=values["algorithm"], pem=pem)
    return f"{key} is staged. Publish it, wait until every gateway has fetched the keys, then rotate."


def _publish(request: HttpRequest, subject: SigningKey, values: dict[str, Any]) -> str:
    signing.publish(subject, by=actor(request))
    return f"{subject} is in the JWKS now. It signs after the next rotation."


def _rotate(request: HttpRequest, subject: SigningKey, values: dict[str, Any]) -> str:
    key = signing.rotate(subject.environment, by=actor(request))
    return f"{key} signs from now on; the old key verifies until its last token has expired."


def _change(request: HttpRequest, subject: SigningKey, values: dict[str, Any]) -> str:
    key = signing.change(subject.environment, by=actor(request))
    return (
        f"{key} signs from now on; every JWT of {subject.environment} has ended. Reload gateways that hold key files."
    )


@admin.register(SigningKey)
class SigningKeyAdmin(PortalAdmin):
    """Signing keys."""

    list_display = (
        "kid",
        "environment",
        "algorithm",
        "state",
        "created_at",
        "published_at",
        "signing_since",
        "verify_only_since",
        "retired_at",
        "ended_at",
    )
    list_filter = ("environment", "algorithm")
    list_select_related = ("environment",)
    exclude = ("sealed_private_key",)
    add_act = Act("add", "Add signing key", _stage, "add_signingkey", NewKeyForm)
    acts = (
        Act(
            "publish",
            "Publish",
            _publish,
            "change_signingkey",
            possible=lambda subject: subject.state == "staged",
        ),
        Act(
            "rotate",
            "Rotate the environment's key",
            _rotate,
            "change_signingkey",
            help="Nobody is cut off. A never-expiring JWT keeps the old key verifying for ever.",
            possible=lambda subject: subject.state == "signing",
        ),
        Act(
            "change",
            "Change the environment's key",
            _change,
            "change_signingkey",
            help=(
                "Every JWT of the environment and the refresh tokens of their families end at once; opaque tokens "
                "live on. In the default environment everybody who is logged in is logged out. Gateways that keep "
                "key files must be reloaded."
            ),
            dangerous=True,
            milder="Milder: rotate. Then the old key verifies until its last token has expired.",
            possible=lambda subject: subject.state == "signing",
        ),
    )
