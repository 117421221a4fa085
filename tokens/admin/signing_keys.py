"""Signing keys of environments: rotate cuts nobody off, change ends every JWT (D13)."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from proxies.adminkit import Act, PortalAdmin, actor
from proxies.models import Environment
from proxies.sentences import translated
from tokens import key_outlook, key_rules, signing
from tokens.models import SigningKey


class PrivateKeyField(forms.CharField):
    """A private key in PEM: taken in, and never written back into the page."""

    class _Unrepeated(forms.Textarea):
        def format_value(self, value: Any) -> str:
            return ""

    widget = _Unrepeated(attrs={"autocomplete": "off", "spellcheck": "false"})


class NewKeyForm(forms.Form):
    """A key to stage: made here, or given in PEM."""

    environment = forms.ModelChoiceField(Environment.objects.all(), label=gettext_lazy("Environment"))
    algorithm = forms.ChoiceField(choices=SigningKey.Algorithm.choices, label=gettext_lazy("Algorithm"))
    pem = PrivateKeyField(
        label=gettext_lazy("Private key (PEM)"),
        required=False,
        help_text=gettext_lazy(
            "Empty: a new key is made. Else an unencrypted RSA key of 2048 bits or more, or an EC key on P-256."
        ),
    )


class RotateForm(forms.Form):
    """Whether to wait until everybody knows the next key."""

    at_once = forms.BooleanField(
        required=False,
        help_text=format_lazy(
            gettext_lazy(
                "Sign at once, also with a key that has not been published long enough. Whoever validates JWTs by a "
                "kept JWKS may then refuse new tokens for {seconds} seconds; a gateway with key files until it has "
                "fetched them."
            ),
            seconds=key_rules.JWKS_LIFETIME.seconds,
        ),
        label=gettext_lazy("At once"),
    )

    @property
    def notes(self) -> list[str]:
        """What the rotation means for what this key has signed."""
        found: list[str] = self.initial["notes"]
        return found


def _about_rotation(subject: SigningKey) -> dict[str, Any]:
    notes = [_("This key signs {what}.").format(what=translated(key_outlook.signs(subject)))]
    if count := key_outlook.never_expiring(subject):
        notes.append(
            ngettext(
                "%(n)d live JWT signed by it never expires, so it will verify for ever. "
                "Only changing the key ends that.",
                "%(n)d live JWTs signed by it never expire, so it will verify for ever. "
                "Only changing the key ends that.",
                count,
            )
            % {"n": count}
        )
    return {"notes": notes}


def _stage(request: HttpRequest, subject: None, values: dict[str, Any]) -> str:
    pem = values["pem"].strip().encode() or None
    key = signing.stage(values["environment"], by=actor(request), algorithm=values["algorithm"], pem=pem)
    return _("{key} is staged. Publish it, wait until every gateway has fetched the keys, then rotate.").format(key=key)


def _publish(request: HttpRequest, subject: SigningKey, values: dict[str, Any]) -> str:
    signing.publish(subject, by=actor(request))
    return _("{subject} is in the JWKS now. It signs after the next rotation.").format(subject=subject)


def _publish_next(request: HttpRequest, subject: SigningKey, values: dict[str, Any]) -> str:
    key = signing.publish_next(subject.environment, by=actor(request))
    return _("{key} is in the JWKS. Wait until every gateway has fetched the keys, then rotate.").format(key=key)


def _rotate(request: HttpRequest, subject: SigningKey, values: dict[str, Any]) -> str:
    act = signing.rotate if values["at_once"] else signing.rotate_published
    key = act(subject.environment, by=actor(request))
    return _("{key} signs from now on; the old key verifies until its last token has expired.").format(key=key)


def _change(request: HttpRequest, subject: SigningKey, values: dict[str, Any]) -> str:
    key = signing.change(subject.environment, by=actor(request))
    return _(
        "{key} signs from now on; every JWT of {environment} has ended. Reload gateways that hold key files."
    ).format(key=key, environment=subject.environment)


def _retire(request: HttpRequest, subject: SigningKey, values: dict[str, Any]) -> str:
    signing.retire(subject, by=actor(request))
    return _("{subject} will never sign.").format(subject=subject)


def _signs_now(subject: SigningKey) -> bool:
    return subject.state == "signing"


@admin.register(SigningKey)
class SigningKeyAdmin(PortalAdmin):
    """Signing keys."""

    section, place, icon = "Tokens", 40, "signing"
    minor = ("algorithm", "signing_since", "ended_at")
    empty_hint = gettext_lazy(
        "Keys sign the JWTs of an environment. The first is made when the first JWT is asked for."
    )
    list_display = ("kid", "environment", "algorithm", "state", "age", "next_step")
    list_filter = ("environment", "algorithm")
    list_select_related = ("environment",)
    fields = readonly_fields = (
        "kid",
        "environment",
        "algorithm",
        "state",
        "age",
        "next_step",
        "signs",
        "created_at",
        "published_at",
        "signing_since",
        "verify_only_since",
        "retired_at",
        "ended_at",
        "public_key",
    )
    add_act = Act("add", gettext_lazy("Add signing key"), _stage, "add_signingkey", NewKeyForm)
    acts = (
        Act(
            "publish",
            gettext_lazy("Publish"),
            _publish,
            "change_signingkey",
            possible=lambda subject: subject.state == "staged",
        ),
        Act(
            "publish-next",
            gettext_lazy("Publish the next key"),
            _publish_next,
            "change_signingkey",
            help=gettext_lazy(
                "It is shown in the JWKS and signs after the next rotation. A staged key is taken, or a new one made."
            ),
            possible=_signs_now,
        ),
        Act(
            "rotate",
            gettext_lazy("Rotate the environment's key"),
            _rotate,
            "change_signingkey",
            RotateForm,
            help=gettext_lazy(
                "Nobody is cut off: the next key signs, and this one verifies until its last token has expired."
            ),
            possible=_signs_now,
            initial=_about_rotation,
        ),
        Act(
            "change",
            gettext_lazy("Change the environment's key"),
            _change,
            "change_signingkey",
            help=format_lazy(
                gettext_lazy(
                    "Every JWT of the environment and the refresh tokens of their families end at once; opaque tokens "
                    "live on. In the default environment everybody who is logged in is logged out. Who validates JWTs "
                    "alone notices up to {seconds} seconds later, gateways with key files when they are reloaded."
                ),
                seconds=key_rules.JWKS_LIFETIME.seconds,
            ),
            dangerous=True,
            milder=gettext_lazy("Milder: rotate. Then the old key verifies until its last token has expired."),
            possible=_signs_now,
        ),
        Act(
            "retire",
            gettext_lazy("Take back"),
            _retire,
            "change_signingkey",
            help=gettext_lazy("This key has never signed, and never will. It leaves the JWKS."),
            possible=lambda subject: subject.state in ("staged", "published"),
        ),
    )

    @admin.display(description=gettext_lazy("State"))
    def state(self, key: SigningKey) -> str:
        return translated(key.state)

    @admin.display(description=gettext_lazy("Age"))
    def age(self, key: SigningKey) -> str:
        return key_outlook.outlook(key).age

    @admin.display(description=gettext_lazy("Next step"))
    def next_step(self, key: SigningKey) -> str:
        return translated(key_outlook.outlook(key).next_step)

    @admin.display(description=gettext_lazy("Signs"))
    def signs(self, key: SigningKey) -> str:
        return translated(key_outlook.signs(key))
