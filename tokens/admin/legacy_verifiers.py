"""Verifiers of imported tokens: who still holds some, until when they count, and an end sooner or later (D20)."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from proxies.adminkit import Act, PortalAdmin, actor, moment
from tokens import legacy, legacy_use
from tokens.models import LegacyVerifier


class EndForm(forms.Form):
    """Another end."""

    ends_at = forms.DateTimeField(
        label=gettext_lazy("Ends at"),
        help_text=gettext_lazy("UTC, in the future. From then on its tokens are unknown, and are not brought back."),
    )


def _move_end(request: HttpRequest, subject: LegacyVerifier, values: dict[str, Any]) -> str:
    legacy.move_end(subject, values["ends_at"], by=actor(request))
    return _("{verifier} ends on {day} (UTC).").format(verifier=subject, day=f"{subject.ends_at:%Y-%m-%d %H:%M}")


def _end(request: HttpRequest, subject: LegacyVerifier, values: dict[str, Any]) -> str:
    legacy.end(subject, by=actor(request))
    return _("{verifier} has ended. Its tokens are unknown from now on.").format(verifier=subject)


def _in_use(subject: LegacyVerifier) -> bool:
    return legacy_use.state(subject, at=timezone.now()) == "in use"


@admin.register(LegacyVerifier)
class LegacyVerifierAdmin(PortalAdmin):
    """Verifiers of imported tokens."""

    section, place, icon = "Tokens", 45, "download"
    minor = ("kind", "environment", "refreshed_here")
    empty_hint = gettext_lazy(
        "Imported tokens keep their own form until a day that you set. Nothing was imported: "
        "manage.py import_oauth_toolkit or import_simplejwt brings them (docs/importing.md)."
    )
    list_display = ("name", "kind", "environment", "state", "ends_at", "token_families", "refreshed_here")
    list_filter = ("environment", "kind")
    list_select_related = ("environment",)
    fields = readonly_fields = (
        "name",
        "kind",
        "environment",
        "algorithm",
        "kid",
        "user_claim",
        "state",
        "created_at",
        "ends_at",
        "token_families",
        "refreshed_here",
        "holders_left",
        "last_used",
    )
    acts = (
        Act(
            "move-end",
            gettext_lazy("Move the end"),
            _move_end,
            "change_legacyverifier",
            EndForm,
            help=gettext_lazy(
                "Later, for whoever has not refreshed yet; or sooner. Whoever refreshes has tokens of our own form, "
                "and is not concerned."
            ),
            possible=_in_use,
            initial=lambda subject: {"ends_at": subject.ends_at},
        ),
        Act(
            "end",
            gettext_lazy("End now"),
            _end,
            "change_legacyverifier",
            help=gettext_lazy(
                "Every imported token that still has its old form is unknown from now on, in other processes within "
                "five seconds. What was refreshed here lives on."
            ),
            dangerous=True,
            milder=gettext_lazy("Milder: move the end, and let whoever uses the old tokens know."),
            possible=_in_use,
        ),
    )

    def prepare_rows(self, rows: Sequence[Any]) -> None:
        counted = legacy_use.carried(rows)
        for row in rows:
            row.carried = counted.get(row.pk, legacy_use.Carried())

    @admin.display(description=gettext_lazy("State"))
    def state(self, verifier: LegacyVerifier) -> str:
        return _("in use") if _in_use(verifier) else _("ended")

    @admin.display(description=gettext_lazy("Token families"))
    def token_families(self, verifier: LegacyVerifier) -> int:
        return int(verifier.carried.families)  # type: ignore[attr-defined]  # see prepare_rows

    @admin.display(description=gettext_lazy("Refreshed here"))
    def refreshed_here(self, verifier: LegacyVerifier) -> int:
        return int(verifier.carried.refreshed)  # type: ignore[attr-defined]  # see prepare_rows

    @admin.display(description=gettext_lazy("Who still holds old tokens"))
    def holders_left(self, verifier: LegacyVerifier) -> str:
        number = legacy_use.holders_left(verifier, at=timezone.now())
        return ngettext("{number} client or person", "{number} clients and people", number).format(number=number)

    @admin.display(description=gettext_lazy("Old tokens last used"))
    def last_used(self, verifier: LegacyVerifier) -> SafeString | str:
        return moment(legacy_use.last_used_at(verifier))
