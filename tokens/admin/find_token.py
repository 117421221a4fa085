"""Find a record by pasting the token: a POST that is neither logged nor kept, since an address would be both."""

from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.cache import add_never_cache_headers
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters

from tokens import lifecycle
from tokens.models import IssuedToken, RefreshKey


class TokenForm(forms.Form):
    """The value as it was handed out."""

    token = forms.CharField(
        max_length=16_384,
        widget=forms.Textarea(attrs={"rows": 6, "autocomplete": "off", "spellcheck": "false", "autocapitalize": "off"}),
        help_text=gettext_lazy(
            "A refresh key, a refresh token or an access token. It is looked up by its hash and not kept."
        ),
        label=gettext_lazy("Token"),
    )


def record_address(found: IssuedToken | RefreshKey) -> str:
    """The page of a record."""
    if isinstance(found, IssuedToken):
        return reverse("admin:tokens_issuedtoken_change", args=[found.pk])
    screen = "jwtrefreshkey" if found.signing_key_id is not None else "refreshkey"
    return reverse(f"admin:tokens_{screen}_change", args=[found.pk])


class FindByToken:
    """A screen with a page to paste a token into."""

    def get_urls(self) -> list[URLPattern]:
        opts = self.opts  # type: ignore[attr-defined]
        view = self.admin_site.admin_view(self.find_view)  # type: ignore[attr-defined]
        own = path("find/", view, name=f"{opts.app_label}_{opts.model_name}_find")
        return [own, *super().get_urls()]  # type: ignore[misc]

    @method_decorator(sensitive_post_parameters())
    def find_view(self, request: HttpRequest) -> HttpResponse:
        """The form, and by POST the record's page or a sentence that there is none."""
        if not self.has_view_permission(request):  # type: ignore[attr-defined]
            raise PermissionDenied
        form = TokenForm(request.POST if request.method == "POST" else None)
        if form.is_valid():
            found = lifecycle.find(form.cleaned_data["token"])
            if found is not None:
                return HttpResponseRedirect(record_address(found))
            form = TokenForm()  # what was pasted does not come back in the page
            form.errors["token"] = form.error_class(
                [_("No token of this portal has this value, or its record is gone.")]
            )
        context: dict[str, Any] = {
            **self.admin_site.each_context(request),  # type: ignore[attr-defined]
            "opts": self.opts,  # type: ignore[attr-defined]
            "form": form,
            "title": _("Find by token"),
            "section": _(getattr(self, "section", "")),
        }
        answer = TemplateResponse(request, "admin/tokens/find_token.html", context)
        add_never_cache_headers(answer)
        return answer
