"""Revoke: by the client (RFC 7009), and by people: token, family, holder, jti."""

from datetime import datetime

from django.utils import timezone

from credentials.models import Credential, User
from proxies.models import ApiProxy, Environment, ProxyGroup
from tokens import errors
from tokens.lifecycle.audit import Entry, Request, audited, row_of
from tokens.lifecycle.proving import Client, Here, prove_client
from tokens.lifecycle.shown import look_at
from tokens.models import IssuedToken, RefreshKey, TokenFamily
from tokens.statements import revoke as statements
from tokens.statements.revoke import ShownRow

BY_CLIENT = "revoked by the client"


def revoke(client: Client, raw: str, *, request: Request, environment: str = "", at: datetime | None = None) -> None:
    """End what was shown: an access token alone, with a refresh token the whole family (RFC 7009, D40).

    An unknown or foreign token is no error and nothing happens. Raises CredentialError for a refused client.
    """
    now = at or timezone.now()
    # An assertion is used up on the way, and that must stand or fall with the rest.
    with audited("revoke", request, now, at_once=not client.needs_keys) as entry:
        entry.client_id, entry.environment = client.client_id, environment
        shown = look_at(raw, now=now)
        row = statements.read(
            environment=environment,
            client_id=client.client_id,
            access_digests=list(shown.access_digests),
            jti=shown.jti,
            refresh_digests=list(shown.refresh_digests),
            keys=client.needs_keys,
        )
        if row is None:
            raise errors.UnknownEnvironment
        entry.environment = row.environment_slug
        here = Here(row.environment_id, row.environment_slug, row.environment_is_default, at_token_endpoint=False)
        proven = prove_client(client, row.client, here=here, request=request, now=now)
        entry.client_name, entry.used_assertion = row.client.name or "", proven.used
        entry.reason = "token_not_found"
        if row.holder is not None and row.holder.credential_id == row.client.credential_id:
            _end(row, entry, now)


def _end(row: ShownRow, entry: Entry, now: datetime) -> None:
    assert row.holder is not None
    holder = row.holder
    shown = row.refresh_key or row.token
    assert shown is not None  # the holder was found by it
    entry.family_id, entry.audience, entry.jti = holder.family_id, holder.audience, shown.jti
    ending = statements.Ending(now, BY_CLIENT, row_of(entry), "revoked", "revoked_before")
    if row.refresh_key is not None:
        statements.end_family(holder.family_id, ending)
    elif row.token is not None:
        statements.end_token(row.token.token_id, ending)
    entry.written = True


def revoke_token(token: IssuedToken, *, by: str, because: str, request: Request, at: datetime | None = None) -> bool:
    """End one access token; False where it was ended before (the first time, actor and reason stay)."""
    now = at or timezone.now()
    with audited("revoke", request, now) as entry:
        _describe(entry, token.family)
        entry.jti = token.jti
        done = statements.revoke_token(token_id=token.pk, now=now, by=by, because=because)
        entry.reason = "revoked" if done else "revoked_before"
    return done


def revoke_family(family: TokenFamily, *, by: str, because: str, request: Request, at: datetime | None = None) -> bool:
    """End a family: its access tokens and its refresh handle; False where it was ended before."""
    now = at or timezone.now()
    with audited("revoke", request, now) as entry:
        _describe(entry, family)
        done = statements.revoke_family(family_id=family.pk, now=now, by=by, because=because)
        entry.reason = "family_revoked" if done else "revoked_before"
    return done


def revoke_key(key: RefreshKey, *, by: str, because: str, request: Request, at: datetime | None = None) -> bool:
    """End one refresh key: it obtains and renews nothing any more, access tokens in use live to their end.

    False where it was ended before; the first time, actor and reason stay (D30, S2.7).
    """
    now = at or timezone.now()
    with audited("revoke", request, now) as entry:
        _describe(entry, key.family)
        entry.jti, entry.fingerprint = key.jti, key.token_hash[:16]
        done = statements.revoke_refresh_key(key_id=key.pk, now=now, by=by, because=because)
        entry.reason = "key_revoked" if done else "revoked_before"
    return done


def revoke_by_jti(jti: str, *, by: str, because: str, request: Request, at: datetime | None = None) -> bool:
    """End the access token, or the family of the refresh key, with this jti. Raises TokenNotFound."""
    token = IssuedToken.objects.select_related("family").filter(jti=jti).first()
    if token is not None:
        return revoke_token(token, by=by, because=because, request=request, at=at)
    key = RefreshKey.objects.select_related("family").filter(jti=jti).first()
    if key is None:
        raise errors.TokenNotFound
    return revoke_family(key.family, by=by, because=because, request=request, at=at)


_KINDS: dict[type, str] = {
    Credential: "credential",
    User: "user",
    ApiProxy: "proxy",
    ProxyGroup: "group",
    Environment: "environment",
}


def revoke_holder(
    holder: Credential | User | ApiProxy | ProxyGroup | Environment,
    *,
    by: str,
    because: str,
    request: Request,
    at: datetime | None = None,
) -> int:
    """End every family of a credential or user, for a proxy or group, or in an environment; how many it ended."""
    now = at or timezone.now()
    kind = _KINDS[type(holder)]
    with audited("revoke", request, now) as entry:
        entry.client_name = str(holder) if kind == "credential" else ""
        entry.username = str(holder) if kind == "user" else ""
        entry.proxy = holder.slug if isinstance(holder, ApiProxy) else ""
        entry.group = holder.slug if isinstance(holder, ProxyGroup) else ""
        entry.environment = holder.slug if isinstance(holder, Environment) else ""
        done = statements.revoke_families_of(holder=kind, holder_id=holder.pk, now=now, by=by, because=because)
        entry.reason = f"revoked_{done}_families"
    return done


def _describe(entry: Entry, family: TokenFamily) -> None:
    entry.family_id, entry.audience, entry.scopes = family.pk, family.audience, family.scopes
    entry.environment = family.environment.slug
    entry.client_id = family.credential.client_id if family.credential is not None else ""
    entry.username = family.user.get_username() if family.user is not None else ""


__all__ = ["revoke", "revoke_by_jti", "revoke_family", "revoke_holder", "revoke_key", "revoke_token"]
