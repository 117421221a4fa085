"""The arithmetic of tokens: lifetimes, what a refresh gets, why a token is refused. No Django, no clock, no queries."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from tokens.scope_rules import granted_scopes, scope_set

# --- lifetimes


class Terms(NamedTuple):
    """What a family may do, copied from its policy at issue (D5). Seconds; None means no bound."""

    access_lifetime: int | None
    refresh_lifetime: int | None
    refresh_count: int | None
    mode: str = "rotating"
    retry_window: int = 10
    ends_at: datetime | None = None

    @property
    def refreshable(self) -> bool:
        """True where a refresh token is handed out (D15: never with a token that never expires)."""
        return self.access_lifetime is not None and self.refresh_lifetime is not None


def access_expiry(terms: Terms, now: datetime) -> datetime | None:
    """When an access token made now ends; None for never. Capped by the family's end (D9)."""
    if terms.access_lifetime is None:
        return None
    return _capped(now + timedelta(seconds=terms.access_lifetime), terms.ends_at)


def refresh_expiry(terms: Terms, now: datetime) -> datetime:
    """When a refresh token received now ends: each refresh restarts a full lifetime (S0.14, S0.20)."""
    return _capped(now + timedelta(seconds=terms.refresh_lifetime or 0), terms.ends_at)


def _capped(moment: datetime, end: datetime | None) -> datetime:
    return moment if end is None else min(moment, end)


def remaining_seconds(expires_at: datetime | None, now: datetime) -> int | None:
    """`expires_in` of an answer: whole seconds (D23); None for a token that never expires."""
    return None if expires_at is None else max(0, int((expires_at - now).total_seconds()))


def renewal_horizon(access: int | None, refresh: int | None, count: int | None) -> int | None:
    """The documented lifetime H = N x R (S0.18, S0.19), at least L; seconds, None for without bound."""
    if access is None:
        return None
    if refresh is None or count == 0:
        return access
    return None if count is None else max(access, count * refresh)


def last_possible_end(access: int | None, refresh: int | None, count: int | None) -> int | None:
    """The latest death of any access token of the family: N x R + L; seconds, None for without bound."""
    if access is None:
        return None
    if refresh is None or count == 0:
        return access
    return None if count is None else count * refresh + access


def gapless_span(access: int | None, refresh: int | None, count: int | None) -> int | None:
    """The longest time without a gap: N x min(L, R) + L; seconds, None for without bound."""
    if access is None:
        return None
    if refresh is None or count == 0:
        return access
    return None if count is None else count * min(access, refresh) + access


# --- why refused


class Reason(StrEnum):
    """Why a token is refused. The value is the `error_code` of answers, log and explanation."""

    UNKNOWN = "token_not_found"
    WRONG_KIND = "wrong_token_kind"
    BAD_SIGNATURE = "bad_signature"
    WRONG_ENVIRONMENT = "wrong_environment"
    REVOKED = "token_revoked"
    EXPIRED = "token_expired"
    REPLACED = "token_replaced"
    SIGNING_KEY_CHANGED = "signing_key_changed"
    CREDENTIAL_INACTIVE = "credential_inactive"
    CREDENTIAL_EXPIRED = "credential_expired"
    USER_INACTIVE = "user_inactive"
    USER_CHANGED = "user_changed"
    HOLDER_KEY_CHANGED = "holder_key_changed"
    HOLDER_UNDEPLOYED = "holder_undeployed"
    MANAGEMENT_MISMATCH = "management_mismatch"
    NOT_GRANTED = "not_granted"
    WRONG_PROXY = "wrong_proxy"
    MEMBER_UNDEPLOYED = "member_undeployed"
    CERTIFICATE_MISMATCH = "certificate_mismatch"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    TOKEN_IN_URL = "token_in_url"
    TWO_TOKENS = "two_tokens"
    INSUFFICIENT_SCOPE = "insufficient_scope"


class HolderFacts(NamedTuple):
    """A family as it was issued, and its holder and target as they are now. One row of one SELECT."""

    family_id: int
    kind: str
    environment_id: int
    environment_slug: str
    environment_is_default: bool
    family_revoked_at: datetime | None
    family_sequence: int
    exhausted_at: datetime | None
    family_scopes: str
    audience: str
    # the client, where a client got it
    credential_id: int | None
    client_id: str | None
    bound_proxy_id: int | None
    bound_group_id: int | None
    credential_archived_at: datetime | None
    credential_deactivated_at: datetime | None
    credential_expires_on: date | None
    key_generation: int | None
    issued_key_generation: int | None
    # the user, where a user got it
    user_id: int | None
    username: str | None
    user_is_active: bool | None
    user_generation: int | None
    issued_user_generation: int | None
    # where the credential of its own is deployed
    credential_deployment_id: int | None
    credential_undeployed_at: datetime | None
    credential_deployment_generation: int | None
    issued_credential_deployment_generation: int | None
    # what it is for, and where that is deployed
    proxy_id: int | None
    group_id: int | None
    target_slug: str | None
    target_mode: str | None
    target_scopes: str | None
    deployment_id: int | None
    undeployed_at: datetime | None
    deployment_generation: int | None
    issued_deployment_generation: int | None
    # what the grant says now
    grant_id: int | None
    grant_withdrawn_at: datetime | None
    grant_expires_on: date | None
    grant_scopes: str | None
    grant_disallowed_methods: str | None
    # the key that signed the family's first token
    family_key_id: int | None
    family_key_ended_at: datetime | None


def reached(day: date | None, now: datetime) -> bool:
    """True from 00:00 UTC of that day on."""
    return day is not None and now.date() >= day


def holder_checks(facts: HolderFacts, now: datetime) -> list[tuple[Reason, bool]]:
    """Every check of holder, target and grant, in order, with True where it passes (D10, D11, D14, D26, D31)."""
    f = facts
    is_client = f.credential_id is not None
    is_user = f.user_id is not None
    bound = f.bound_proxy_id is not None or f.bound_group_id is not None
    has_target = f.proxy_id is not None or f.group_id is not None
    own_credential = is_client and not bound
    undeployed = f.deployment_id is not None and (
        f.undeployed_at is not None or f.deployment_generation != f.issued_deployment_generation
    )
    credential_undeployed = f.credential_deployment_id is not None and (
        f.credential_undeployed_at is not None
        or f.credential_deployment_generation != f.issued_credential_deployment_generation
    )
    # Its scopes are never NULL: without them the row itself is gone, and opens nothing.
    here = f.grant_id is not None and f.grant_scopes is not None
    granted = here and f.grant_withdrawn_at is None and not reached(f.grant_expires_on, now)
    return [
        (Reason.SIGNING_KEY_CHANGED, f.family_key_ended_at is None),
        (
            Reason.CREDENTIAL_INACTIVE,
            not is_client or (f.credential_archived_at is None and f.credential_deactivated_at is None),
        ),
        (Reason.CREDENTIAL_EXPIRED, not is_client or not reached(f.credential_expires_on, now)),
        (Reason.USER_INACTIVE, not is_user or bool(f.user_is_active)),
        (Reason.USER_CHANGED, not is_user or f.user_generation == f.issued_user_generation),
        (Reason.HOLDER_KEY_CHANGED, not is_client or f.key_generation == f.issued_key_generation),
        (Reason.HOLDER_UNDEPLOYED, not undeployed and not credential_undeployed),
        (Reason.MANAGEMENT_MISMATCH, not is_client or not has_target or bound == (f.target_mode == "own")),
        (Reason.NOT_GRANTED, granted or not has_target or not (own_credential or is_user)),
    ]


def holder_fault(facts: HolderFacts, now: datetime) -> Reason | None:
    """Why the holder or target makes every token of the family invalid now, or None."""
    for reason, passed in holder_checks(facts, now):
        if not passed:
            return reason
    return None


class TokenFacts(NamedTuple):
    """One access token. One row of the same SELECT."""

    token_id: int
    jti: str
    token_format: str
    token_sequence: int
    token_scopes: str
    issued_at: datetime
    expires_at: datetime | None
    token_revoked_at: datetime | None
    token_key_ended_at: datetime | None
    thumbprint: str = ""


def token_checks(token: TokenFacts, facts: HolderFacts, now: datetime) -> list[tuple[Reason, bool]]:
    """Every check of the token itself, in order; those of the holder come after."""
    return [
        (Reason.REVOKED, token.token_revoked_at is None and facts.family_revoked_at is None),
        (Reason.EXPIRED, token.expires_at is None or now < token.expires_at),
        (Reason.REPLACED, token.token_format != "opaque" or token.token_sequence == facts.family_sequence),
        (Reason.SIGNING_KEY_CHANGED, token.token_key_ended_at is None),
    ]


def why_invalid(token: TokenFacts, facts: HolderFacts, now: datetime) -> Reason | None:
    """Why this access token is not valid now wherever it is shown, or None (S0.3-S0.11, S0.29-S0.35)."""
    for reason, passed in token_checks(token, facts, now):
        if not passed:
            return reason
    return holder_fault(facts, now)


class PlaceFacts(NamedTuple):
    """The proxy at which a token is shown, and how the token's group stands to it."""

    proxy_id: int | None
    required_scopes: str | None
    required_match: str | None
    accept_token_in_url: bool | None
    archived_at: datetime | None
    is_member: bool
    member_deployment_id: int | None
    member_undeployed_at: datetime | None
    has_path_rules: bool = False


def why_not_here(facts: HolderFacts, place: PlaceFacts) -> Reason | None:
    """Why a valid token does not open this proxy, or None (S0.21, S0.22, D11, D14)."""
    if facts.proxy_id is not None:
        return None if facts.proxy_id == place.proxy_id else Reason.WRONG_PROXY
    if facts.group_id is None or not place.is_member:
        return Reason.WRONG_PROXY
    if place.member_deployment_id is None or place.member_undeployed_at is not None or place.archived_at is not None:
        return Reason.MEMBER_UNDEPLOYED
    return None


def scopes_in_use(token_scopes: str, facts: HolderFacts) -> frozenset[str]:
    """What counts at use: the token's scopes and what is granted now, together (D39)."""
    if facts.target_scopes is None:
        return scope_set(token_scopes)
    return scope_set(token_scopes) & granted_scopes(facts.target_scopes, facts.grant_scopes or "")


# --- refresh


class RefreshFacts(NamedTuple):
    """The refresh key that was shown and the terms of its family."""

    key_id: int
    key_jti: str
    key_sequence: int
    key_expires_at: datetime
    key_revoked_at: datetime | None
    first_used_at: datetime | None
    successor_hash: str | None
    terms: Terms
    policy_allows: bool


class RefreshOutcome(StrEnum):
    """What a refresh request gets. `GRANT` and `SAME_ANSWER` are answers, the others refusals (D10)."""

    GRANT = "granted"
    SAME_ANSWER = "same_answer"
    UNKNOWN = "token_not_found"
    REVOKED = "refresh_token_revoked"
    NOT_ALLOWED = "refresh_not_allowed"
    HOLDER_INVALID = "holder_invalid"
    EXPIRED = "refresh_token_expired"
    REUSED = "refresh_token_reused"
    BUDGET_SPENT = "refresh_count_exceeded"


class RefreshDecision(NamedTuple):
    """The outcome, and for an invalid holder the reason."""

    outcome: RefreshOutcome
    reason: Reason | None = None


def decide_refresh(refresh: RefreshFacts, facts: HolderFacts, client_owns_it: bool, now: datetime) -> RefreshDecision:
    """What this refresh key gets now. The order of checks is D10's, after client authentication."""
    current = refresh.key_sequence == facts.family_sequence or refresh.terms.mode == "static"
    if not client_owns_it or (current and facts.exhausted_at is not None):
        return RefreshDecision(RefreshOutcome.UNKNOWN)
    if facts.family_revoked_at is not None or refresh.key_revoked_at is not None:
        return RefreshDecision(RefreshOutcome.REVOKED)
    if not refresh.policy_allows:
        return RefreshDecision(RefreshOutcome.NOT_ALLOWED)
    fault = holder_fault(facts, now)
    if fault is not None:
        return RefreshDecision(RefreshOutcome.HOLDER_INVALID, fault)
    if not current and _is_retry(refresh, facts, now):
        return RefreshDecision(RefreshOutcome.SAME_ANSWER)
    if now >= refresh.key_expires_at:
        return RefreshDecision(RefreshOutcome.EXPIRED)
    if not current:
        return RefreshDecision(RefreshOutcome.REUSED)
    if refresh.terms.refresh_count is not None and facts.family_sequence >= refresh.terms.refresh_count:
        return RefreshDecision(RefreshOutcome.BUDGET_SPENT)
    return RefreshDecision(RefreshOutcome.GRANT)


def _is_retry(refresh: RefreshFacts, facts: HolderFacts, now: datetime) -> bool:
    """True for the direct predecessor inside the retry window, which counts from first use (D2)."""
    if refresh.key_sequence != facts.family_sequence - 1 or refresh.first_used_at is None:
        return False
    window = timedelta(seconds=refresh.terms.retry_window)
    return -window < now - refresh.first_used_at < window  # a clock set back by more revives nothing (I19)


# --- who may ask


def may_touch(
    *,
    caller_credential_id: int,
    caller_proxy_id: int | None,
    caller_group_id: int | None,
    facts: HolderFacts,
) -> bool:
    """True for the client a token was issued to and for the key of the proxy or group it is for (D40)."""
    if facts.credential_id == caller_credential_id:
        return True
    if caller_proxy_id is not None:
        return facts.proxy_id == caller_proxy_id
    return caller_group_id is not None and facts.group_id == caller_group_id
