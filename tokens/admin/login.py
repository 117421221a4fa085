"""Who may enter: the admin's login counts failures as the login of REST does, in the same bucket (D38).

Whoever has a second factor is not logged in by a password: their session knows only who has given one, for some
minutes, and a second page asks for the code.
"""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth import login
from django.contrib.auth.views import RedirectURLMixin
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.debug import sensitive_post_parameters

from credentials.errors import CredentialError
from credentials.models import User
from proxies.adminkit import AdminPage, MoreToProve, register_page
from proxies.sentences import translated
from tokens import lifecycle
from tokens.callers import request_facts
from tokens.errors import RateLimited

STEP = "login_code"
HALF_WAY = "half_way"
HALF_WAY_SECONDS = 5 * 60
BACKEND = "django.contrib.auth.backends.ModelBackend"


def too_many(refusal: RateLimited) -> str:
    """How long whoever failed too often waits."""
    minutes = -(-refusal.retry_after // 60)
    told = ngettext(
        "Too many failed attempts. Try again in %(n)d minute.",
        "Too many failed attempts. Try again in %(n)d minutes.",
        minutes,
    )
    return told % {"n": minutes}


class LimitedLoginForm(AdminAuthenticationForm):
    """Name and password, so many tries for one name from one address in each quarter of an hour.

    A stranger elsewhere locks nobody out, nothing is locked for ever, and who succeeds spends no try.
    """

    def clean(self) -> dict[str, Any]:
        assert self.request is not None
        name = str(self.cleaned_data.get("username", ""))
        try:
            counted = lifecycle.limit(lifecycle.by_login(name, request_facts(self.request.META).address))
        except RateLimited as refusal:
            raise ValidationError(too_many(refusal), code="rate_limited") from refusal
        values = super().clean()
        counted.give_back()
        person = self.get_user()
        if isinstance(person, User) and person.second_factor_since is not None:
            raise MoreToProve(_half_way(self.request, person))
        return values


def _half_way(request: HttpRequest, person: User) -> HttpResponse:
    """To the second step. The session remembers who it is, until when, and the password that was given by its hash."""
    request.session.cycle_key()
    request.session[HALF_WAY] = {
        "person": person.pk,
        "until": int(timezone.now().timestamp()) + HALF_WAY_SECONDS,
        "bound": person.get_session_auth_hash(),
    }
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    query = f"?{urlencode({'next': wanted})}" if wanted else ""
    return HttpResponseRedirect(reverse(f"admin:{STEP}") + query)


def _who(request: HttpRequest) -> User | None:
    """Who has given the password a moment ago, if it is their password still."""
    kept = request.session.get(HALF_WAY)
    if kept is None or kept["until"] < timezone.now().timestamp():
        return None
    person = User.objects.filter(pk=kept["person"], is_active=True, second_factor_since__isnull=False).first()
    if person is None or not constant_time_compare(kept["bound"], person.get_session_auth_hash()):
        return None
    return person


class CodeForm(forms.Form):
    """A code of the app, or a recovery code."""

    code = forms.CharField(
        max_length=40,
        label=gettext_lazy("Code"),
        help_text=gettext_lazy("Six digits of your app, or one of your recovery codes."),
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "inputmode": "text", "autofocus": True, "spellcheck": "false",
                   "autocapitalize": "off"}
        ),
    )  # fmt: skip


class _Onward(RedirectURLMixin):
    """Where Django's own login would lead: `next`, if it is an address of this portal."""

    next_page = "admin:index"

    def __init__(self, request: HttpRequest) -> None:
        self.request = request


@sensitive_post_parameters()
def login_code(request: HttpRequest) -> HttpResponse:
    """The second step: the code, then the session is the person's."""
    person = _who(request)
    if person is None:
        request.session.pop(HALF_WAY, None)
        return HttpResponseRedirect(reverse("admin:login"))
    form = CodeForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            lifecycle.second_step(person, form.cleaned_data["code"])
        except RateLimited as refusal:
            form.add_error(None, too_many(refusal))
        except CredentialError as refusal:
            form.add_error(None, translated(refusal))
        else:
            del request.session[HALF_WAY]
            login(request, person, backend=BACKEND)
            return HttpResponseRedirect(_Onward(request).get_success_url())
    context = {**admin.site.each_context(request), "title": _("Second step"), "form": form, "person": person}
    context["next"] = _Onward(request).get_redirect_url()
    return TemplateResponse(request, "admin/login_code.html", context)


register_page(AdminPage(STEP, "Second step", "login/code/", login_code, "", for_strangers=True))
admin.site.login_form = LimitedLoginForm
