"""Bulk work: how far it is, pause and resume."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from proxies.adminkit import Act, PortalAdmin, actor, state_badge
from tokens import bulk_work
from tokens.models import BulkWork

REFRESH_SECONDS = "5"


def _pause(request: HttpRequest, subject: BulkWork, values: dict[str, Any]) -> str:
    bulk_work.pause(subject, by=actor(request))
    return _("Paused after %(done)d of %(total)d rows. What is done stays done.") % {
        "done": subject.done, "total": subject.total,
    }  # fmt: skip


def _resume(request: HttpRequest, subject: BulkWork, values: dict[str, Any]) -> str:
    bulk_work.resume(subject, by=actor(request))
    return _("It goes on within seconds, where background work runs.")


@admin.register(BulkWork)
class BulkWorkAdmin(PortalAdmin):
    """Revocations of many rows, in the background."""

    section, place, icon = "Tokens", 60, "job"
    minor = ("by", "created_at")
    empty_hint = gettext_lazy(
        "Choose all rows of a list of tokens and press “Revoke selected”: more than a thousand are done here."
    )
    list_display = ("what", "state", "progress", "by", "created_at", "finished_at")
    list_display_links = ("what",)
    list_filter = ("what", ("finished_at", admin.EmptyFieldListFilter))
    search_fields = ("by", "because")
    fields = readonly_fields = (
        "what", "state", "progress", "ended", "chosen_by", "by", "because", "created_at", "started_at", "paused_at",
        "paused_by", "finished_at",
    )  # fmt: skip
    acts = (
        Act(
            "pause",
            gettext_lazy("Pause"),
            _pause,
            "change_bulkwork",
            possible=lambda subject: subject.paused_at is None and subject.finished_at is None,
        ),
        Act(
            "resume",
            gettext_lazy("Resume"),
            _resume,
            "change_bulkwork",
            possible=lambda subject: subject.paused_at is not None,
        ),
    )

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """The page looks again by itself while there is something to see."""
        answer = super().change_view(request, object_id, form_url, extra_context)
        subject = self.get_object(request, object_id)
        if isinstance(subject, BulkWork) and subject.state in ("waiting", "running"):
            answer["Refresh"] = REFRESH_SECONDS
        return answer

    @admin.display(description=gettext_lazy("State"))
    def state(self, work: BulkWork) -> SafeString:
        return state_badge(work.state)

    @admin.display(description=gettext_lazy("Progress"))
    def progress(self, work: BulkWork) -> SafeString:
        return format_html(
            '<progress value="{0}" max="{1}" aria-label="{2}"></progress> {2}',
            work.done,
            max(work.total, 1),
            _("%(done)d of %(total)d") % {"done": work.done, "total": work.total},
        )
