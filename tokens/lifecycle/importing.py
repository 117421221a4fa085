"""Import: tokens of another system, in their own form, as families of ours (D20)."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from credentials import secrets
from proxies.models import ApiProxy, Deployment, ProxyGroup
from tokens import foreign, rules
from tokens.lifecycle.audit import Request
from tokens.lifecycle.revoking import revoke_family
from tokens.models import LegacyVerifier, TokenFamily
from tokens.statements import importing as statements
from tokens.statements import issue

REVOKED_THERE = "revoked in the system it was imported from"


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose tokens they are: a client, a person, or a client that acts for a person; as they are now (D11)."""

    kind: str
    terms: rules.Terms
    token_format: str
    grant_id: int | None
    policy_id: int | None = None
    credential_id: int | None = None
    key_generation: int | None = None
    credential_deployment_id: int | None = None
    credential_deployment_generation: int | None = None
    user_id: int | None = None
    user_generation: int | None = None


@dataclass(frozen=True, slots=True)
class AccessToken:
    """An access token by its name (tokens.foreign)."""

    name: str
    issued_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """A refresh token by its name; a person's has the claims that screens show."""

    name: str
    created_at: datetime
    expires_at: datetime
    claims: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Imported:
    """What becomes one family: an access token, a refresh token, or both."""

    holder: Holder
    scopes: str
    access: AccessToken | None = None
    refresh: RefreshToken | None = None

    @property
    def names(self) -> list[str]:
        """The names of both."""
        return [each.name for each in (self.access, self.refresh) if each is not None]


@dataclass(frozen=True, slots=True)
class Where:
    """What the tokens are for, and what knows them; no verifier where nothing is to be written."""

    target: ApiProxy | ProxyGroup
    deployment: Deployment
    verifier: LegacyVerifier | None


def already_here(names: Iterable[str]) -> set[str]:
    """Which of these names are stored, under any key of the hash."""
    by_digest = {digest: name for name in names for digest in secrets.digests(name)}
    return {by_digest[digest] for digest in statements.known(list(by_digest))}


def carry(batch: Sequence[Imported], where: Where, *, now: datetime) -> list[Imported]:
    """Write those of a batch that are not here yet, in one transaction, and return them. Run twice, none is doubled."""
    here = already_here(name for each in batch for name in each.names)
    wanted = []
    for each in batch:
        if here.isdisjoint(each.names):
            here.update(each.names)
            wanted.append(each)
    if where.verifier is not None and wanted:
        with transaction.atomic():
            for each in wanted:
                _write(each, where, where.verifier.pk, now)
    return wanted


def _write(each: Imported, where: Where, verifier_id: int, now: datetime) -> None:
    family_id = statements.write_family(_family(each, where, now), verifier_id=verifier_id)
    if each.access is not None:
        token = each.access
        issue.write_token(
            issue.NewToken(
                family_id, 0, "opaque", secrets.digest(token.name), secrets.random_name(), None, each.scopes,
                token.issued_at, token.expires_at,
            )
        )  # fmt: skip
    if each.refresh is not None:
        key = each.refresh
        # A person's is looked up by its jti (tokens.lifecycle.sessions), a client's by its hash.
        jti = secrets.random_name() if key.claims is None else foreign.stored_jti(key.name)
        issue.write_refresh_key(
            issue.NewRefreshKey(
                family_id, 0, None, secrets.digest(key.name), jti, key.created_at, key.expires_at,
                each.holder.terms.refresh_lifetime or 0,
                content=None if key.claims is None else json.dumps(key.claims),
            )
        )  # fmt: skip


def _family(each: Imported, where: Where, now: datetime) -> issue.NewFamily:
    holder, terms = each.holder, each.holder.terms
    is_proxy = isinstance(where.target, ApiProxy)
    began = [token.issued_at for token in (each.access,) if token] + [key.created_at for key in (each.refresh,) if key]
    return issue.NewFamily(
        kind=holder.kind,
        credential_id=holder.credential_id,
        user_id=holder.user_id,
        environment_id=where.deployment.environment_id,
        proxy_id=where.target.pk if is_proxy else None,
        group_id=None if is_proxy else where.target.pk,
        grant_id=holder.grant_id,
        policy_id=holder.policy_id,
        audience=where.target.audience,
        scopes=each.scopes,
        issued_at=min([*began, now]),
        token_format=holder.token_format,
        access_token_lifetime_secs=terms.access_lifetime,
        refresh_token_lifetime_secs=terms.refresh_lifetime,
        refresh_count=terms.refresh_count,
        refresh_mode=terms.mode,
        retry_window_secs=terms.retry_window,
        ends_at=None,
        key_generation=holder.key_generation,
        user_generation=holder.user_generation,
        deployment_id=where.deployment.pk,
        deployment_generation=where.deployment.generation,
        credential_deployment_id=holder.credential_deployment_id,
        credential_deployment_generation=holder.credential_deployment_generation,
        signing_key_id=None,
    )


def end_revoked(names: Iterable[str], *, by: str, request: Request, now: datetime) -> int:
    """End the families of refresh tokens that were revoked in the other system since they were imported; how many."""
    digests = [digest for name in names for digest in secrets.digests(name)]
    families = TokenFamily.objects.filter(pk__in=statements.living_families(digests))
    return sum(
        revoke_family(family, by=by, because=REVOKED_THERE, request=request, at=now)
        for family in families.select_related("environment", "credential", "user")
    )
