"""Authenticate: whose access token of a login is this? Asked by the portal's own API (S1.3, S1.10, D29, D31)."""

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from proxies.settled import settings
from tokens import errors, rules, scope_rules
from tokens.lifecycle.shown import look_at
from tokens.statements import session as statements


@dataclass(frozen=True, slots=True)
class Authenticated:
    """The person behind an access token of the portal's API, and the session it belongs to."""

    user_id: int
    family_id: int
    token_id: int
    jti: str
    scopes: frozenset[str]


def authenticate(raw: str, *, at: datetime | None = None) -> Authenticated:
    """Who shows this access token; every end state is asked of the database (I6). Raises NoSession for anything else.

    One SELECT; nothing is written. A refresh token, a client's token or one for a proxy opens nothing here.
    """
    now = at or timezone.now()
    shown = look_at(raw, now=now)
    if not shown.jti or shown.expired(now):
        raise errors.NoSession
    row = statements.read_access(shown.jti)
    if row is None or row.holder.user_id is None or rules.why_invalid(row.token, row.holder, now) is not None:
        raise errors.NoSession
    facts = row.holder
    is_for_portal = facts.audience == settings.PORTAL_AUDIENCE and facts.proxy_id is None and facts.group_id is None
    if not is_for_portal or not facts.environment_is_default:
        raise errors.NoSession
    return Authenticated(
        row.holder.user_id,
        facts.family_id,
        row.token.token_id,
        row.token.jti,
        scope_rules.scope_set(row.token.token_scopes),
    )
