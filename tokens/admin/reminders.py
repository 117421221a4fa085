"""Reminders: what owners were told, where it went, and what did not arrive."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from proxies.adminkit import Act, ChosenFilter, PortalAdmin, actor, moment, state_badge
from proxies.sentences import translated
from tokens.models import Reminder
from tokens.reminders import messages, outbox


def _resend(request: HttpRequest, subject: Reminder, values: dict[str, Any]) -> str:
    places = outbox.resend(subject, by=actor(request))
    told = ngettext("It is sent again to %(places)d place,", "It is sent again to %(places)d places,", places)
    return f"{told % {'places': places}} {_('within a minute, where background work runs.')}"


class StateFilter(ChosenFilter):
    """How its deliveries are."""

    title, parameter_name = gettext_lazy("state"), "state"
    conditions = {
        "failed": gettext_lazy("Failed"),
        "waiting": gettext_lazy("Waiting"),
        "delivered": gettext_lazy("Delivered"),
        "nowhere": gettext_lazy("Nowhere to send it"),
    }

    def narrowed(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        return outbox.in_state(queryset, value)


@admin.register(Reminder)
class ReminderAdmin(PortalAdmin):
    """The outbox."""

    section, place, icon = "System", 30, "alert"
    minor = ("owner_name", "attempts", "last_error")
    empty_hint = gettext_lazy(
        "Owners are reminded of what expires within 30 days, and of connection tokens to be rotated."
    )
    list_display = (
        "subject_name", "kind", "stage", "due_at", "owner_name", "state", "attempts", "last_error", "created_at",
    )  # fmt: skip
    list_filter = ("kind", "stage", StateFilter)
    search_fields = ("subject_name", "owner_name", "owner_email", "event_id")
    fields = readonly_fields = (
        "subject_name", "kind", "stage", "due_at", "see", "owner_name", "owner_email", "state", "sent_to", "created_at",
        "event_id",
    )  # fmt: skip
    acts = (
        Act(
            "resend",
            gettext_lazy("Resend"),
            _resend,
            "change_reminder",
            help=gettext_lazy("To its owner's address and every webhook, under the same event id."),
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Reminder]:
        return outbox.with_counts()

    @admin.display(description=gettext_lazy("State"))
    def state(self, reminder: Reminder) -> SafeString:
        """The worst of its deliveries."""
        states = {each.state for each in reminder.deliveries.all()}
        worst = next((each for each in ("failed", "waiting", "delivered") if each in states), "nowhere to send it")
        return state_badge(worst)

    @admin.display(description=gettext_lazy("Attempts"))
    def attempts(self, reminder: Reminder) -> int:
        return sum(each.attempts for each in reminder.deliveries.all())

    @admin.display(description=gettext_lazy("Last error"))
    def last_error(self, reminder: Reminder) -> str:
        found = next((each.last_error for each in reminder.deliveries.all() if each.last_error), "")
        return translated(found) if found else "-"

    @admin.display(description=gettext_lazy("Where to see to it"))
    def see(self, reminder: Reminder) -> SafeString:
        return format_html('<a href="{}">{}</a>', messages.path(reminder), reminder.subject_name)

    @admin.display(description=gettext_lazy("Sent to"))
    def sent_to(self, reminder: Reminder) -> SafeString | str:
        """Each place, how far it is, and what went wrong."""
        lines = [
            (
                each.webhook or _("mail to %(address)s") % {"address": reminder.owner_email},
                state_badge(each.state),
                _("%(attempts)d attempts") % {"attempts": each.attempts},
                moment(each.delivered_at or each.last_attempt_at),
                translated(each.last_error),
            )
            for each in reminder.deliveries.all()
        ]
        return format_html_join("", "<p>{} {} {} {} {}</p>", lines) or "-"
