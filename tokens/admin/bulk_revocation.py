"""Revoke many refresh keys: a page first that says what dies, then one revocation each (D12, D30)."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.cache import add_never_cache_headers

from proxies.adminkit import actor
from tokens import lifecycle
from tokens.admin.families import asked
from tokens.impact import impact_of_families, lines
from tokens.models import JwtRefreshKey
from tokens.querysets import state_of

MOST = 1_000
_LISTED = 20


class RevokeManyForm(forms.Form):
    """How much ends, why, and the confirmation."""

    how = forms.ChoiceField(
        label="What shall end",
        choices=(
            ("family", "The keys, their successors and every access token they got"),
            ("key", "The keys alone; access tokens in use live to their end"),
        ),
        initial="family",
        widget=forms.RadioSelect,
    )
    because = forms.CharField(label="Reason", max_length=200, required=False)

    def __init__(self, *args: Any, phrase: str, **named: Any) -> None:
        super().__init__(*args, **named)
        self.phrase = phrase
        self.fields["typed"] = forms.CharField(
            label=f"Type “{phrase}” to confirm", widget=forms.TextInput(attrs={"autocomplete": "off"})
        )

    def clean_typed(self) -> str:
        typed = str(self.cleaned_data["typed"])
        if typed != self.phrase:
            raise forms.ValidationError("This is not what it asks for.")
        return typed


@admin.action(description="Revoke selected keys", permissions=["revoke"])
def revoke_selected(screen: Any, request: HttpRequest, chosen: QuerySet[JwtRefreshKey]) -> HttpResponse | None:
    """GET of a POST: the list sends the choice, the page sends it again with the confirmation."""
    keys = list(chosen.order_by("-id")[: MOST + 1])
    if len(keys) > MOST:
        messages.error(request, f"At most {MOST} keys are revoked at once. Narrow the list by its filters.")
        return None
    confirmed = "typed" in request.POST
    form = RevokeManyForm(request.POST if confirmed else None, phrase=f"revoke {len(keys)}")
    if confirmed and form.is_valid():
        messages.success(request, _revoke(request, keys, form.cleaned_data))
        return None
    return _page(screen, request, keys, form)


def _revoke(request: HttpRequest, keys: list[JwtRefreshKey], values: dict[str, Any]) -> str:
    """One revocation each, by the same function as the button; how many were ended by this."""
    ended = 0
    for key in keys:
        terms: dict[str, Any] = {"by": actor(request), "because": values["because"], "request": asked(request)}
        ended += (
            lifecycle.revoke_family(key.family, **terms)
            if values["how"] == "family"
            else lifecycle.revoke_key(key, **terms)
        )
    before = len(keys) - ended
    told = f"{ended} key{'' if ended == 1 else 's'} revoked"
    return f"{told}, {before} {'was' if before == 1 else 'were'} already." if before else f"{told}."


def _page(screen: Any, request: HttpRequest, keys: list[JwtRefreshKey], form: RevokeManyForm) -> HttpResponse:
    now = timezone.now()
    context = {
        **screen.admin_site.each_context(request),
        "opts": screen.opts,
        "section": screen.section,
        "title": f"Revoke {len(keys)} key{'' if len(keys) == 1 else 's'}",
        "form": form,
        "impact": lines(impact_of_families({key.family_id for key in keys})),
        "keys": [(key, str(state_of(key, now))) for key in keys[:_LISTED]],
        "more": max(0, len(keys) - _LISTED),
        "media": screen.media,
        "chosen": [key.pk for key in keys],
    }
    answer = TemplateResponse(request, "admin/tokens/revoke_many.html", context)
    add_never_cache_headers(answer)
    return answer
