"""The Manage tokens dialog of a connection configuration (S4.3-S4.18): one address, a page or what fills the dialog."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from credentials import rotation, rules
from credentials.errors import ConnectionTokenInUse, CredentialError
from credentials.models import ConnectionConfiguration, ConnectionToken
from proxies.adminkit import PortalAdmin, actor
from proxies.sentences import translated

PAGE = "admin/credentials/connectionconfiguration/manage_tokens.html"
PART = "admin/credentials/connectionconfiguration/_tokens.html"
# What the script of the dialog sends, and by which it knows the answer.
MARK = "X-Manage-Tokens"
CHANGE = "change_connectiontoken"
REVEAL = "reveal_connectiontoken"


def tokens_url(configuration: ConnectionConfiguration) -> str:
    """The address of the dialog."""
    return reverse("admin:credentials_connectionconfiguration_tokens", args=[configuration.pk])


class Asked(forms.Form):
    """What a button of the dialog sends."""

    act = forms.ChoiceField(
        choices=[(name, name) for name in ("generate", "show", "copy", "revoke", "replace")], label=gettext_lazy("Act")
    )
    token = forms.IntegerField(required=False, min_value=1, max_value=2**62, label=gettext_lazy("Token"))
    because = forms.CharField(required=False, max_length=200, label=gettext_lazy("Because"))
    confirmed = forms.BooleanField(required=False, label=gettext_lazy("Confirmed"))
    even_if_in_use = forms.BooleanField(required=False, label=gettext_lazy("Even if in use"))


class Question(NamedTuple):
    """What is asked before something that cannot be undone."""

    act: str
    token: ConnectionToken
    text: str
    because: str = ""
    again: bool = False


@dataclass
class Outcome:
    """What the page says after an act."""

    done: str = ""
    refused: str = ""
    question: Question | None = None
    value_of: int | None = None
    value: str = ""
    copied: bool = False
    status: int = 200


class Line(NamedTuple):
    """One token as it is listed."""

    token: ConnectionToken
    advice: rules.Rotation
    in_use: bool


@dataclass
class TokenDialog:
    """One request to the dialog of one configuration."""

    screen: PortalAdmin
    request: HttpRequest
    configuration: ConnectionConfiguration
    now: datetime = field(default_factory=timezone.now)

    def answer(self) -> HttpResponse:
        """GET shows, POST acts and shows. Neither is kept by anyone between (D19)."""
        if not self.screen.has_view_permission(self.request, self.configuration):
            raise PermissionDenied
        outcome = self._act() if self.request.method == "POST" else Outcome()
        part = MARK in self.request.headers
        response = TemplateResponse(self.request, PART if part else PAGE, self._context(outcome), status=outcome.status)
        response["Cache-Control"] = "no-store"
        response["Referrer-Policy"] = "same-origin"
        response["Vary"] = MARK
        if part:
            response[MARK] = "part"
        return response

    def _may(self, codename: str) -> bool:
        return self.request.user.has_perm(f"credentials.{codename}")

    def _act(self) -> Outcome:
        asked = Asked(self.request.POST)
        if not asked.is_valid():
            return Outcome(refused=_("This is not something that can be asked here."), status=400)
        values = asked.cleaned_data
        codename, verb = VERBS[values["act"]]
        if not self._may(codename):
            raise PermissionDenied
        try:
            return verb(self, values)
        except ConnectionTokenInUse as refusal:
            token = self._token(values)
            return Outcome(
                question=Question("revoke", token, translated(refusal), values["because"], again=True), status=409
            )
        except CredentialError as refusal:
            return Outcome(refused=translated(refusal), status=409)

    def _token(self, values: dict[str, Any]) -> ConnectionToken:
        found = ConnectionToken.objects.filter(configuration=self.configuration, pk=values["token"]).first()
        if found is None:
            raise Http404
        return found

    def generate(self, values: dict[str, Any]) -> Outcome:
        made = rotation.generate(self.configuration, by=actor(self.request), at=self.now)
        done = _("A new token was generated. Register it on all instances, then revoke the old one.")
        return Outcome(done=done, value_of=made.token.pk, value=made.raw)

    def reveal(self, values: dict[str, Any]) -> Outcome:
        token, copied = self._token(values), values["act"] == "copy"
        raw = rotation.reveal(token, by=actor(self.request), copied=copied, at=self.now)
        return Outcome(value_of=token.pk, value=raw, copied=copied)

    def revoke(self, values: dict[str, Any]) -> Outcome:
        token = self._token(values)
        if not values["confirmed"]:
            text = _("Revoke this token? Instances that still use it are refused at once. It cannot be undone.")
            return Outcome(question=Question("revoke", token, text))
        rotation.revoke(
            token,
            by=actor(self.request),
            because=values["because"],
            even_if_in_use=values["even_if_in_use"],
            at=self.now,
        )
        return Outcome(done=_("Token {number} is revoked.").format(number=token.pk))

    def replace(self, values: dict[str, Any]) -> Outcome:
        token = self._token(values)
        if not values["confirmed"]:
            text = _(
                "Replace this token now? It is revoked and a new one is made in one step. Use it where the token is "
                "compromised: instances are refused until they have the new one."
            )
            return Outcome(question=Question("replace", token, text))
        made = rotation.replace_now(token, by=actor(self.request), because=values["because"], at=self.now)
        done = _("Token {number} is revoked. Register the new one on all instances now.").format(number=token.pk)
        return Outcome(done=done, value_of=made.token.pk, value=made.raw)

    def _context(self, outcome: Outcome) -> dict[str, Any]:
        self.configuration = ConnectionConfiguration.objects.get(pk=self.configuration.pk)
        tokens = self.configuration.tokens_to_show()
        active = [token for token in tokens if token.slot is not None]
        return {
            **self.screen.admin_site.each_context(self.request),
            "opts": self.screen.opts,
            "title": _("Tokens of {configuration}").format(configuration=self.configuration),
            "configuration": self.configuration,
            "address": tokens_url(self.configuration),
            "outcome": outcome,
            "active": [self._line(token) for token in active],
            "revoked": [token for token in tokens if token.slot is None],
            "may_change": self._may(CHANGE),
            "may_reveal": self._may(REVEAL),
            "no_generate": self._why_no_generate(len(active)),
            "no_revoke": ONLY_ONE if len(active) < len(rotation.SLOTS) else "",
        }

    def _line(self, token: ConnectionToken) -> Line:
        return Line(
            token, rules.rotation(token.created_at, self.now), rules.used_recently(token.last_used_at, self.now)
        )

    def _why_no_generate(self, active: int) -> str:
        if self.configuration.closed_at is not None:
            return _("This configuration was deleted.")
        if rules.licence_ended(self.configuration.licence_ends_at, self.now):
            return _("The licence has ended. Extend it to generate tokens.")
        if active >= len(rotation.SLOTS):
            return _("Two tokens are active, which is the limit. Revoke one to generate another.")
        return ""


ONLY_ONE = gettext_lazy("The only active token cannot be revoked. Generate another one first.")
VERBS: dict[str, tuple[str, Callable[[TokenDialog, dict[str, Any]], Outcome]]] = {
    "generate": (CHANGE, TokenDialog.generate),
    "show": (REVEAL, TokenDialog.reveal),
    "copy": (REVEAL, TokenDialog.reveal),
    "revoke": (CHANGE, TokenDialog.revoke),
    "replace": (CHANGE, TokenDialog.replace),
}
