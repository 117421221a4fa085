"""Refresh: safe against races and lost answers (D1-D3, D10)."""

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from credentials import secrets
from credentials.identify import Proven
from tokens import errors, foreign, rules, scope_rules
from tokens.lifecycle import minting
from tokens.lifecycle.audit import Entry, Refusal, Request, SeveralWrites, audited, row_of
from tokens.lifecycle.issuing import describe_token
from tokens.lifecycle.proving import Client, Here, prove_client
from tokens.rules import HolderFacts, Reason, RefreshFacts, RefreshOutcome
from tokens.statements import issue as issue_statements
from tokens.statements import refresh as statements
from tokens.statements import revoke as revoke_statements
from tokens.statements.refresh import RefreshRow

_ATTEMPTS = 5

REFUSALS: dict[RefreshOutcome, type[errors.TokenError]] = {
    RefreshOutcome.UNKNOWN: errors.TokenNotFound,
    RefreshOutcome.REVOKED: errors.RefreshTokenRevoked,
    RefreshOutcome.NOT_ALLOWED: errors.RefreshNotAllowed,
    RefreshOutcome.EXPIRED: errors.RefreshTokenExpired,
    RefreshOutcome.REUSED: errors.RefreshTokenReused,
    RefreshOutcome.BUDGET_SPENT: errors.RefreshCountExceeded,
}

HOLDER_REFUSALS: dict[Reason, type[errors.TokenError]] = {
    Reason.SIGNING_KEY_CHANGED: errors.SigningKeyChanged,
    Reason.CREDENTIAL_INACTIVE: errors.CredentialInactive,
    Reason.CREDENTIAL_EXPIRED: errors.CredentialExpired,
    Reason.USER_INACTIVE: errors.UserChanged,
    Reason.USER_CHANGED: errors.UserChanged,
    Reason.HOLDER_KEY_CHANGED: errors.HolderKeyChanged,
    Reason.HOLDER_UNDEPLOYED: errors.HolderUndeployed,
    Reason.MANAGEMENT_MISMATCH: errors.ManagementMismatch,
    Reason.NOT_GRANTED: errors.InvalidTarget,
}


_SEVERAL_WRITES = frozenset((RefreshOutcome.GRANT, RefreshOutcome.REUSED, RefreshOutcome.BUDGET_SPENT))


def refresh(
    client: Client,
    raw: str,
    *,
    request: Request,
    environment: str = "",
    scope: str | None = None,
    at: datetime | None = None,
) -> minting.TokenAnswer:
    """A new access token for a refresh token, logged; or a refusal, logged (RFC 6749 section 6).

    However many callers come with the same token, one refresh happens; those inside the retry window get its answer
    again. Raises TokenError or CredentialError.
    """
    now = at or timezone.now()
    try:
        return _refresh(client, raw, request, now, environment=environment, scope=scope, at_once=not client.needs_keys)
    except SeveralWrites:
        return _refresh(client, raw, request, now, environment=environment, scope=scope, at_once=False)


def _refresh(
    client: Client, raw: str, request: Request, now: datetime, *, environment: str, scope: str | None, at_once: bool
) -> minting.TokenAnswer:
    with audited("refresh", request, now, at_once=at_once) as entry:
        entry.client_id, entry.environment = client.client_id, environment
        kind = secrets.kind_of(raw)
        digests = _digests(raw, kind, now)
        proven: Proven | None = None
        for _ in range(_ATTEMPTS):
            row = statements.read(
                environment=environment, client_id=client.client_id, digests=digests or [""], keys=client.needs_keys
            )
            if row is None:
                raise errors.UnknownEnvironment
            # Once for the request, however often it looks again: an assertion is used up by it.
            proven = proven or _prove(client, row, entry, now)
            if not digests:
                raise _wrong_kind(raw, kind)
            answer = _attempt(row, _Asked(raw, scope, proven.thumbprint), entry, now)
            if answer is not None or entry.refusal is not None:
                break
        else:
            raise errors.StorageAway
    assert answer is not None  # a refusal was raised by `audited`
    return answer


def _digests(raw: str, kind: str | None, now: datetime) -> list[str]:
    """How to look a refresh token up: one of ours, or an imported one in its own form (D20). Empty: it is neither."""
    if kind == secrets.REFRESH_TOKEN:
        return secrets.digests(raw)
    return [] if kind is not None else list(foreign.digests(foreign.recognise(raw, now).refresh))


def _prove(client: Client, row: RefreshRow, entry: Entry, now: datetime) -> Proven:
    place = row.signing
    here = Here(place.environment_id, place.environment_slug, place.environment_is_default)
    proven = prove_client(client, row.client, here=here, request=entry.request, now=now)
    entry.client_name, entry.used_assertion = row.client.name or "", proven.used
    return proven


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a refresh asks for: the token that it shows, the scopes, and the certificate that it came with."""

    raw: str
    scope: str | None
    thumbprint: str

    def __repr__(self) -> str:
        return f"_Asked({self.scope!r})"


def _wrong_kind(raw: str, kind: str | None) -> errors.TokenError:
    if kind is not None or raw.count(".") == 2:
        return errors.WrongTokenKind()
    return errors.TokenNotFound()


def _attempt(row: RefreshRow, asked: _Asked, entry: Entry, now: datetime) -> minting.TokenAnswer | None:
    """Decide and write. None without a refusal means that another caller passed the gate first: look again."""
    if row.refresh is None or row.holder is None or row.holder.kind != "client":
        raise errors.TokenNotFound
    facts, key = row.holder, row.refresh
    owned = facts.credential_id == row.client.credential_id
    decision = rules.decide_refresh(key, facts, owned, now)
    if owned:
        _describe(entry, facts, key)
    outcome = decision.outcome
    if outcome is RefreshOutcome.GRANT and key.terms.mode != "static":
        return _grant(row, facts, key, asked=asked, entry=entry, now=now)
    if outcome is RefreshOutcome.SAME_ANSWER:
        return _same_answer(row, facts, key, raw=asked.raw, entry=entry, now=now)
    if entry.at_once and outcome in _SEVERAL_WRITES:
        raise SeveralWrites
    if outcome is RefreshOutcome.GRANT:
        return _grant_static(row, facts, key, asked=asked, entry=entry, now=now)
    if outcome is RefreshOutcome.REUSED:
        _refuse_reuse(facts, entry, now)
        return None
    if outcome is RefreshOutcome.BUDGET_SPENT:
        _refuse_past_count(facts, entry, now)
        return None
    if decision.reason is not None:
        raise HOLDER_REFUSALS[decision.reason]
    raise REFUSALS[outcome]


def _describe(entry: Entry, facts: HolderFacts, key: RefreshFacts) -> None:
    entry.environment, entry.family_id = facts.environment_slug, facts.family_id
    entry.audience, entry.jti, entry.refresh_sequence = facts.audience, key.key_jti, facts.family_sequence
    if facts.proxy_id is not None:
        entry.proxy = facts.target_slug or ""
    else:
        entry.group = facts.target_slug or ""


def _refuse_reuse(facts: HolderFacts, entry: Entry, now: datetime) -> None:
    """The family ends and the caller is refused; both are kept (D2)."""
    revoke_statements.revoke_family(family_id=facts.family_id, now=now, by="", because=errors.RefreshTokenReused.code)
    entry.refuse(errors.RefreshTokenReused())


def _refuse_past_count(facts: HolderFacts, entry: Entry, now: datetime) -> None:
    """The handle is cleared and the first caller is told so; any other that read before finds nothing (D3)."""
    first = statements.exhaust(family_id=facts.family_id, now=now)
    refusal: Refusal = errors.RefreshCountExceeded() if first else errors.TokenNotFound()
    entry.refuse(refusal)


def _scopes(facts: HolderFacts, scope: str | None) -> str:
    """All of the family's that are still granted, or the narrower set asked for; never more (D39)."""
    scopes = scope_rules.requested_scopes(scope, rules.scopes_in_use(facts.family_scopes, facts))
    if scopes is None:
        raise errors.InvalidScope
    return scope_rules.scope_text(scopes)


def _grant(
    row: RefreshRow, facts: HolderFacts, key: RefreshFacts, *, asked: _Asked, entry: Entry, now: datetime
) -> minting.TokenAnswer | None:
    """A new pair, written by the statement that passes the gate; None where another caller was first."""
    step = _Step(asked.raw, facts.family_sequence + 1, secrets.hash_keys()[0])
    made, token = _next_token(row, facts, key, step, asked=asked, now=now)
    successor, expires_at = _successor(facts, step), rules.refresh_expiry(key.terms, now)
    lifetime, name = key.terms.refresh_lifetime or 0, secrets.random_name()
    new_key = issue_statements.NewRefreshKey(
        facts.family_id, step.sequence, key.key_id, secrets.digest(successor), name, now, expires_at, lifetime
    )
    # A copy: where the gate is shut, the entry must not tell of a token that nobody got.
    described = entry.copy()
    _describe_new(described, made, token, expires_at)
    if not statements.rotate(token, new_key, row_of(described)):
        return None
    entry.written = True
    return minting.answer(made, expires_at=token.expires_at, now=now, scope=token.scopes, refresh=successor)


def _grant_static(
    row: RefreshRow, facts: HolderFacts, key: RefreshFacts, *, asked: _Asked, entry: Entry, now: datetime
) -> minting.TokenAnswer | None:
    """A new access token, and more time for the refresh token, which stays (D1)."""
    scopes = _scopes(facts, asked.scope)
    sequence = statements.pass_static_gate(family_id=facts.family_id)
    if sequence is None:
        return None
    step = _Step(asked.raw, sequence, secrets.hash_keys()[0])
    made, token = _next_token(row, facts, key, step, asked=asked, now=now)
    issue_statements.write_token(token)
    expires_at = rules.refresh_expiry(key.terms, now)
    statements.extend_static(key_id=key.key_id, expires_at=expires_at, now=now)
    _describe_new(entry, made, token, expires_at)
    return minting.answer(made, expires_at=token.expires_at, now=now, scope=scopes, refresh=asked.raw)


def _next_token(
    row: RefreshRow, facts: HolderFacts, key: RefreshFacts, step: "_Step", *, asked: _Asked, now: datetime
) -> tuple[minting.Made, issue_statements.NewToken]:
    scopes = _scopes(facts, asked.scope)
    token_format = row.signing.token_format or ""
    expires_at = rules.access_expiry(key.terms, now)
    if token_format == "jwt":
        expires_at = minting.whole_second(expires_at)
    claims = claims_of(facts, scopes, row.signing.member_audiences, asked.thumbprint)
    made = _access_token(row, facts, step, claims=claims, now=now, expires_at=expires_at)
    return made, issue_statements.NewToken(
        family_id=facts.family_id,
        sequence=step.sequence,
        token_format=token_format,
        digest=made.digest,
        jti=made.jti,
        signing_key_id=made.signing_key_id,
        scopes=scopes,
        issued_at=now,
        expires_at=expires_at,
        certificate_thumbprint=asked.thumbprint,
    )


def _describe_new(
    entry: Entry, made: minting.Made, token: issue_statements.NewToken, refresh_expires_at: datetime
) -> None:
    describe_token(entry, made, family_id=token.family_id, scopes=token.scopes, token_format=token.token_format)
    entry.issued_at, entry.expires_at, entry.refresh_expires_at = token.issued_at, token.expires_at, refresh_expires_at
    entry.refresh_sequence = token.sequence


@dataclass(frozen=True, slots=True)
class _Step:
    """What successors are derived from: the predecessor shown, the family's sequence, the server's key."""

    raw: str
    sequence: int
    hash_key: bytes

    def __repr__(self) -> str:
        return f"_Step({self.sequence})"


def _successor(facts: HolderFacts, step: _Step) -> str:
    context = f"{facts.family_id}:{step.sequence}"
    return secrets.derive(secrets.REFRESH_TOKEN, predecessor=step.raw, context=context, key=step.hash_key)


def _derived_access_token(facts: HolderFacts, step: _Step) -> str:
    """The opaque token that follows from a predecessor: the same again for whoever holds it (D2)."""
    context = f"{facts.family_id}:{step.sequence}"
    return secrets.derive(secrets.ACCESS_TOKEN, predecessor=step.raw, context=context, key=step.hash_key)


def _access_token(
    row: RefreshRow,
    facts: HolderFacts,
    step: _Step,
    *,
    claims: minting.Claims,
    now: datetime,
    expires_at: datetime | None,
) -> minting.Made:
    if row.signing.token_format != "jwt":
        return minting.opaque(_derived_access_token(facts, step))
    if row.signing.kid is None:
        raise errors.NoSigningKey
    return minting.jwt(claims, kid=row.signing.kid, jti=secrets.random_name(), issued_at=now, expires_at=expires_at)


def claims_of(facts: HolderFacts, scopes: str, member_audiences: str | None, thumbprint: str = "") -> minting.Claims:
    """The claims of a family's next access token."""
    return minting.Claims(
        issuer=minting.issuer(facts.environment_slug, bool(facts.environment_is_default)),
        subject=facts.username or facts.client_id or "",
        client_id=facts.client_id or "portal-login",
        audience=minting.audiences(facts.audience, member_audiences),
        scope=scopes,
        thumbprint=thumbprint,
    )


def _same_answer(
    row: RefreshRow, facts: HolderFacts, key: RefreshFacts, *, raw: str, entry: Entry, now: datetime
) -> minting.TokenAnswer:
    """The answer that was lost, byte for byte; nothing is counted (D2)."""
    current = statements.current_token(family_id=facts.family_id, sequence=facts.family_sequence)
    steps = [_Step(raw, facts.family_sequence, hash_key) for hash_key in secrets.hash_keys()]
    step = next((step for step in steps if secrets.matches(_successor(facts, step), key.successor_hash)), None)
    if current is None or step is None:
        raise errors.TokenNotFound
    made = _made_again(row, facts, step, current)
    entry.reason = "retry"
    token_format = row.signing.token_format or ""
    describe_token(entry, made, family_id=facts.family_id, scopes=current.scopes, token_format=token_format)
    entry.issued_at, entry.expires_at = current.issued_at, current.expires_at
    entry.refresh_expires_at = current.refresh_expires_at
    refresh = _successor(facts, step)
    return minting.answer(made, expires_at=current.expires_at, now=now, scope=current.scopes, refresh=refresh)


def _made_again(row: RefreshRow, facts: HolderFacts, step: _Step, current: statements.CurrentToken) -> minting.Made:
    if current.digest is not None:
        value = _derived_access_token(facts, step)
        return minting.Made(value, current.digest, current.jti, None, current.digest[:16])
    return minting.jwt(
        claims_of(facts, current.scopes, row.signing.member_audiences, current.thumbprint),
        kid=current.kid or "",
        jti=current.jti,
        issued_at=current.issued_at,
        expires_at=current.expires_at,
    )
