"""The page "Why was it refused?": paste a token, or name it; POST only, since an address would be logged."""

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters

from proxies.adminkit import AdminPage, register_page
from proxies.models import ApiProxy, Environment
from proxies.sentences import translated
from tokens import lifecycle
from tokens.admin.find_token import record_address
from tokens.errors import TokenError

PERMISSION = "tokens.view_issuedtoken"


class QuestionForm(forms.Form):
    """One of token, jti, fingerprint or log row; and where it was refused."""

    token = forms.CharField(
        max_length=16_384,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4, "autocomplete": "off", "spellcheck": "false", "autocapitalize": "off"}),
        help_text=gettext_lazy("The token itself. It is looked at and not kept."),
        label=gettext_lazy("Token"),
    )
    jti = forms.CharField(label=gettext_lazy("or its JTI"), max_length=64, required=False)
    fingerprint = forms.CharField(
        label=gettext_lazy("or its fingerprint"),
        max_length=64,
        required=False,
        help_text=gettext_lazy("16 digits, as the request log shows them."),
    )
    log_id = forms.IntegerField(label=gettext_lazy("or a row of the log"), min_value=1, max_value=2**62, required=False)
    proxy = forms.ModelChoiceField(
        ApiProxy.objects.order_by("name"), label=gettext_lazy("At API proxy"), required=False, to_field_name="slug"
    )
    environment = forms.ModelChoiceField(
        Environment.objects.all(),
        required=False,
        to_field_name="slug",
        help_text=gettext_lazy("Empty: the token's own."),
        label=gettext_lazy("Environment"),
    )

    def clean(self) -> dict[str, object]:
        values = super().clean() or {}
        if sum(bool(values.get(name)) for name in ("token", "jti", "fingerprint", "log_id")) != 1:
            raise forms.ValidationError(_("Give exactly one: the token, its JTI, its fingerprint or a row of the log."))
        return values


@sensitive_post_parameters()
def explain_view(request: HttpRequest) -> HttpResponse:
    """The question, and by POST the answer below it. What was pasted does not come back in the page."""
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied
    form = QuestionForm(request.POST if request.method == "POST" else None, initial=_named(request))
    found = None
    if form.is_valid():
        values = form.cleaned_data
        try:
            found = lifecycle.explain(
                raw=values["token"],
                jti=values["jti"],
                fingerprint=values["fingerprint"],
                log_id=values["log_id"],
                proxy=values["proxy"].slug if values["proxy"] else "",
                environment=values["environment"].slug if values["environment"] else "",
            )
        except TokenError as refused:
            form.add_error(None, translated(refused))
    return _page(request, form, found)


def _named(request: HttpRequest) -> dict[str, str]:
    """What a link may name: nothing that opens anything."""
    return {name: request.GET[name] for name in ("jti", "log_id", "proxy", "environment") if name in request.GET}


def _page(request: HttpRequest, form: QuestionForm, found: lifecycle.Explanation | None) -> HttpResponse:
    # A template renders the pasted token nowhere: the field is shown empty again.
    shown = form if found is None else QuestionForm(initial={**form.cleaned_data, "token": ""})
    if form.is_bound and found is None:
        shown.data = {**form.data.dict(), "token": ""}  # type: ignore[attr-defined]
    context = {
        **admin.site.each_context(request),
        "form": shown,
        "found": found,
        "record_url": record_address(found.record) if found is not None and found.record is not None else "",
        "title": _("Why was it refused?"),
        "section": _("Tokens"),
    }
    answer = TemplateResponse(request, "admin/tokens/explain.html", context)
    add_never_cache_headers(answer)
    return answer


register_page(
    AdminPage(
        "explain", gettext_lazy("Why was it refused?"), "explain/", explain_view, "Tokens", "alert", 5, PERMISSION
    )
)
