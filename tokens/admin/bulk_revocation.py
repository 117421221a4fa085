"""Revoke many rows of a list: a page first that says what dies, then one revocation each (D12, D30).

Some are revoked at once. What is more, or all that the filter shows, is done in the background (tokens/bulk_work.py).
"""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.cache import add_never_cache_headers
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from proxies.adminkit import actor
from tokens import bulk_work
from tokens.admin.asking import asked
from tokens.impact import impact_of_families, lines
from tokens.models import TokenFamily

AT_ONCE = 1_000
IMPACT_COUNTED_UP_TO = 20_000
_LISTED = 20
Choices = tuple[tuple[str, "str | Promise"], ...]
TOKENS_ALONE: Choices = (("token", gettext_lazy("The access tokens alone; what can be refreshed gets new ones")),)
FAMILIES: Choices = (("family", gettext_lazy("The families: refresh tokens and every access token")),)
KEYS: Choices = (
    ("family", gettext_lazy("The keys, their successors and every access token they got")),
    ("key", gettext_lazy("The keys alone; access tokens in use live to their end")),
)


class RevokeManyForm(forms.Form):
    """How much ends, why, and the confirmation."""

    how = forms.ChoiceField(label=gettext_lazy("What shall end"), widget=forms.RadioSelect)
    because = forms.CharField(label=gettext_lazy("Reason"), max_length=200, required=False)

    def __init__(self, *args: Any, phrase: str, choices: Choices, **named: Any) -> None:
        super().__init__(*args, **named)
        self.phrase = phrase
        how = self.fields["how"]
        assert isinstance(how, forms.ChoiceField)
        how.choices, how.initial = choices, choices[0][0]
        self.fields["typed"] = forms.CharField(
            label=_("Type “%(phrase)s” to confirm") % {"phrase": phrase},
            widget=forms.TextInput(attrs={"autocomplete": "off"}),
        )

    def clean_typed(self) -> str:
        typed = str(self.cleaned_data["typed"])
        if typed != self.phrase:
            raise forms.ValidationError(_("This is not what it asks for."))
        return typed


class RevokesMany:
    """A screen whose rows can be revoked many at once: the chosen ones, or all that the filter shows."""

    how_to_revoke: Choices = FAMILIES

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Who may use it: whoever may revoke one."""
        opts = self.opts  # type: ignore[attr-defined]
        return request.user.has_perm(f"tokens.change_{opts.model_name}")


@admin.action(description=gettext_lazy("Revoke selected"), permissions=["revoke"])
def revoke_selected(screen: Any, request: HttpRequest, chosen: QuerySet[Any]) -> HttpResponse | None:
    """GET of a POST: the list sends the choice, the page sends it again with the confirmation."""
    rows = chosen.order_by("-pk")
    total = rows.count()
    confirmed = "typed" in request.POST
    form = RevokeManyForm(
        request.POST if confirmed else None,
        phrase=_("revoke {count}").format(count=total),
        choices=screen.how_to_revoke,
    )
    if not (confirmed and form.is_valid()):
        return _page(screen, request, rows, total, form)
    if total > AT_ONCE:
        return _in_background(request, rows, form.cleaned_data)
    messages.success(request, _at_once(request, rows, form.cleaned_data))
    return None


def _at_once(request: HttpRequest, rows: QuerySet[Any], values: dict[str, Any]) -> str:
    """One revocation each, by the same function as the button; how many were ended by this."""
    of_families = values["how"] == "family" and rows.model is not TokenFamily
    terms: dict[str, Any] = {"by": actor(request), "because": values["because"], "request": asked(request)}
    ended, total = 0, 0
    for row in _whole(rows):
        ended += bulk_work.revoke(row.family if of_families else row, **terms)
        total += 1
    before = total - ended
    told = ngettext("%(n)d %(name)s revoked", "%(n)d %(names)s revoked", ended) % _named(rows, ended)
    if not before:
        return f"{told}."
    return told + ngettext(", %(n)d was already.", ", %(n)d were already.", before) % {"n": before}


def _named(rows: QuerySet[Any], number: int) -> dict[str, Any]:
    name, names = _NAMES.get(rows.model.__name__, _KEYS)
    return {"n": number, "name": name, "names": names}


_KEYS = (gettext_lazy("key"), gettext_lazy("keys"))
_NAMES = {
    "IssuedToken": (gettext_lazy("access token"), gettext_lazy("access tokens")),
    "TokenFamily": (gettext_lazy("family"), gettext_lazy("families")),
}


def _whole(rows: QuerySet[Any]) -> QuerySet[Any]:
    """With what a revocation tells the log."""
    holders = ("credential", "user", "environment")
    if rows.model is TokenFamily:
        return rows.select_related(*holders)
    return rows.select_related(*(f"family__{name}" for name in holders))


def _in_background(request: HttpRequest, rows: QuerySet[Any], values: dict[str, Any]) -> HttpResponse:
    work = bulk_work.start(
        values["how"],
        bulk_work.selected(values["how"], rows),
        by=actor(request),
        because=values["because"],
        chosen_by=_told(request),
        address=asked(request).address,
    )
    messages.success(request, _("It is done in the background. This page tells how far it is."))
    return HttpResponseRedirect(reverse("admin:tokens_bulkwork_change", args=[work.pk]))


def _told(request: HttpRequest) -> str:
    """The filter, as the address of the list says it."""
    if request.POST.get("select_across") != "1":
        return "chosen one by one"
    return request.META.get("QUERY_STRING", "") or "everything"


def _page(screen: Any, request: HttpRequest, rows: QuerySet[Any], total: int, form: RevokeManyForm) -> HttpResponse:
    across = request.POST.get("select_across") == "1"
    shown = list(_whole(rows)[:_LISTED])
    title = ngettext("Revoke %(n)d %(name)s", "Revoke %(n)d %(names)s", total) % _named(rows, total)
    context = {
        **screen.admin_site.each_context(request),
        "opts": screen.opts,
        "section": _(screen.section),
        "title": title,
        "form": form,
        "impact": lines(impact_of_families(set(bulk_work.selected("family", rows)))) if _countable(total) else [],
        "too_many_to_count": not _countable(total),
        "rows": [(row, row if isinstance(row, TokenFamily) else row.family) for row in shown],
        "more": max(0, total - _LISTED),
        "background": total > AT_ONCE,
        "across": across,
        "media": screen.media,
        "chosen": [shown[0].pk] if across and shown else request.POST.getlist("_selected_action"),
    }
    answer = TemplateResponse(request, "admin/tokens/revoke_many.html", context)
    add_never_cache_headers(answer)
    return answer


def _countable(total: int) -> bool:
    return total <= IMPACT_COUNTED_UP_TO
