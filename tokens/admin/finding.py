"""What the search box of every page finds beside the rows of screens: a pasted token, an audience, lines of the log."""

from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from proxies.adminkit import Found, FoundGroup, register_finder
from tokens import lifecycle
from tokens.admin.find_token import record_address
from tokens.models import IssuedToken, TokenFamily, TokenRequestLog

SHORTEST_TOKEN = 32


def pasted_token(request: HttpRequest, term: str) -> FoundGroup | None:
    """The record of a token of any kind, for whoever may open its page."""
    found = lifecycle.find(term) if len(term) >= SHORTEST_TOKEN and " " not in term else None
    if found is None:
        return None
    model = "issuedtoken" if isinstance(found, IssuedToken) else "refreshkey"
    if model == "refreshkey" and found.signing_key_id is not None:
        model = "jwtrefreshkey"
    if not request.user.has_perm(f"tokens.view_{model}"):
        return None
    row = Found(str(found), record_address(found), found.family.audience)
    return FoundGroup(_("What was pasted"), "token", (row,))


def audience(request: HttpRequest, term: str) -> FoundGroup | None:
    """Refresh keys of people for exactly this audience, which need not be a proxy."""
    if not request.user.has_perm("tokens.view_jwtrefreshkey"):
        return None
    if not TokenFamily.objects.filter(user__isnull=False, audience=term).exists():
        return None
    listing = reverse("admin:tokens_jwtrefreshkey_changelist")
    row = Found(_("Refresh keys for {audience}").format(audience=term), f"{listing}?{urlencode({'audience': term})}")
    return FoundGroup(_("Audiences"), "refresh", (row,))


def requests_of(request: HttpRequest, term: str) -> FoundGroup | None:
    """The lines of the request log with this client id or JTI."""
    if not request.user.has_perm("tokens.view_tokenrequestlog"):
        return None
    known = (TokenRequestLog.objects.filter(**{name: term}).exists() for name in ("client_id", "jti"))
    if not any(known):
        return None
    listing = reverse("admin:tokens_tokenrequestlog_changelist")
    row = Found(_("Requests of {name}").format(name=term), f"{listing}?{urlencode({'q': term})}")
    return FoundGroup(_("Token request log"), "log", (row,))


for each in (pasted_token, audience, requests_of):
    register_finder(each)
