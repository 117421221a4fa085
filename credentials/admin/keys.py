"""How a credential may prove itself: methods, public keys, certificates."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from credentials import client_keys, clients, methods, rules
from credentials.models import Credential, CredentialKey
from credentials.rules import TLS_METHODS, Method
from proxies.adminkit import Act, PortalAdmin, actor, copyable, state_badge

_LABELS = {
    Method.SECRET_BASIC: gettext_lazy("client_secret_basic: the secret in the Authorization header"),
    Method.SECRET_POST: gettext_lazy("client_secret_post: the secret in the form"),
    Method.PRIVATE_KEY_JWT: gettext_lazy("private_key_jwt: an assertion signed with its private key"),
    Method.TLS: gettext_lazy("tls_client_auth: a certificate issued by its authority"),
    Method.SELF_SIGNED_TLS: gettext_lazy("self_signed_tls_client_auth: a certificate that is registered here"),
}


class MethodsForm(forms.Form):
    """Which ways a credential may use, of those that are on here."""

    auth_methods = forms.MultipleChoiceField(
        label=gettext_lazy("Methods"),
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("Using another one is refused. No token ends."),
    )
    certificate_name = forms.CharField(
        required=False,
        max_length=255,
        help_text=gettext_lazy(
            "For tls_client_auth: dns:, dn:, uri:, email: or ip:, and exactly what certificates must name."
        ),
        label=gettext_lazy("Certificate name"),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        on = methods.switched_on()
        self.fields["auth_methods"].choices = [(method, _LABELS[method]) for method in on]  # type: ignore[attr-defined]
        if Method.TLS not in on:
            del self.fields["certificate_name"]


class Pasted(forms.Textarea):
    """What was pasted is not shown again: with a refusal it may be a private key (I5)."""

    def __init__(self) -> None:
        super().__init__(attrs={"rows": 10, "spellcheck": "false", "autocomplete": "off"})

    def format_value(self, value: Any) -> str:
        return ""


class KeyForm(forms.Form):
    """A key to add."""

    upload = forms.CharField(
        label=gettext_lazy("Public key"),
        widget=Pasted(),
        help_text=gettext_lazy("A public key or certificate in PEM, or a JWKS. Never a private key."),
    )
    kid = forms.CharField(
        label=gettext_lazy("Key id"),
        max_length=100,
        required=False,
        help_text=gettext_lazy(
            "The kid of the client's assertions, if it sends one. Empty: the one in the JWKS, or the thumbprint."
        ),
    )


class AlgorithmsKeyForm(KeyForm):
    """A key to add, and what may be signed with it."""

    algorithms = forms.CharField(
        required=False,
        max_length=100,
        help_text=gettext_lazy("For instance: ES256. Empty: all that suit the key."),
        label=gettext_lazy("Algorithms"),
    )


class AuthorityForm(KeyForm):
    """An authority to add."""

    upload = forms.CharField(
        label=gettext_lazy("Certificate"),
        widget=Pasted(),
        help_text=gettext_lazy(
            "The certificate, in PEM, of the authority that issues the client's certificates itself."
        ),
    )


class NoteForm(forms.Form):
    """Why."""

    note = forms.CharField(required=False, max_length=500, label=gettext_lazy("Note"))


def _set_methods(request: HttpRequest, subject: Credential, values: dict[str, Any]) -> str:
    # What is off in this installation is not on the form, and stays as it is.
    off = [method for method in subject.auth_methods.split() if method not in methods.switched_on()]
    clients.set_methods(
        subject,
        [*values["auth_methods"], *off],
        certificate_name=values.get("certificate_name"),
        by=actor(request),
    )
    return _("{subject} may use: {thing}.").format(subject=subject, thing=", ".join(values["auth_methods"]))


def _add_key(request: HttpRequest, subject: Credential, values: dict[str, Any]) -> str:
    algorithms = tuple(values["algorithms"].replace(",", " ").split())
    made = client_keys.add_keys(subject, values["upload"], kid=values["kid"], algorithms=algorithms, by=actor(request))
    return _("Added: {thing}.").format(thing=", ".join(str(key) for key in made))


def _add_authority(request: HttpRequest, subject: Credential, values: dict[str, Any]) -> str:
    return _("Added: {thing}.").format(
        thing=client_keys.add_authority(subject, values["upload"], kid=values["kid"], by=actor(request))
    )


def _retire_secret(request: HttpRequest, subject: Credential, values: dict[str, Any]) -> str:
    older = subject.secrets.filter(slot__isnull=False).order_by("created_at", "pk").first()
    if older is not None:
        clients.retire_secret(older, by=actor(request))
    return _("The older secret of {subject} is retired. No token has ended.").format(subject=subject)


def _live(subject: Credential) -> bool:
    return subject.archived_at is None


def _has_two_secrets(subject: Credential) -> bool:
    return _live(subject) and subject.secrets.filter(slot__isnull=False).count() > 1


def _by_certificate(subject: Credential) -> bool:
    return _live(subject) and not TLS_METHODS.isdisjoint(methods.switched_on())


ACTS = (
    Act(
        "retire-secret",
        gettext_lazy("Retire older secret"),
        _retire_secret,
        "change_credentialsecret",
        help=gettext_lazy(
            "The older of the two secrets goes out of service now. See below when it was last used. No token ends."
        ),
        possible=_has_two_secrets,
    ),
    Act(
        "methods",
        gettext_lazy("Set methods"),
        _set_methods,
        "change_credentialsecret",
        MethodsForm,
        help=gettext_lazy("How this client may prove itself at the token, revocation and introspection endpoints."),
        initial=lambda subject: {
            "auth_methods": subject.auth_methods.split(),
            "certificate_name": subject.certificate_name,
        },
        possible=_live,
    ),
    Act("add-key", gettext_lazy("Add public key"), _add_key, "add_credentialkey", AlgorithmsKeyForm, possible=_live),
    Act(
        "add-authority",
        gettext_lazy("Add authority"),
        _add_authority,
        "add_credentialkey",
        AuthorityForm,
        help=gettext_lazy(
            "For tls_client_auth: every certificate that it has issued, and that has this client's name, proves it."
        ),
        possible=_by_certificate,
    ),
)


def _state(key: CredentialKey) -> SafeString:
    return state_badge(rules.key_state(removed_at=key.removed_at, not_after=key.not_after, now=timezone.now()))


def _remove(request: HttpRequest, subject: CredentialKey, values: dict[str, Any]) -> str:
    client_keys.remove_key(subject, note=values["note"], by=actor(request))
    return _("{subject} is removed. Tokens that were got with it live on.").format(subject=subject)


def _remove_and_end(request: HttpRequest, subject: CredentialKey, values: dict[str, Any]) -> str:
    client_keys.remove_key(subject, change=True, note=values["note"], by=actor(request))
    return _("{subject} is removed. All tokens of {credential} have ended.").format(
        subject=subject, credential=subject.credential
    )


def _in_service(subject: CredentialKey) -> bool:
    return subject.removed_at is None


@admin.register(CredentialKey)
class CredentialKeyAdmin(PortalAdmin):
    """Public keys and certificates of all credentials: whose ends next?"""

    section, place, icon = "Clients", 15, "key"
    minor = ("subject", "last_used_at")
    empty_hint = gettext_lazy("Keys and certificates are added on the page of their credential.")
    list_display = ("credential", "kind", "key", "subject", "not_after", "last_used_at", "state")
    list_filter = ("kind", ("removed_at", admin.EmptyFieldListFilter))
    list_select_related = ("credential",)
    search_fields = ("kid", "subject", "thumbprint", "credential__name", "credential__client_id")
    acts = (
        Act(
            "remove",
            gettext_lazy("Remove"),
            _remove,
            "change_credentialkey",
            NoteForm,
            help=gettext_lazy("It proves nobody from now on. The client's tokens live on."),
            possible=_in_service,
        ),
        Act(
            "remove-and-end",
            gettext_lazy("Remove and end tokens"),
            _remove_and_end,
            "change_credentialkey",
            NoteForm,
            help=gettext_lazy(
                "For a key that has leaked: it proves nobody from now on, and all tokens of the client end at once."
            ),
            dangerous=True,
            milder=gettext_lazy("Milder: remove it alone. The client's tokens live on."),
            possible=_in_service,
        ),
    )

    @admin.display(description=gettext_lazy("Key id"), ordering="kid")
    def key(self, subject: CredentialKey) -> SafeString | str:
        return copyable(subject.kid, shown=16)

    @admin.display(description=gettext_lazy("State"), ordering="removed_at")
    def state(self, subject: CredentialKey) -> SafeString:
        return _state(subject)
