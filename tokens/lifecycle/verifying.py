"""Verify: may this token open this proxy, now? Asked of the database; nothing is written."""

from datetime import datetime
from typing import NamedTuple

from django.utils import timezone
from django.utils.translation import gettext_noop

from credentials import certificates
from tokens import errors, path_rules, rules, scope_rules
from tokens.lifecycle.proving import Proof, prove
from tokens.lifecycle.shown import Shown, look_at
from tokens.rules import Reason, TokenFacts
from tokens.statements import verify as statements
from tokens.statements.verify import VerifyRow
from tokens.told import NOTHING, Told, tokens_in
from tokens.verify_cache.kept import Basis

_NO_SCOPES: frozenset[str] = frozenset()


class UnknownProxy(errors.TokenError):
    """A gateway named a proxy that does not exist: a fault of its configuration."""

    code = "unknown_proxy"
    sentence = gettext_noop("The gateway named an unknown API proxy.")


class Verdict(NamedTuple):
    """A good token's identity, or the reason of a refusal."""

    reason: Reason | None
    token_id: int = 0
    subject: str = ""
    client_id: str = ""
    scopes: str = ""
    jti: str = ""
    proxy_id: int = 0
    required: str = ""
    # Where it may be kept, and the answer rests on nothing but the token, the place and the scopes asked for.
    basis: Basis | None = None

    @property
    def good(self) -> bool:
        """True where the token opens the proxy."""
        return self.reason is None


def verify(
    raw: str | None,
    *,
    proxy: str,
    environment: str = "",
    required_scopes: str = "",
    told: Told | None = None,
    gateway: Proof | None = None,
    may_keep: bool = False,
    at: datetime | None = None,
) -> Verdict:
    """Whether a token opens a proxy, with every end state looked at as it is now (D11, D14, I6).

    `proxy` and `environment` are slugs. Raises UnknownEnvironment and UnknownProxy, which are
    the gateway's fault, and GatewayRefused. What is `told` of the API client's own request is believed of a
    trusted gateway or one that has proved itself; grants that disallow methods and path rules refuse where it is not.
    Without a `raw` token the one in the told URI counts, at a proxy that accepts it there (D22). Who `may_keep` a good
    answer is told what it rests on (VERIFY_CACHE).
    """
    now = at or timezone.now()
    told = told or NOTHING
    in_url = tokens_in(told.uri)
    shown = look_at(raw if raw is not None else in_url[0] if len(in_url) == 1 else "", now=now)
    row = statements.read(
        environment=environment, proxy=proxy, digests=list(shown.access_digests) or [""], jti=shown.jti
    )
    if row is None:
        raise errors.UnknownEnvironment
    proved = prove(gateway, environment_id=row.environment_id, required=row.gateways_must_authenticate, now=now)
    if row.place.proxy_id is None:
        raise UnknownProxy
    believed = told if told.is_trusted or proved else NOTHING
    reason = _misplaced(raw, in_url, bool(row.place.accept_token_in_url) and bool(believed.uri))
    reason = reason or _reason(shown, row, now) or _not_its_bearer(row.token, believed)
    if reason is not None or row.token is None or row.holder is None:
        return Verdict(reason or Reason.UNKNOWN)
    basis = _basis(row, shown) if may_keep and gateway is None else None
    return _judge_use(row, required_scopes, believed, basis)


def _basis(row: VerifyRow, shown: Shown) -> Basis | None:
    """What a good answer rests on, or None where it was found by more than is known of every request like it."""
    token, holder, place = row.token, row.holder, row.place
    if token is None or holder is None or not shown.is_own_access_token:
        return None
    if place.has_path_rules or place.accept_token_in_url or holder.grant_disallowed_methods or token.thumbprint:
        return None
    return Basis.until(holder.family_id, token.expires_at, shown.expires_at)


def _misplaced(raw: str | None, in_url: list[str], accepted_there: bool) -> Reason | None:
    """A token in the URL counts where it is accepted; there it must be the only one (RFC 6750 section 2)."""
    if raw is None and not (in_url and accepted_there):
        return Reason.TOKEN_IN_URL
    if accepted_there and len(in_url) + (raw is not None) > 1:
        return Reason.TWO_TOKENS
    return None


def _reason(shown: Shown, row: VerifyRow, now: datetime) -> Reason | None:
    if shown.bad_signature:
        return Reason.BAD_SIGNATURE
    if shown.expired(now):
        return Reason.EXPIRED
    if not shown.access_digests and not shown.jti:
        return Reason.WRONG_KIND if shown.prefix else Reason.UNKNOWN
    if row.token is None or row.holder is None:
        return Reason.UNKNOWN
    if row.holder.environment_id != row.environment_id:
        return Reason.WRONG_ENVIRONMENT
    return rules.why_invalid(row.token, row.holder, now) or rules.why_not_here(row.holder, row.place)


def _not_its_bearer(token: TokenFacts | None, told: Told) -> Reason | None:
    """A token that is bound to a certificate is good for whoever came with it, and for nobody else."""
    if token is None or not token.thumbprint:
        return None
    came_with = certificates.forwarded(told.certificate)
    is_it = came_with is not None and came_with.thumbprint == token.thumbprint
    return None if is_it else Reason.CERTIFICATE_MISMATCH


def _judge_use(row: VerifyRow, required_scopes: str, told: Told, basis: Basis | None) -> Verdict:
    """Scopes and method of a token that is valid here: what is missing is 403, not 401."""
    token, holder = row.token, row.holder
    assert token is not None
    assert holder is not None
    scopes = rules.scopes_in_use(token.token_scopes, holder)
    needed = scope_rules.scope_set(required_scopes)
    place_needs = scope_rules.scope_set(row.place.required_scopes or "")
    path_needs = _path_needs(row, scopes, told) if row.place.has_path_rules else _NO_SCOPES
    reason: Reason | None = None
    disallowed = (holder.grant_disallowed_methods or "").split()
    if disallowed and (not told.method or any(path_rules.speaks_of(each, told.method) for each in disallowed)):
        reason = Reason.METHOD_NOT_ALLOWED
    elif (
        not scopes
        or not scope_rules.covers(scopes, needed)
        or not scope_rules.covers(scopes, place_needs, row.place.required_match or "all")
        or path_needs is None
        or path_needs
    ):
        reason = Reason.INSUFFICIENT_SCOPE
    return Verdict(
        reason,
        token_id=token.token_id,
        subject=holder.username or holder.client_id or "",
        client_id=holder.client_id or "portal-login",
        scopes=scope_rules.scope_text(scopes),
        jti=token.jti,
        proxy_id=row.place.proxy_id or 0,
        required="" if reason is None else scope_rules.scope_text(needed | place_needs | (path_needs or _NO_SCOPES)),
        basis=basis if reason is None else None,
    )


def _path_needs(row: VerifyRow, scopes: frozenset[str], told: Told) -> frozenset[str] | None:
    """What path rules ask for and the token lacks, on what a trusted gateway told; None where nothing was told
    (S0.2, gateways.md section 8)."""
    found = statements.path_rules(row.place.proxy_id or 0)
    lacking = path_rules.unsatisfied(found, scopes, method=told.method, uri=told.uri)
    return None if lacking is None else scope_rules.scope_set(" ".join(rule.scopes for rule in lacking))
