"""Credentials: keys of proxies and groups, and credentials of their own."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from credentials import clients
from credentials.admin import keys
from credentials.admin.credential_tabs import CREDENTIAL_TABS
from credentials.models import Credential, CredentialSecret, Grant
from credentials.ownership import orphaned_credentials
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
)
from proxies.models import ApiProxy, Environment, ProxyGroup


class CredentialForm(forms.Form):
    """What may change of a credential."""

    name = forms.CharField(max_length=150, label=gettext_lazy("Name"))
    description = forms.CharField(required=False, widget=forms.Textarea, label=gettext_lazy("Description"))
    expires_on = forms.DateField(
        required=False,
        help_text=gettext_lazy("Refused from 00:00 UTC of this day on."),
        label=gettext_lazy("Expires on"),
    )
    allowed_addresses = forms.CharField(
        required=False,
        help_text=gettext_lazy("Addresses or networks, separated by spaces. Empty: from everywhere."),
        label=gettext_lazy("Allowed addresses"),
    )
    owner_name = owner_fields()["owner_name"]
    owner_team = owner_fields()["owner_team"]
    owner_email = owner_fields()["owner_email"]


class NewCredentialForm(CredentialForm):
    """What a new credential needs."""

    proxy = forms.ModelChoiceField(
        ApiProxy.objects.filter(archived_at=None, key=None),
        required=False,
        help_text=gettext_lazy("Makes it the key of this proxy."),
        label=gettext_lazy("Proxy"),
    )
    group = forms.ModelChoiceField(
        ProxyGroup.objects.filter(archived_at=None, key=None),
        required=False,
        help_text=gettext_lazy("Or the key of this group."),
        label=gettext_lazy("Group"),
    )
    client_id = forms.CharField(
        max_length=100,
        required=False,
        help_text=gettext_lazy("Empty: a new one is made."),
        label=gettext_lazy("Client id"),
    )
    field_order = ("name", "proxy", "group", "client_id")

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if values.get("proxy") and values.get("group"):
            raise forms.ValidationError(_("A key belongs to one proxy or to one group, not to both."))
        return values


class RotateForm(forms.Form):
    """When the old secret goes."""

    retire_old_in_days = forms.IntegerField(
        required=False,
        min_value=0,
        max_value=365,
        help_text=gettext_lazy("Empty: retire it by hand."),
        label=gettext_lazy("Retire old in days"),
    )


class ClientIdForm(forms.Form):
    """A new client id, if wanted."""

    client_id = forms.CharField(
        max_length=100,
        required=False,
        help_text=gettext_lazy("Empty: the client id stays."),
        label=gettext_lazy("Client id"),
    )


class GrantForm(forms.Form):
    """What a credential may reach."""

    proxy = forms.ModelChoiceField(
        ApiProxy.objects.filter(archived_at=None), required=False, label=gettext_lazy("Proxy")
    )
    group = forms.ModelChoiceField(
        ProxyGroup.objects.filter(archived_at=None), required=False, label=gettext_lazy("Group")
    )
    scopes = forms.CharField(
        required=False,
        help_text=gettext_lazy("Separated by spaces. Empty: all that are defined there."),
        label=gettext_lazy("Scopes"),
    )
    expires_on = forms.DateField(required=False, label=gettext_lazy("Expires on"))
    disallowed_methods = forms.CharField(
        required=False, help_text=gettext_lazy("For instance: DELETE PUT"), label=gettext_lazy("Disallowed methods")
    )

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if bool(values.get("proxy")) == bool(values.get("group")):
            raise forms.ValidationError(_("Choose one proxy or one group."))
        return values


class PlaceForm(forms.Form):
    """An environment, and why."""

    environment = forms.ModelChoiceField(Environment.objects.all(), label=gettext_lazy("Environment"))
    note = forms.CharField(required=False, max_length=500, label=gettext_lazy("Note"))


class NoteForm(forms.Form):
    """Why."""

    note = forms.CharField(required=False, max_length=500, label=gettext_lazy("Note"))


def _open(request: HttpRequest, subject: None, values: dict[str, Any]) -> Secret:
    opened = clients.open_credential(by=actor(request), **values)
    return Secret(
        _("The secret of {credential}").format(credential=opened.credential),
        ((_("Client id"), opened.client_id), (_("Client secret"), opened.secret)),
    )


def _change(request: HttpRequest, subject: Credential, values: dict[str, Any]) -> str:
    clients.change_credential(subject, by=actor(request), **values)
    return _("{subject} was changed.").format(subject=subject)


def _rotate(request: HttpRequest, subject: Credential, values: dict[str, Any]) -> Secret:
    days = values["retire_old_in_days"]
    retire_at: datetime | None = None if days is None else timezone.now().astimezone(UTC) + timedelta(days=days)
    secret = clients.rotate_secret(subject, by=actor(request), retire_old_at=retire_at)
    return Secret(
        _("A second secret of {subject}").format(subject=subject),
        ((_("Client id"), subject.client_id), (_("Client secret"), secret)),
    )


def _change_key(request: HttpRequest, subject: Credential, values: dict[str, Any]) -> Secret:
    secret = clients.change_key(subject, by=actor(request), client_id=values["client_id"])
    return Secret(
        _("The new key of {subject}").format(subject=subject),
        ((_("Client id"), subject.client_id), (_("Client secret"), secret)),
    )


def _grant(request: HttpRequest, subject: Credential, values: dict[str, Any]) -> str:
    target = values.pop("proxy") or values.pop("group")
    values.pop("group", None)
    return _("{thing}.").format(thing=clients.grant(to=subject, target=target, by=actor(request), **values))


def _deploy(request: HttpRequest, subject: Credential, values: dict[str, Any]) -> str:
    clients.deploy(subject, values["environment"], by=actor(request), note=values["note"])
    return _("{subject} is deployed in {environment}.").format(subject=subject, environment=values["environment"])


def _undeploy(request: HttpRequest, subject: Credential, values: dict[str, Any]) -> str:
    clients.undeploy(subject, values["environment"], by=actor(request), note=values["note"])
    return _("{subject} is undeployed in {environment}. Its tokens there have ended, for good.").format(
        subject=subject, environment=values["environment"]
    )


def _deactivate(request: HttpRequest, subject: Credential, values: dict[str, Any]) -> str:
    clients.deactivate(subject, by=actor(request), note=values["note"])
    return _("{subject} and its tokens are refused until it is reactivated.").format(subject=subject)


def _reactivate(request: HttpRequest, subject: Credential, values: dict[str, Any]) -> str:
    clients.reactivate(subject, by=actor(request))
    return _("{subject} works again, and so do its tokens that have not expired.").format(subject=subject)


def _archive(request: HttpRequest, subject: Credential, values: dict[str, Any]) -> str:
    clients.archive(subject, by=actor(request), note=values["note"])
    return _("{subject} is archived.").format(subject=subject)


def _live(subject: Credential) -> bool:
    return subject.archived_at is None


def _live_and_own(subject: Credential) -> bool:
    return _live(subject) and not subject.is_bound


class ExpiryDayFilter(ChosenFilter):
    """By the day it expires on."""

    title = gettext_lazy("expiry")
    parameter_name = "expires"
    conditions = {"month": gettext_lazy("Within 30 days"), "past": gettext_lazy("Past"), "never": gettext_lazy("Never")}

    def narrowed(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        today = timezone.now().date()
        spans = {
            "month": Q(expires_on__gt=today, expires_on__lte=today + timedelta(days=30)),
            "past": Q(expires_on__lte=today),
            "never": Q(expires_on=None),
        }
        ended = "withdrawn_at" if queryset.model is Grant else "archived_at"
        return queryset.filter(spans[value], **{ended: None} if value == "month" else {})


class SecretFilter(ChosenFilter):
    """Those with a secret that goes soon."""

    title, parameter_name = gettext_lazy("secret"), "secret"
    conditions = {"retiring": gettext_lazy("Retires within 30 days")}

    def narrowed(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        now = timezone.now()
        secrets = CredentialSecret.objects.filter(
            retired_at=None, retire_at__gt=now, retire_at__lte=now + timedelta(days=30)
        )
        return queryset.filter(pk__in=secrets.values("credential"))


class CredentialOrphanFilter(OrphanFilter):
    """For the key of a proxy or group, whoever has that answers."""

    def narrowed(self, queryset: QuerySet[Credential], value: str) -> QuerySet[Credential]:
        return orphaned_credentials(queryset)


@admin.register(Credential)
class CredentialAdmin(PortalAdmin):
    """Credentials."""

    section, place, icon = "Clients", 10, "credential"
    minor = ("proxy", "group", "owner_team")
    empty_hint = gettext_lazy(
        "A credential is a client id and a secret. Add one as the key of a proxy, or of its own with grants."
    )
    list_display = (
        "name", "client_id", "proxy", "group", "owner_name", "owner_team", "expires_on", "deactivated_at",
        "archived_at",
    )  # fmt: skip
    list_filter = (
        ExpiryDayFilter,
        SecretFilter,
        OwnerFilter,
        CredentialOrphanFilter,
        ("deactivated_at", admin.EmptyFieldListFilter),
        ("archived_at", admin.EmptyFieldListFilter),
    )
    list_select_related = ("proxy", "group")
    search_fields = ("name", "client_id", "owner_name")
    words = Words(exact=("client_id",), prefix=("client_id",), within=("name",), detail="client_id")
    tabs = CREDENTIAL_TABS
    add_act = Act("add", gettext_lazy("Add credential"), _open, "add_credential", NewCredentialForm)
    acts = (
        Act(
            "change",
            gettext_lazy("Change"),
            _change,
            "change_credential",
            CredentialForm,
            initial=lambda subject: {name: getattr(subject, name) for name in CredentialForm.base_fields},
            possible=_live,
        ),
        Act(
            "rotate",
            gettext_lazy("Rotate secret"),
            _rotate,
            "change_credentialsecret",
            RotateForm,
            help=gettext_lazy("A second secret works beside the first. No token ends."),
            possible=_live,
        ),
        Act(
            "change-key",
            gettext_lazy("Change key"),
            _change_key,
            "change_credentialsecret",
            ClientIdForm,
            help=gettext_lazy(
                "Every secret is replaced and all tokens obtained with it end at once, never-expiring ones too."
            ),
            dangerous=True,
            milder=gettext_lazy(
                "Milder: rotate the secret. Then nothing ends, and the old secret retires when you say so."
            ),
            possible=_live,
        ),
        *keys.ACTS,
        Act("grant", gettext_lazy("Grant"), _grant, "add_grant", GrantForm, possible=_live_and_own),
        Act(
            "deploy", gettext_lazy("Deploy"), _deploy, "change_credentialdeployment", PlaceForm, possible=_live_and_own
        ),
        Act(
            "undeploy",
            gettext_lazy("Undeploy"),
            _undeploy,
            "change_credentialdeployment",
            PlaceForm,
            help=gettext_lazy("Its tokens in that environment end at once and for good."),
            dangerous=True,
            milder=gettext_lazy("Milder: deactivate it. That can be undone, and its tokens work again."),
            possible=_live_and_own,
        ),
        Act(
            "deactivate",
            gettext_lazy("Deactivate"),
            _deactivate,
            "change_credential",
            NoteForm,
            help=gettext_lazy("It is refused, and so are its tokens, until it is reactivated."),
            dangerous=True,
            milder=gettext_lazy("Milder: withdraw a single grant, or suspend its token policy."),
            possible=lambda subject: _live(subject) and subject.deactivated_at is None,
        ),
        Act(
            "reactivate",
            gettext_lazy("Reactivate"),
            _reactivate,
            "change_credential",
            possible=lambda subject: _live(subject) and subject.deactivated_at is not None,
        ),
        Act(
            "archive",
            gettext_lazy("Archive"),
            _archive,
            "change_credential",
            NoteForm,
            help=gettext_lazy("It can never be used again."),
            dangerous=True,
            milder=gettext_lazy("Milder: deactivate it."),
            possible=_live,
        ),
    )


def _withdraw(request: HttpRequest, subject: Grant, values: dict[str, Any]) -> str:
    clients.withdraw(subject, by=actor(request), note=values["note"])
    return _("The grant is withdrawn. Tokens that stand on it are refused from the next request on.")


@admin.register(Grant)
class GrantAdmin(PortalAdmin):
    """What credentials and users may reach."""

    section, place, icon = "Clients", 20, "grant"
    minor = ("scopes",)
    empty_hint = gettext_lazy("Open a credential and press Grant to let it reach a proxy or a group.")
    list_display = ("credential", "user", "proxy", "group", "scopes", "expires_on", "withdrawn_at")
    list_filter = (ExpiryDayFilter, ("withdrawn_at", admin.EmptyFieldListFilter))
    list_select_related = ("credential", "user", "proxy", "group")
    search_fields = ("credential__name", "credential__client_id", "user__username", "proxy__slug", "group__slug")
    acts = (
        Act(
            "withdraw",
            gettext_lazy("Withdraw"),
            _withdraw,
            "change_grant",
            NoteForm,
            dangerous=True,
            milder=gettext_lazy("Milder: give the grant a last day, by granting it again."),
            possible=lambda subject: subject.withdrawn_at is None,
        ),
    )
