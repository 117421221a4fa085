"""Introspect: inactive until shown otherwise (RFC 7662, D40)."""

from datetime import datetime
from typing import Any, NamedTuple

from django.utils import timezone

from credentials.errors import CredentialError
from credentials.identify import Proven
from credentials.rules import SECRET_METHODS
from tokens import errors, rules, scope_rules
from tokens.lifecycle import audit, minting
from tokens.lifecycle.audit import Request
from tokens.lifecycle.proving import Client, Here, Proof, prove, prove_client
from tokens.lifecycle.shown import Shown, look_at
from tokens.rules import HolderFacts, TokenFacts
from tokens.statements import revoke as statements
from tokens.statements.revoke import RefreshKeyFacts, ShownRow
from tokens.verify_cache.kept import Basis

INACTIVE: dict[str, Any] = {"active": False}


class Introspection(NamedTuple):
    """What is told of a token, and how the client has proved itself.

    `basis` is there where the answer rests on nothing but tables, the client's secret and the token (VERIFY_CACHE).
    """

    told: dict[str, Any]
    proven: Proven
    basis: Basis | None = None


def introspect(
    client: Client, raw: str, *, request: Request, environment: str = "", at: datetime | None = None
) -> dict[str, Any]:
    """What may be told about a token to this client; `{"active": false}` about all others, and nothing else.

    Leaves a log row only where the client is refused. Raises CredentialError then, TokenError for no such environment.
    """
    return introspected(client, raw, request=request, environment=environment, at=at).told


def introspected(
    client: Client,
    raw: str,
    *,
    request: Request,
    environment: str = "",
    may_keep: bool = False,
    at: datetime | None = None,
) -> Introspection:
    """As `introspect`; who `may_keep` an answer is told what it rests on."""
    now = at or timezone.now()
    shown = look_at(raw, now=now)
    row = _read(client.client_id, shown, environment, keys=client.needs_keys)
    if row is None:
        raise errors.UnknownEnvironment
    try:
        here = Here(row.environment_id, row.environment_slug, row.environment_is_default, at_token_endpoint=False)
        proven = prove_client(client, row.client, here=here, request=request, now=now)
        _refuse_inactive(row, now)
    except (CredentialError, errors.TokenError) as refusal:
        audit.refused("introspect", request, now, refusal, client_id=client.client_id, environment=row.environment_slug)
        raise
    if row.holder is None or not rules.may_touch(
        caller_credential_id=row.client.credential_id or 0,
        caller_proxy_id=row.client.proxy_id,
        caller_group_id=row.client.group_id,
        facts=row.holder,
    ):
        return Introspection(INACTIVE, proven)
    told = _tell(row, shown, now)
    return Introspection(told, proven, _basis(client, row, shown, now) if may_keep and told["active"] else None)


def _basis(client: Client, row: ShownRow, shown: Shown, now: datetime) -> Basis | None:
    """What an active token's answer rests on: also on the client's secret, which may be about to retire.

    None for a client that proves itself anew each time, for refresh tokens, and for tokens that others know better.
    """
    if row.token is None or row.holder is None or client.method not in SECRET_METHODS or not shown.is_own_access_token:
        return None
    retiring = (at for at in (row.client.first_retire_at, row.client.second_retire_at) if at is not None and at > now)
    return Basis.until(row.holder.family_id, row.token.expires_at, shown.expires_at, *retiring)


def introspect_for_gateway(
    gateway: Proof, raw: str, *, request: Request, environment: str = "", at: datetime | None = None
) -> dict[str, Any]:
    """What a gateway may be told: tokens of its own environment (D40).

    Leaves a log row only where the gateway is refused. Raises GatewayRefused then.
    """
    now = at or timezone.now()
    shown = look_at(raw, now=now)
    row = _read("", shown, environment)
    if row is None:
        raise errors.UnknownEnvironment
    try:
        prove(gateway, environment_id=row.environment_id, required=True, now=now)
    except errors.GatewayRefused as refusal:
        audit.refused("introspect", request, now, refusal, environment=row.environment_slug)
        raise
    return INACTIVE if row.holder is None else _tell(row, shown, now)


def _read(client_id: str, shown: Shown, environment: str, *, keys: bool = False) -> ShownRow | None:
    return statements.read(
        environment=environment,
        client_id=client_id,
        access_digests=list(shown.access_digests),
        jti=shown.jti,
        refresh_digests=list(shown.refresh_digests),
        keys=keys,
    )


def _refuse_inactive(row: ShownRow, now: datetime) -> None:
    if row.client.deactivated_at is not None or rules.reached(row.client.expires_on, now):
        raise errors.CredentialInactive


def _tell(row: ShownRow, shown: Shown, now: datetime) -> dict[str, Any]:
    assert row.holder is not None
    if row.token is not None:
        if shown.expired(now) or rules.why_invalid(row.token, row.holder, now) is not None:
            return INACTIVE
        return _about_token(row, row.token, row.holder)
    if row.refresh_key is not None:
        return _about_refresh_key(row, row.refresh_key, row.holder, now)
    return INACTIVE


def _common(row: ShownRow, holder: HolderFacts, scopes: str, audience: str | list[str]) -> dict[str, Any]:
    return {
        "active": True,
        "iss": minting.issuer(row.environment_slug, bool(row.environment_is_default)),
        "sub": holder.username or holder.client_id,
        "client_id": holder.client_id or "portal-login",
        "aud": audience,
        "scope": scopes,
    }


def _about_token(row: ShownRow, token: TokenFacts, holder: HolderFacts) -> dict[str, Any]:
    scopes = rules.scopes_in_use(token.token_scopes, holder)
    if not scopes:
        return INACTIVE
    told = _common(row, holder, scope_rules.scope_text(scopes), _audiences(holder))
    told["token_type"], told["iat"], told["jti"] = "Bearer", int(token.issued_at.timestamp()), token.jti
    if token.expires_at is not None:
        told["exp"] = int(token.expires_at.timestamp())
    if holder.username is not None:
        told["username"] = holder.username
    if token.thumbprint:
        told["cnf"] = {"x5t#S256": token.thumbprint}
    return told


def _audiences(holder: HolderFacts) -> str | list[str]:
    """Where the token works: for a group's, the group and its members of now, so that who asks need not know them."""
    if holder.group_id is None:
        return holder.audience
    return [holder.audience, *statements.open_members(holder.group_id, holder.environment_id)]


def _about_refresh_key(row: ShownRow, key: RefreshKeyFacts, holder: HolderFacts, now: datetime) -> dict[str, Any]:
    spent = key.mode != "static" and key.sequence != holder.family_sequence
    ended = holder.family_revoked_at or holder.exhausted_at or key.revoked_at
    if spent or ended or not key.policy_allows or now >= key.expires_at or rules.holder_fault(holder, now) is not None:
        return INACTIVE
    told = _common(row, holder, holder.family_scopes, holder.audience)
    told |= {
        "token_type": "refresh_token",
        "iat": int(key.created_at.timestamp()),
        "exp": int(key.expires_at.timestamp()),
        "jti": key.jti,
    }
    return told
