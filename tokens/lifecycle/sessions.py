"""What a person does with a refresh key: an access token, a new key, the end (S1.9, S1.14, D27, D38)."""

import json
from datetime import datetime

from django.conf import settings
from django.utils import timezone

from credentials import secrets
from credentials.models import User
from tokens import errors, rules, scope_rules, session_rules
from tokens.lifecycle import minting, session_tokens
from tokens.lifecycle.audit import Entry, Request, SeveralWrites, at_once_if_possible, audited, row_of
from tokens.lifecycle.issuing import describe_token
from tokens.lifecycle.logging_in import device
from tokens.lifecycle.refreshing import HOLDER_REFUSALS, REFUSALS, claims_of
from tokens.lifecycle.session_tokens import RefreshJWT, Session
from tokens.models import RefreshKey
from tokens.rules import RefreshOutcome
from tokens.session_rules import Unrenewable
from tokens.statements import issue as issue_statements
from tokens.statements import revoke as revoke_statements
from tokens.statements import session as statements
from tokens.statements.session import SessionRow

_ATTEMPTS = 5
LOGOUT = "logged out"
ENDED_BY_OWNER = "ended by its owner"

_UNRENEWABLE: dict[Unrenewable, type[errors.TokenError]] = {
    Unrenewable.NOT_REFRESHABLE: errors.NotRefreshable,
    Unrenewable.TOO_EARLY: errors.TooEarly,
}


def access(raw: str, *, request: Request, at: datetime | None = None) -> Session:
    """A new access token for a person's refresh key, which stays as it is; or a refusal; logged either way (D27).

    A retired key serves inside the retry window alone; later it is a reuse, and its session ends (D2).
    Raises TokenError.
    """
    now = at or timezone.now()
    return at_once_if_possible(lambda at_once: _access(raw, request, now, at_once=at_once))


def _access(raw: str, request: Request, now: datetime, *, at_once: bool) -> Session:
    with audited("refresh", request, now, at_once=at_once) as entry:
        row = _read(raw, entry)
        outcome = _outcome(row, entry, now)
        if outcome not in (RefreshOutcome.GRANT, RefreshOutcome.SAME_ANSWER):
            return Session()  # `audited` raises the refusal
        return _grant_access(row, entry, now)


def renew(raw: str, *, request: Request, at: datetime | None = None) -> Session:
    """A new refresh key for one that is refreshable; the old one is retired as in D2. Logged. Raises TokenError.

    However many callers come with the same key, one renewal happens; those inside the retry window get its answer.
    """
    now = at or timezone.now()
    return at_once_if_possible(lambda at_once: _renewed(raw, request, now, at_once=at_once))


def _renewed(raw: str, request: Request, now: datetime, *, at_once: bool) -> Session:
    with audited("renew", request, now, at_once=at_once) as entry:
        for _ in range(_ATTEMPTS):
            row = _read(raw, entry)
            outcome = _outcome(row, entry, now)
            if outcome is RefreshOutcome.SAME_ANSWER:
                return _same_key(row, raw, entry)
            if outcome is not RefreshOutcome.GRANT:
                return Session()  # `audited` raises the refusal
            made = _renew(row, raw, entry, now)
            if made is not None:
                return made
        raise errors.StorageAway


def logout(raw: str, *, everywhere: bool = False, request: Request, at: datetime | None = None) -> int:
    """End the session of this refresh key, or all logins of its person; how many ended. Logged. Raises TokenError.

    A key that has expired, or was renewed or revoked, still names its session: ending it twice is no error (S2.8).
    """
    now = at or timezone.now()
    with audited("logout", request, now) as entry:
        facts = _read(raw, entry).holder
        ended = int(
            revoke_statements.revoke_family(family_id=facts.family_id, now=now, by=facts.username or "", because=LOGOUT)
        )
        if everywhere:
            ended += revoke_statements.revoke_logins(
                user_id=facts.user_id or 0, but=None, now=now, by=facts.username or "", because=LOGOUT
            )
        entry.reason = f"ended_{ended}"
        return ended


def end_session(person: User, jti: str, *, request: Request, at: datetime | None = None) -> None:
    """End one of one's own sessions by the jti of its refresh key. Logged. Raises SessionNotFound, also for others'."""
    now = at or timezone.now()
    with audited("logout", request, now) as entry:
        entry.username, entry.jti = person.get_username(), jti
        if not (jti.isascii() and jti.isalnum()):
            raise errors.SessionNotFound
        key = RefreshKey.objects.filter(jti=jti, family__user=person).only("family_id").first()
        if key is None:
            raise errors.SessionNotFound
        entry.family_id = key.family_id
        done = revoke_statements.revoke_family(
            family_id=key.family_id, now=now, by=person.get_username(), because=ENDED_BY_OWNER
        )
        entry.reason = "ended_1" if done else "ended_0"


def end_others(person: User, *, but: int | None, request: Request, at: datetime | None = None) -> int:
    """End all of one's own logins but the one of this family; how many ended. Logged (D27)."""
    now = at or timezone.now()
    with audited("logout", request, now) as entry:
        entry.username, entry.family_id = person.get_username(), but
        ended = revoke_statements.revoke_logins(
            user_id=person.pk, but=but, now=now, by=person.get_username(), because=ENDED_BY_OWNER
        )
        entry.reason = f"ended_{ended}_others"
        return ended


def _read(raw: str, entry: Entry) -> SessionRow:
    row = statements.read_key(session_tokens.key_jti(raw, now=entry.now))
    if row is None:
        raise errors.TokenNotFound
    facts = row.holder
    entry.environment, entry.username, entry.family_id = facts.environment_slug, facts.username or "", facts.family_id
    entry.audience, entry.jti, entry.fingerprint = (
        facts.audience,
        row.refresh.key_jti,
        session_tokens.key_fingerprint(raw),
    )
    entry.refresh_sequence = facts.family_sequence
    if facts.proxy_id is not None:
        entry.proxy = facts.target_slug or ""
    elif facts.group_id is not None:
        entry.group = facts.target_slug or ""
    return row


def _outcome(row: SessionRow, entry: Entry, now: datetime) -> RefreshOutcome:
    """The decision; a reuse ends the session and is refused with it, every other refusal is raised (D10)."""
    decision = rules.decide_refresh(row.refresh, row.holder, True, now)
    if decision.outcome is RefreshOutcome.REUSED:
        if entry.at_once:
            raise SeveralWrites
        because = errors.RefreshTokenReused.code
        revoke_statements.revoke_family(family_id=row.holder.family_id, now=now, by="", because=because)
        entry.refuse(errors.RefreshTokenReused())
    elif decision.reason is not None:
        raise HOLDER_REFUSALS[decision.reason]
    elif decision.outcome in REFUSALS:
        raise REFUSALS[decision.outcome]
    return decision.outcome


def _grant_access(row: SessionRow, entry: Entry, now: datetime) -> Session:
    facts, session = row.holder, row.session
    if session.kid is None:
        raise errors.NoSigningKey
    scopes = scope_rules.requested_scopes(None, rules.scopes_in_use(facts.family_scopes, facts))
    if scopes is None:
        raise errors.InvalidScope
    text = scope_rules.scope_text(scopes)
    expires_at = minting.whole_second(rules.access_expiry(row.refresh.terms, now))
    made = minting.jwt(
        claims_of(facts, text, session.member_audiences),
        kid=session.kid,
        jti=secrets.random_name(),
        issued_at=now,
        expires_at=expires_at,
    )
    token = issue_statements.NewToken(
        facts.family_id, row.refresh.key_sequence, "jwt", None, made.jti, made.signing_key_id, text, now, expires_at
    )
    # A copy: the entry must not tell of a token that nobody got.
    described = entry.copy()
    describe_token(described, made, family_id=facts.family_id, scopes=text, token_format="jwt")
    described.issued_at, described.expires_at = now, expires_at
    if not statements.obtain(token, _use(row, entry, now), row_of(described)):
        raise errors.TokenNotFound  # its key came to its end, and was cleaned away, while this was being answered
    entry.written = True
    return Session(made.raw, "", expires_at, row.refresh.key_expires_at, row.refresh.key_jti, facts.family_id)


def _renew(row: SessionRow, raw: str, entry: Entry, now: datetime) -> Session | None:
    """The successor. None where another caller passed the gate first: look again."""
    facts, key, session = row.holder, row.refresh, row.session
    unrenewable = session_rules.why_not_renewable(
        refreshable=session.refreshable,
        created_at=session.created_at,
        expires_at=key.key_expires_at,
        last_percent=settings.RENEWAL_LAST_PERCENT,
        now=now,
    )
    if unrenewable is not None:
        raise _UNRENEWABLE[unrenewable]
    if session.kid is None:
        raise errors.NoSigningKey
    # A person's family always rotates: no login and no import makes another.
    sequence = facts.family_sequence + 1
    expires_at = rules.refresh_expiry(key.terms, now).replace(microsecond=0)
    claims = session_tokens.claims_of_key(
        issuer=minting.issuer(facts.environment_slug, bool(facts.environment_is_default)),
        username=facts.username or "",
        email=session.email,
        audience=facts.audience,
        jti=session_tokens.successor_jti(raw, family_id=facts.family_id, sequence=sequence, key=secrets.hash_keys()[0]),
        issued_at=now,
        expires_at=expires_at,
    )
    made = session_tokens.refresh_jwt(claims, kid=session.kid)
    successor = _successor(row, made, entry, sequence=sequence, expires_at=expires_at, now=now)
    # A copy: where the gate is shut, the entry must not tell of a key that nobody got.
    described = entry.copy()
    described.jti, described.fingerprint, described.token_format = made.jti, made.token_hash[:16], "jwt"
    described.issued_at, described.refresh_expires_at, described.refresh_sequence = now, expires_at, sequence
    if not statements.renew(successor, _use(row, entry, now), row_of(described)):
        return None
    entry.written = True
    return Session("", made.raw, None, expires_at, made.jti, facts.family_id)


def _successor(
    row: SessionRow, made: RefreshJWT, entry: Entry, *, sequence: int, expires_at: datetime, now: datetime
) -> issue_statements.NewRefreshKey:
    return issue_statements.NewRefreshKey(
        row.holder.family_id,
        sequence,
        row.refresh.key_id,
        made.token_hash,
        made.jti,
        now,
        expires_at,
        row.refresh.terms.refresh_lifetime or 0,
        refreshable=row.session.refreshable,
        device_id=row.session.device_id,
        content=made.content,
        device_info=json.dumps(device(entry.request)),
        signing_key_id=made.signing_key_id,
    )


def _same_key(row: SessionRow, raw: str, entry: Entry) -> Session:
    """The answer that was lost, made again from what is stored; nothing is counted (D2)."""
    facts, session = row.holder, row.session
    candidates = {
        session_tokens.successor_jti(raw, family_id=facts.family_id, sequence=facts.family_sequence, key=key)
        for key in secrets.hash_keys()
    }
    if session.successor_jti not in candidates or session.successor_content is None or session.successor_kid is None:
        raise errors.TokenNotFound
    made = session_tokens.refresh_jwt(json.loads(session.successor_content), kid=session.successor_kid)
    claims = json.loads(made.content)
    expires_at = session_tokens.moment(claims["exp"])
    entry.reason, entry.jti, entry.fingerprint = "retry", made.jti, made.token_hash[:16]
    entry.refresh_expires_at = expires_at
    return Session("", made.raw, None, expires_at, made.jti, facts.family_id)


def _use(row: SessionRow, entry: Entry, now: datetime) -> statements.Use:
    return statements.Use(now, json.dumps(device(entry.request)), row.refresh.key_id)
