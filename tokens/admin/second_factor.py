"""Your account > Second factor: set up, recovery codes, remove. For everybody who may enter, for themselves alone."""

from collections.abc import Callable
from typing import Any

import segno
from django import forms
from django.contrib import admin, messages
from django.contrib.auth import update_session_auth_hash
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.cache import add_never_cache_headers
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters

from credentials import second_factors
from credentials.errors import CredentialError
from credentials.models import SecondFactor, User
from proxies.adminkit import AdminPage, actor, register_page
from proxies.sentences import translated
from tokens import lifecycle
from tokens.admin.login import too_many
from tokens.errors import RateLimited

PAGE = "second_factor"
TEMPLATE = "admin/tokens/second_factor.html"


class FirstCodeForm(forms.Form):
    """The first code of an app, which says that it was set up."""

    code = forms.CharField(
        max_length=10,
        label=gettext_lazy("Code of the app"),
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "spellcheck": "false"}),
    )


class PasswordForm(forms.Form):
    """Who asks is who logged in."""

    password = forms.CharField(
        label=gettext_lazy("Your password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


@sensitive_post_parameters()
def second_factor(request: HttpRequest) -> HttpResponse:
    """One's own second factor; a POST does what its button says."""
    person = request.user
    assert isinstance(person, User)
    act = next((act for name, act in _ACTS.items() if name in request.POST), None)
    if request.method == "POST" and act is not None:
        try:
            return act(request, person)
        except CredentialError as refusal:
            messages.error(request, translated(refusal))
        return HttpResponseRedirect(reverse(f"admin:{PAGE}"))
    return _page(request, person)


def _page(request: HttpRequest, person: User, **forms_with_errors: forms.Form) -> HttpResponse:
    waits = person.second_factor_since is None and SecondFactor.objects.filter(person=person).exists()
    context = _context(request, _("Second factor"))
    context |= {
        "since": person.second_factor_since,
        "waits": waits,
        "required": second_factors.is_missing(person),
        "left": second_factors.codes_left(person) if person.second_factor_since else 0,
        "code_form": FirstCodeForm(),
        "renew_form": PasswordForm(auto_id="id_renew_%s"),
        "remove_form": PasswordForm(auto_id="id_remove_%s"),
        **forms_with_errors,
    }
    return _kept_by_nobody(TemplateResponse(request, TEMPLATE, context))


def _begin(request: HttpRequest, person: User) -> HttpResponse:
    """The key, once: as a picture to scan and as letters to type."""
    begun = second_factors.begin(person)
    context = _context(request, _("Set up your second factor"))
    groups = " ".join(begun.key[at : at + 4] for at in range(0, len(begun.key), 4))
    context |= {"picture": _picture(begun.address), "key": groups, "waits": True, "code_form": FirstCodeForm()}
    return _kept_by_nobody(TemplateResponse(request, TEMPLATE, context))


def _picture(address: str) -> SafeString:
    """A QR code as SVG with attributes only, dark on light whatever the page's colours are, so that it can be read."""
    drawn: str = segno.make(address, error="m", micro=False).svg_inline(
        scale=4, border=4, dark="#000", light="#fff", svgclass="qr", lineclass=None
    )
    return SafeString(drawn)


def _confirm(request: HttpRequest, person: User) -> HttpResponse:
    form = FirstCodeForm(request.POST)
    if not form.is_valid():
        return _page(request, person, code_form=form)
    try:
        counted = lifecycle.limit(lifecycle.by_second_factor(person.get_username()))
        codes = second_factors.confirm(person, form.cleaned_data["code"], by=actor(request))
    except RateLimited as refusal:
        form.add_error(None, too_many(refusal))
    except CredentialError as refusal:
        form.add_error("code", translated(refusal))
    else:
        counted.give_back()
        update_session_auth_hash(request, person)
        return _codes(request, codes)
    return _page(request, person, code_form=form)


def _renew(request: HttpRequest, person: User) -> HttpResponse:
    form = PasswordForm(request.POST, auto_id="id_renew_%s")
    if not _is_themselves(person, form):
        return _page(request, person, renew_form=form)
    return _codes(request, second_factors.renew_codes(person, by=actor(request)))


def _remove(request: HttpRequest, person: User) -> HttpResponse:
    form = PasswordForm(request.POST, auto_id="id_remove_%s")
    if not _is_themselves(person, form):
        return _page(request, person, remove_form=form)
    second_factors.remove(person, by=actor(request))
    update_session_auth_hash(request, person)
    messages.success(request, _("Your second factor is removed. Your password alone lets you in."))
    return HttpResponseRedirect(reverse(f"admin:{PAGE}"))


def _is_themselves(person: User, form: forms.Form) -> bool:
    """The right password, so many tries in a quarter of an hour as for codes."""
    if not form.is_valid():
        return False
    try:
        counted = lifecycle.limit(lifecycle.by_second_factor(person.get_username()))
    except RateLimited as refusal:
        form.add_error(None, too_many(refusal))
        return False
    if not person.check_password(form.cleaned_data["password"]):
        form.add_error("password", _("This is not your password."))
        return False
    counted.give_back()
    return True


def _codes(request: HttpRequest, codes: list[str]) -> HttpResponse:
    context = _context(request, _("Your recovery codes"))
    context |= {"codes": codes, "back": reverse(f"admin:{PAGE}")}
    return _kept_by_nobody(TemplateResponse(request, "admin/tokens/recovery_codes.html", context))


def _kept_by_nobody(answer: HttpResponse) -> HttpResponse:
    # The referrer policy stays the portal's: without any, forms on the page would be sent with `Origin: null`.
    add_never_cache_headers(answer)
    answer["Cache-Control"] = "no-store"
    return answer


def _context(request: HttpRequest, title: str) -> dict[str, Any]:
    return {**admin.site.each_context(request), "title": title, "section": _("Your account")}


_ACTS: dict[str, Callable[[HttpRequest, User], HttpResponse]] = {
    "begin": _begin, "confirm": _confirm, "renew": _renew, "remove": _remove,
}  # fmt: skip
register_page(
    AdminPage(PAGE, gettext_lazy("Second factor"), "second-factor/", second_factor, "Your account", "signing", 10)
)
