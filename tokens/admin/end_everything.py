"""End everything of one client, person, proxy, group or environment: one act, on the screens of the floors below."""

from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from credentials import personal_tokens
from credentials.models import Credential, User
from proxies.adminkit import Act, actor, add_acts
from proxies.models import ApiProxy, Environment, ProxyGroup
from tokens import lifecycle
from tokens.admin.asking import BecauseForm, asked

_HELP = gettext_lazy(
    "Every access token and refresh token ends at once and for good, never-expiring ones too. New ones can be got."
)
_MILDER = {
    Credential: gettext_lazy("Milder: deactivate it. That can be undone, and its tokens work again."),
    User: gettext_lazy("Milder: revoke the one family or personal token that is in question."),
    ApiProxy: gettext_lazy("Milder: suspend its token policy. Then no new tokens are given, and those in use live on."),
    ProxyGroup: gettext_lazy("Milder: suspend its policy. Then no new tokens are given, and those in use live on."),
    Environment: gettext_lazy("Milder: end everything of the one client or proxy that is in question."),
}


def _end(request: HttpRequest, subject: Any, values: dict[str, Any]) -> str:
    ended = lifecycle.revoke_holder(subject, by=actor(request), because=values["because"], request=asked(request))
    told = ngettext("%(n)d family of %(name)s ended", "%(n)d families of %(name)s ended", ended)
    told = told % {"n": ended, "name": subject}
    if not isinstance(subject, User):
        return told + _(", with all its tokens.")
    personal = personal_tokens.revoke_all(subject, by=actor(request), because=values["because"])
    more = ngettext(", and %(n)d personal access token.", ", and %(n)d personal access tokens.", personal)
    return told + more % {"n": personal}


model: type[Any]
for model, milder in _MILDER.items():
    add_acts(
        model,
        Act(
            "end-everything",
            gettext_lazy("End everything"),
            _end,
            "tokens.change_tokenfamily",
            BecauseForm,
            help=_HELP,
            dangerous=True,
            milder=milder,
        ),
    )
