"""The tabs of a credential's page: where it is deployed, what it was granted, and what proves it."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from credentials import rules
from credentials.models import Credential, CredentialDeployment, CredentialKey, CredentialSecret, Grant
from proxies.adminkit import act_link, badge, moment, state_badge
from proxies.adminkit.tabs import MOST, Tab, Table


def linked(subject: Any) -> SafeString | str:
    """The name of a thing, leading to its page."""
    if subject is None:
        return ""
    opts = subject._meta
    url = reverse(f"admin:{opts.app_label}_{opts.model_name}_change", args=[subject.pk])
    return format_html('<a href="{}">{}</a>', url, subject)


def _deployments(request: HttpRequest, subject: Credential) -> Sequence[Table]:
    if subject.is_bound or not request.user.has_perm("credentials.view_credentialdeployment"):
        return ()  # it follows its proxy or group
    found = CredentialDeployment.objects.filter(credential=subject).select_related("environment")
    rows = [
        (
            str(each.environment),
            state_badge("deployed" if each.undeployed_at is None else "undeployed"),
            moment(each.deployed_at),
            moment(each.undeployed_at),
        )
        for each in found.order_by("environment__name")
    ]
    headings = (_("Environment"), _("State"), _("Deployed at"), _("Undeployed at"))
    empty = _("It is deployed nowhere, so it gets no tokens. Press Deploy.")
    return (Table(_("Deployments"), headings, rows, empty),)


def _expiry(day: date | None, *, ended: bool) -> SafeString | str:
    if day is None:
        return badge("quiet", _("never"))
    if ended:
        return str(day)
    left = (day - timezone.now().date()).days
    if left <= 0:
        return format_html("{} {}", day, badge("bad", _("expired")))
    return format_html("{} {}", day, badge("warn", _("in {days} days").format(days=left))) if left <= 30 else str(day)


def _grants(request: HttpRequest, subject: Credential) -> Sequence[Table]:
    may = request.user.has_perm("credentials.change_grant")
    found = Grant.objects.filter(credential=subject).select_related("proxy", "group").order_by("withdrawn_at", "-id")
    rows = [
        (
            linked(each.proxy or each.group),
            each.scopes or _("all"),
            _expiry(each.expires_on, ended=each.withdrawn_at is not None),
            each.disallowed_methods,
            state_badge("granted") if each.withdrawn_at is None else badge("quiet", _("withdrawn")),
            act_link(each, "withdraw", _("Withdraw")) if may and each.withdrawn_at is None else "",
        )
        for each in found[:MOST]
    ]
    empty = (
        _("It is the key of {thing}, which it reaches without a grant.").format(thing=subject.proxy or subject.group)
        if subject.is_bound
        else _("It may reach nothing yet. Press Grant to let it reach a proxy or a group.")
    )
    headings = (_("Reaches"), _("Scopes"), _("Expires"), _("Disallowed methods"), _("State"), _("Act"))
    more = f"{reverse('admin:credentials_grant_changelist')}?{urlencode({'q': subject.client_id})}"
    return (Table(_("Grants"), headings if may else headings[:-1], [row if may else row[:-1] for row in rows], empty,
                  more if len(rows) == MOST else ""),)  # fmt: skip


def _secrets(request: HttpRequest, subject: Credential) -> Sequence[Table]:
    now = timezone.now()
    secrets = [
        (
            str(each.slot or ""),
            state_badge("retired") if each.retired_at else state_badge("active"),
            moment(each.created_at),
            moment(each.retire_at),
            moment(each.retired_at),
            moment(each.last_used_at, relative=True),
        )
        for each in CredentialSecret.objects.filter(credential=subject).order_by("retired_at", "-id")[:MOST]
    ]
    keys = [
        (
            linked(each),
            each.get_kind_display(),
            each.algorithms,
            each.subject,
            moment(each.not_after),
            moment(each.last_used_at, relative=True),
            state_badge(rules.key_state(removed_at=each.removed_at, not_after=each.not_after, now=now)),
        )
        for each in CredentialKey.objects.filter(credential=subject).select_related("credential").order_by("-id")[:MOST]
    ]
    of_secrets = (_("Slot"), _("State"), _("Made"), _("Retires"), _("Retired"), _("Last used"))
    of_keys = (_("Key"), _("Kind"), _("Algorithms"), _("Subject"), _("Valid until"), _("Last used"), _("State"))
    told = _("None. With a key or a certificate no secret needs to be shared: press Add public key.")
    found = [
        Table(_("Secrets"), of_secrets, secrets, _("It has no secret. Press Rotate secret to make one.")),
        Table(_("Public keys and certificates"), of_keys, keys, told),
    ]
    return found if request.user.has_perm("credentials.view_credentialkey") else found[:1]


CREDENTIAL_TABS = (
    Tab("overview", gettext_lazy("Overview"), _deployments, first=True),
    Tab("grants", gettext_lazy("Grants"), _grants, "credentials.view_grant"),
    Tab("secrets", gettext_lazy("Secrets and keys"), _secrets, "credentials.view_credentialsecret"),
)
