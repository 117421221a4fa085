"""What is asked about proxies and groups."""

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from proxies import catalogue
from proxies.adminkit import owner_fields
from proxies.models import ApiProxy, Environment, Management, ScopeMatch

_ENVIRONMENTS = Environment.objects.all()
_LIVE_PROXIES = ApiProxy.objects.filter(archived_at=None)


class HolderForm(forms.Form):
    """What proxies and groups have in common."""

    name = forms.CharField(max_length=150, label=gettext_lazy("Name"))
    description = forms.CharField(required=False, widget=forms.Textarea, label=gettext_lazy("Description"))
    scopes = forms.CharField(
        required=False,
        help_text=gettext_lazy("Separated by spaces. Empty: the one scope 'access'."),
        label=gettext_lazy("Scopes"),
    )
    owner_name = owner_fields()["owner_name"]
    owner_team = owner_fields()["owner_team"]
    owner_email = owner_fields()["owner_email"]


class ProxyForm(HolderForm):
    """What may change of a proxy."""

    required_scopes = forms.CharField(
        required=False,
        help_text=gettext_lazy("Scopes that every call needs, separated by spaces."),
        label=gettext_lazy("Required scopes"),
    )
    required_match = forms.ChoiceField(choices=ScopeMatch.choices, label=gettext_lazy("Required match"))
    accept_token_in_url = forms.BooleanField(
        label=gettext_lazy("Accept the token in the URL"),
        required=False,
        help_text=(
            gettext_lazy(
                "As access_token of the URI that a trusted gateway forwards. Risky: URLs stay in logs and histories."
            )
        ),
    )


class _Identity(forms.Form):
    slug = forms.SlugField(
        max_length=80,
        help_text=gettext_lazy("Short name for gateways and clients. Permanent."),
        label=gettext_lazy("Slug"),
    )
    audience = forms.CharField(
        max_length=255,
        required=False,
        help_text=gettext_lazy("Absolute URI. Empty: made from the slug. Permanent."),
        label=gettext_lazy("Audience"),
    )


class NewProxyForm(_Identity, ProxyForm):
    """What a new proxy needs."""

    field_order = ("name", "slug", "audience", "scopes")


class NewGroupForm(_Identity, HolderForm):
    """What a new group needs."""

    members = forms.ModelMultipleChoiceField(_LIVE_PROXIES, required=False, label=gettext_lazy("Members"))
    field_order = ("name", "slug", "audience", "members", "scopes")


class PlaceForm(forms.Form):
    """An environment, and why."""

    environment = forms.ModelChoiceField(_ENVIRONMENTS, label=gettext_lazy("Environment"))
    note = forms.CharField(required=False, max_length=500, label=gettext_lazy("Note"))


class NoteForm(forms.Form):
    """Why."""

    note = forms.CharField(required=False, max_length=500, label=gettext_lazy("Note"))


class ModeForm(forms.Form):
    """Whose policy and keys count."""

    mode = forms.ChoiceField(choices=Management.choices, label=gettext_lazy("Mode"))


class MemberForm(forms.Form):
    """A proxy."""

    proxy = forms.ModelChoiceField(_LIVE_PROXIES, label=gettext_lazy("Proxy"))


def _rule(words: list[str]) -> catalogue.Rule:
    match = words.pop(2)[:-1] if words[2:3] in (["any:"], ["all:"]) else ScopeMatch.ALL.value
    if len(words) < 3:
        raise forms.ValidationError(_("Each line has a method, a path and at least one scope."))
    return catalogue.Rule(words[0].replace("*", ""), words[1], " ".join(words[2:]), match)


class PathRulesForm(forms.Form):
    """Path rules, one a line."""

    rules = forms.CharField(
        required=False,
        widget=forms.Textarea,
        help_text=(
            gettext_lazy(
                "One a line: METHOD /path/pattern scope scope. METHOD may be *, a path segment * and the rest **. "
                "All scopes are needed; with any: before them one is enough."
            )
        ),
        label=gettext_lazy("Rules"),
    )

    def clean_rules(self) -> list[catalogue.Rule]:
        return [_rule(line.split()) for line in self.cleaned_data["rules"].splitlines() if line.split()]
