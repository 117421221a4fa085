"""Personal access tokens: one's own page for everybody who may enter, and the list of all for admins (S3.12, D19)."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import add_never_cache_headers
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from credentials import personal_tokens
from credentials.errors import CredentialError
from credentials.models import PersonalAccessToken, User
from proxies.adminkit import Act, AdminPage, PortalAdmin, actor, register_page, state_badge
from proxies.api_scopes import SCOPES
from proxies.sentences import translated

DAY = 24 * 3600
PAGE = "your_tokens"


def _lifetimes() -> list[tuple[str, str]]:
    """The usual ones that the installation allows."""
    most = settings.PERSONAL_TOKEN_MAXIMUM_LIFETIME_SECONDS
    days = [each for each in (1, 7, 30, 90, 180, 365) if each * DAY <= most]
    found = [(str(each * DAY), ngettext("%(n)d day", "%(n)d days", each) % {"n": each}) for each in days]
    return found or [(str(most), ngettext("%(n)d second", "%(n)d seconds", most) % {"n": most})]


class NewTokenForm(forms.Form):
    """What it is for, what it may do, and for how long."""

    name = forms.CharField(max_length=100, label=gettext_lazy("What it is for"))
    scopes = forms.MultipleChoiceField(
        label=gettext_lazy("What it may do"),
        choices=lambda: [(name, f"{name}: {translated(told)}") for name, told in SCOPES.items()],
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("It never does more than you may do yourself at that moment."),
    )
    lifetime = forms.TypedChoiceField(coerce=int, choices=_lifetimes, label=gettext_lazy("It ends after"))

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        wished = str(settings.PERSONAL_TOKEN_LIFETIME_SECONDS)
        offered = [value for value, _label in _lifetimes()]
        self.initial.setdefault("lifetime", wished if wished in offered else offered[0])


def your_tokens(request: HttpRequest) -> HttpResponse:
    """One's own tokens; a POST makes one, whose value is on the answer alone, or revokes one."""
    person = request.user
    assert isinstance(person, User)
    if request.method == "POST" and "revoke" in request.POST:
        return _revoke_own(request, person)
    form = NewTokenForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            made = personal_tokens.make(person, by=actor(request), **form.cleaned_data)
        except CredentialError as refusal:
            form.add_error(None, translated(refusal))
        else:
            return _shown_once(request, made.raw)
    now = timezone.now()
    own = PersonalAccessToken.objects.filter(owner=person).select_related("owner")[:100]
    context = _context(request, _("Your tokens"))
    context |= {"form": form, "tokens": [(each, str(personal_tokens.state(each, now))) for each in own]}
    answer = TemplateResponse(request, "admin/credentials/your_tokens.html", context)
    add_never_cache_headers(answer)
    return answer


def _revoke_own(request: HttpRequest, person: User) -> HttpResponse:
    key = request.POST["revoke"]
    token = PersonalAccessToken.objects.filter(owner=person, pk=key).first() if key.isdecimal() else None
    if token is None:
        raise Http404
    personal_tokens.revoke(token, by=actor(request))
    messages.success(request, _("%(token)s is revoked.") % {"token": token})
    return HttpResponseRedirect(reverse(f"admin:{PAGE}"))


def _shown_once(request: HttpRequest, raw: str) -> HttpResponse:
    context = _context(request, _("Your new personal access token"))
    context |= {"values": [(_("Token"), raw)], "back": reverse(f"admin:{PAGE}")}
    answer = TemplateResponse(request, "admin/shown_once.html", context)
    answer["Cache-Control"] = "no-store"
    answer["Referrer-Policy"] = "no-referrer"
    return answer


def _context(request: HttpRequest, title: str) -> dict[str, Any]:
    return {**admin.site.each_context(request), "title": title, "section": _("Your account")}


register_page(AdminPage(PAGE, gettext_lazy("Your tokens"), "your-tokens/", your_tokens, "Your account", "token", 20))


class ReasonForm(forms.Form):
    """Why."""

    because = forms.CharField(label=gettext_lazy("Reason"), max_length=200, required=False)


def _revoke(request: HttpRequest, subject: PersonalAccessToken, values: dict[str, Any]) -> str:
    done = personal_tokens.revoke(subject, by=actor(request), because=values["because"])
    told = _("%(token)s of %(owner)s is revoked.") if done else _("%(token)s of %(owner)s was revoked before.")
    return told % {"token": subject, "owner": subject.owner}


@admin.register(PersonalAccessToken)
class PersonalAccessTokenAdmin(PortalAdmin):
    """Everybody's personal access tokens."""

    section, place, icon = "People", 20, "token"
    minor = ("scopes", "last_used_address")
    empty_hint = gettext_lazy("People make them for their scripts on the page “Your tokens”.")
    list_display = ("name", "owner", "state", "scopes", "created_at", "expires_at", "last_used_at", "last_used_address")
    list_filter = (("revoked_at", admin.EmptyFieldListFilter), ("last_used_at", admin.EmptyFieldListFilter))
    list_select_related = ("owner",)
    search_fields = ("name", "owner__username")
    exclude = ("digest", "user_generation")
    readonly_fields = ("state",)
    acts = (
        Act(
            "revoke",
            gettext_lazy("Revoke"),
            _revoke,
            "change_personalaccesstoken",
            ReasonForm,
            help=gettext_lazy("Scripts that use it are refused from the next request on. This cannot be undone."),
            possible=lambda subject: subject.revoked_at is None,
        ),
    )

    @admin.display(description=gettext_lazy("State"))
    def state(self, token: PersonalAccessToken) -> SafeString:
        return state_badge(str(personal_tokens.state(token, timezone.now())))
