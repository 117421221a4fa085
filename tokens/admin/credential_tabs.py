"""What this floor adds to the page of a credential: the policies that count for it, its tokens, and its requests."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from credentials.models import Credential, Grant
from proxies.adminkit import add_tabs, badge, copyable, moment, state_badge
from proxies.adminkit.lists import LONGEST_SECONDS, through
from proxies.adminkit.tabs import MOST, Tab, Table
from proxies.time_limit import TooLong, answered_within
from tokens import policies, standing
from tokens.admin.columns import named_value, standing_badge
from tokens.models import IssuedToken, TokenFamily, TokenPolicy, TokenRequestLog
from tokens.policy_warnings import duration, policy_warnings


def _policies(request: HttpRequest, subject: Credential) -> Sequence[Table]:
    own = TokenPolicy.objects.filter(credential=subject).first()
    if subject.is_bound:
        targets = [subject.proxy or subject.group]
    else:
        grants = Grant.objects.filter(credential=subject, withdrawn_at=None).select_related(
            "proxy__policy", "group__policy"
        )
        targets = [grant.proxy or grant.group for grant in grants.order_by("id")[:MOST]]
    rows = [_policy_row(target, own or getattr(target, "policy", None)) for target in targets]
    headings = (_("For"), _("Policy"), _("Type"), _("Token lives"), _("Refresh"), _("State"), _("Warnings"))
    empty = _("It reaches nothing yet, so no policy counts. Press Grant first.")
    return (Table(_("Which policy counts"), headings, rows, empty),)


def _policy_row(target: Any, policy: TokenPolicy | None) -> tuple[Any, ...]:
    if policy is None:
        return (str(target), badge("bad", _("none: no tokens")), "", "", "", "", "")
    terms = policies.terms_of(policy)
    url = reverse("admin:tokens_tokenpolicy_change", args=[policy.pk])
    lives = _("never expires") if policy.never_expires else duration(policy.access_token_lifetime_secs)
    return (
        str(target),
        format_html('<a href="{}">{}</a>', url, policy),
        policy.get_token_format_display(),
        lives,
        _refresh(policy),
        state_badge("suspended" if policy.suspended_at else "in force"),
        " ".join(policy_warnings(terms)),
    )


def _refresh(policy: TokenPolicy) -> str:
    if policy.never_expires or not policy.refresh_allowed:
        return _("not allowed")
    window = duration(policy.refresh_token_lifetime_secs)
    if policy.refresh_count is None:
        return _("within {window}, without limit").format(window=window)
    return _("within {window}, {count} times").format(window=window, count=policy.refresh_count)


def _tokens(request: HttpRequest, subject: Credential) -> Sequence[Table]:
    families = TokenFamily.objects.filter(credential=subject)
    related = ("family__proxy", "family__group", "family__environment")
    try:
        with answered_within(LONGEST_SECONDS):
            keys = list(
                through(IssuedToken.objects.order_by("-id"), "family", families).values_list("pk", flat=True)[:MOST]
            )
    except TooLong:
        return (Table(_("Access tokens"), (), (), _("The database took too long. Open the list of access tokens.")),)
    found = IssuedToken.objects.select_related(*related).in_bulk(keys)
    stand = standing.of_tokens(keys)
    rows = [_token_row(found[key], stand.get(key)) for key in keys if key in found]
    headings = (_("Token"), _("Status"), _("For"), _("Environment"), _("Issued"), _("Expires"), _("Last used"))
    more = f"{reverse('admin:tokens_issuedtoken_changelist')}?{urlencode({'client': subject.client_id})}"
    empty = _("It has no tokens. They appear here when it asks for them at /oauth2/token.")
    return (Table(_("Newest access tokens"), headings, rows, empty, more if rows else ""),)


def _token_row(token: IssuedToken, stand: standing.Standing | None) -> tuple[Any, ...]:
    family = token.family
    return (
        named_value(reverse("admin:tokens_issuedtoken_change", args=[token.pk]), token.jti),
        standing_badge(stand),
        str(family.proxy or family.group or family.audience),
        str(family.environment),
        moment(token.issued_at),
        moment(token.expires_at) if token.expires_at else badge("warn", _("never")),
        moment(token.last_used_at, relative=True),
    )


def _requests(request: HttpRequest, subject: Credential) -> Sequence[Table]:
    found = TokenRequestLog.objects.filter(client_id=subject.client_id).order_by("-at")[:MOST]
    rows = [
        (
            _line(row),
            state_badge(row.outcome),
            row.get_action_display(),
            row.reason,
            row.proxy or row.group,
            row.environment,
            row.address,
            copyable(row.jti),
        )
        for row in found
    ]
    headings = (
        _("Time"), _("Outcome"), _("Request"), _("Reason"), _("For"), _("Environment"), _("Address"), _("JTI"),
    )  # fmt: skip
    more = f"{reverse('admin:tokens_tokenrequestlog_changelist')}?{urlencode({'q': subject.client_id})}"
    empty = _("It has not asked for anything yet.")
    return (Table(_("Newest requests"), headings, rows, empty, more if rows else ""),)


def _line(row: TokenRequestLog) -> SafeString:
    url = reverse("admin:tokens_tokenrequestlog_change", args=[row.pk])
    return format_html('<a href="{}">{}</a>', url, moment(row.at, seconds=True))


add_tabs(
    Credential,
    Tab("policies", gettext_lazy("Policies"), _policies, "tokens.view_tokenpolicy"),
    Tab("tokens", gettext_lazy("Tokens"), _tokens, "tokens.view_issuedtoken"),
    Tab("log", gettext_lazy("Log"), _requests, "tokens.view_tokenrequestlog"),
)
