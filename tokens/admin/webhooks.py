"""Webhooks: who is told of reminders beside their owners."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from proxies.adminkit import Act, PortalAdmin, Secret, actor, initial_of, state_badge
from tokens.models import Webhook
from tokens.reminders import webhooks
from tokens.reminders.outbound import LONGEST_URL


class WebhookForm(forms.Form):
    """Name and address."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=100)
    url = forms.CharField(
        label=gettext_lazy("Address"),
        max_length=LONGEST_URL,
        help_text=gettext_lazy("Such as https://hooks.example.com/latchkey. Lists show its host alone."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


def _secret(title: str, webhook: Webhook, secret: str) -> Secret:
    return Secret(title, [(_("Webhook"), webhook.name), (_("Signing secret"), secret)])


def _add(request: HttpRequest, subject: None, values: dict[str, Any]) -> Secret:
    made = webhooks.add(by=actor(request), **values)
    return _secret(_("The webhook is added"), made.webhook, made.secret)


def _change(request: HttpRequest, subject: Webhook, values: dict[str, Any]) -> str:
    webhooks.change(subject, by=actor(request), **values)
    return _("The webhook is changed. Its secret is the same.")


def _rotate(request: HttpRequest, subject: Webhook, values: dict[str, Any]) -> Secret:
    return _secret(_("The new secret"), subject, webhooks.rotate_secret(subject, by=actor(request)))


def _test(request: HttpRequest, subject: Webhook, values: dict[str, Any]) -> str:
    status = webhooks.send_test(subject, by=actor(request))
    return _("It was delivered: the answer was %(status)d.") % {"status": status}


def _pause(request: HttpRequest, subject: Webhook, values: dict[str, Any]) -> str:
    webhooks.pause(subject, by=actor(request))
    return _("It is told nothing until it is resumed.")


def _resume(request: HttpRequest, subject: Webhook, values: dict[str, Any]) -> str:
    webhooks.resume(subject, by=actor(request))
    return _("It is told again, beginning with what waits.")


def _archive(request: HttpRequest, subject: Webhook, values: dict[str, Any]) -> str:
    webhooks.archive(subject, by=actor(request))
    return _("It is told nothing more, and its secret is erased.")


def _in_use(subject: Webhook) -> bool:
    return subject.archived_at is None


@admin.register(Webhook)
class WebhookAdmin(PortalAdmin):
    """Webhooks."""

    section, place, icon = "System", 40, "connection"
    minor = ("created_at",)
    empty_hint = gettext_lazy("A webhook is told of every reminder, signed: docs/reminders.md.")
    list_display = ("name", "host", "state", "created_at")
    fields = readonly_fields = (
        "name", "host", "state", "created_at", "earlier_secret_until", "paused_at", "paused_by", "archived_at",
    )  # fmt: skip
    add_act = Act("add", gettext_lazy("Add webhook"), _add, "add_webhook", WebhookForm)
    acts = (
        Act(
            "change",
            gettext_lazy("Change"),
            _change,
            "change_webhook",
            WebhookForm,
            initial=initial_of(WebhookForm),
            possible=_in_use,
        ),
        Act(
            "rotate-secret",
            gettext_lazy("New secret"),
            _rotate,
            "change_webhook",
            help=gettext_lazy("It is shown once. For a day the earlier secret signs as well."),
            possible=_in_use,
        ),
        Act(
            "test",
            gettext_lazy("Send a test"),
            _test,
            "change_webhook",
            help=gettext_lazy("A signed message of the type webhook.test is sent now."),
            possible=_in_use,
        ),
        Act(
            "pause",
            gettext_lazy("Pause"),
            _pause,
            "change_webhook",
            possible=lambda subject: _in_use(subject) and subject.paused_at is None,
        ),
        Act(
            "resume",
            gettext_lazy("Resume"),
            _resume,
            "change_webhook",
            possible=lambda subject: _in_use(subject) and subject.paused_at is not None,
        ),
        Act(
            "archive",
            gettext_lazy("Archive"),
            _archive,
            "change_webhook",
            dangerous=True,
            help=gettext_lazy("It is told nothing more. What was delivered stays in the list of reminders."),
            milder=gettext_lazy("Milder: pause it."),
            possible=_in_use,
        ),
    )

    @admin.display(description=gettext_lazy("Host"))
    def host(self, webhook: Webhook) -> str:
        return webhooks.host(webhook)

    @admin.display(description=gettext_lazy("State"))
    def state(self, webhook: Webhook) -> SafeString:
        if webhook.archived_at is not None:
            return state_badge("archived")
        return state_badge("active" if webhook.paused_at is None else "paused")
