"""Where a link that sets a password leads: a page for whoever has one, without a login."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters

from credentials import password_links
from credentials.errors import CredentialError
from proxies.adminkit import AdminPage, register_page
from proxies.sentences import translated

PAGE = "set_password"


class SetPasswordForm(forms.Form):
    """The link, which the page's script fills in, and a password, twice."""

    link = forms.CharField(
        max_length=500,
        label=gettext_lazy("The link you were given"),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    password = forms.CharField(
        label=gettext_lazy("Your new password"),
        strip=False,
        max_length=1_000,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    again = forms.CharField(
        label=gettext_lazy("The password again"),
        strip=False,
        max_length=1_000,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if values.get("password") != values.get("again"):
            raise forms.ValidationError(_("The two passwords differ."))
        return values


@sensitive_post_parameters()
def set_password(request: HttpRequest) -> HttpResponse:
    """The form; a POST sets the password and leads to the login."""
    form = SetPasswordForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            person = password_links.use(form.cleaned_data["link"], form.cleaned_data["password"])
        except CredentialError as refusal:
            form.add_error(None, translated(refusal))
        else:
            messages.success(request, _("Your password is set, %(person)s. Log in with it.") % {"person": person})
            return HttpResponseRedirect(reverse("admin:login"))
    context = {**admin.site.each_context(request), "title": _("Set your password"), "form": form}
    answer = TemplateResponse(request, "admin/credentials/set_password.html", context)
    answer["Cache-Control"] = "no-store"
    return answer


register_page(AdminPage(PAGE, "Set your password", password_links.PATH, set_password, "", for_strangers=True))
