"""Issue: client credentials to a token family (S0.14, D5, D11, D39)."""

from datetime import datetime, timedelta
from typing import TypedDict

from django.utils import timezone
from django.utils.translation import gettext_noop

from credentials import secrets
from credentials.rules import ClientFacts
from proxies.models import Environment
from proxies.settled import settings
from tokens import errors, rules, scope_rules, signing
from tokens.lifecycle import minting
from tokens.lifecycle.audit import Entry, Request, audited, row_of
from tokens.lifecycle.proving import Client, Here, prove_client
from tokens.statements import issue as statements
from tokens.statements.issue import IssueFacts


def issue(
    client: Client,
    *,
    request: Request,
    environment: str = "",
    target: str | None = None,
    scope: str | None = None,
    at: datetime | None = None,
) -> minting.TokenAnswer:
    """A new family for this client, logged; or a refusal, logged (RFC 6749 section 4.4).

    `environment` is a slug, empty for the default one. `target` is the audience or slug of a proxy or group.
    Raises TokenError or CredentialError.
    """
    now = at or timezone.now()
    wanted: _Wanted = {"environment": environment, "target": target, "scope": scope}
    try:
        return _issue(client, request, now, **wanted)
    except FirstKeyNeeded as missing:
        signing.ensure(Environment.objects.get(pk=missing.environment_id), by="")
    return _issue(client, request, now, **wanted)


class _Wanted(TypedDict):
    environment: str
    target: str | None
    scope: str | None


class FirstKeyNeeded(Exception):
    """The environment has no signing key yet. Not a refusal: nothing is logged, the request begins again."""

    def __init__(self, environment_id: int) -> None:
        super().__init__()
        self.environment_id = environment_id


def _issue(
    client: Client, request: Request, now: datetime, *, environment: str, target: str | None, scope: str | None
) -> minting.TokenAnswer:
    # An assertion is used up on the way, and that must stand or fall with the rest.
    with audited("issue", request, now, at_once=not client.needs_keys) as entry:
        entry.client_id, entry.environment = client.client_id, environment
        found = statements.read(
            environment=environment,
            client_id=client.client_id,
            target=target,
            today=now.date(),
            keys=client.needs_keys,
        )
        if not found:
            raise errors.UnknownEnvironment
        who, facts = found[0]
        entry.environment, entry.client_name = facts.environment_slug, who.name or ""
        here = Here(facts.environment_id, facts.environment_slug, bool(facts.environment_is_default))
        proven = prove_client(client, who, here=here, request=request, now=now)
        entry.used_assertion = proven.used
        _check_client(who, now)
        if len(found) > 1:
            raise errors.InvalidTarget
        _check_target(who, facts, now)
        _describe_target(entry, facts)
        scopes = _scopes(who, facts, scope)
        return _write(who, facts, scopes, entry, now, thumbprint=proven.thumbprint)


def _check_client(who: ClientFacts, now: datetime) -> None:
    if who.deactivated_at is not None:
        raise errors.CredentialInactive
    if rules.reached(who.expires_on, now):
        raise errors.CredentialExpired


def _check_target(who: ClientFacts, facts: IssueFacts, now: datetime) -> None:
    """Refuse an unknown or foreign target, the mode that is not active (D26), no policy, and what is not deployed."""
    if facts.proxy_id is None and facts.group_id is None:
        raise errors.InvalidTarget
    if who.is_bound and (facts.proxy_id, facts.group_id) != (who.proxy_id, who.group_id):
        raise errors.InvalidTarget
    if not who.is_bound and (
        facts.grant_id is None or facts.grant_withdrawn_at is not None or rules.reached(facts.grant_expires_on, now)
    ):
        raise errors.InvalidTarget
    mode = facts.proxy_mode if facts.proxy_id is not None else facts.group_mode
    if who.is_bound != (mode == "own"):
        raise errors.ManagementMismatch
    if facts.policy_id is None or facts.suspended_at is not None:
        raise errors.GrantNotAllowed
    if facts.deployment_id is None or facts.undeployed_at is not None:
        raise errors.HolderUndeployed
    if not who.is_bound and (facts.credential_deployment_id is None or facts.credential_undeployed_at is not None):
        raise errors.HolderUndeployed


def _describe_target(entry: Entry, facts: IssueFacts) -> None:
    entry.proxy, entry.group = facts.proxy_slug or "", facts.group_slug or ""
    entry.audience = _audience(facts)


def _audience(facts: IssueFacts) -> str:
    return facts.proxy_audience or facts.group_audience or ""


def _scopes(who: ClientFacts, facts: IssueFacts, asked: str | None) -> str:
    defined = facts.proxy_scopes if facts.proxy_id is not None else facts.group_scopes
    available = scope_rules.granted_scopes(defined or "", "" if who.is_bound else facts.grant_scopes or "")
    scopes = scope_rules.requested_scopes(asked, available)
    if scopes is None:
        raise errors.InvalidScope
    return scope_rules.scope_text(scopes)


def terms_of(facts: IssueFacts, now: datetime) -> rules.Terms:
    """The policy's terms of this moment, as a family keeps them (D5, D15)."""
    never = bool(facts.never_expires)
    end = now + timedelta(seconds=facts.family_lifetime) if facts.family_lifetime and not never else None
    return rules.Terms(
        access_lifetime=None if never else facts.access_lifetime,
        refresh_lifetime=facts.refresh_lifetime if facts.refresh_allowed and not never else None,
        refresh_count=facts.refresh_count,
        mode=facts.refresh_mode or "rotating",
        retry_window=facts.retry_window or 0,
        ends_at=end,
    )


def _write(
    who: ClientFacts, facts: IssueFacts, scopes: str, entry: Entry, now: datetime, *, thumbprint: str
) -> minting.TokenAnswer:
    terms = terms_of(facts, now)
    is_jwt = facts.token_format == "jwt"
    if is_jwt and terms.access_lifetime is None and not settings.ALLOW_NEVER_EXPIRING_JWT:
        # A policy from before the setting said no.
        raise errors.GrantNotAllowed(gettext_noop("Never-expiring JWTs are forbidden in this installation."))
    if is_jwt and facts.kid is None:
        raise FirstKeyNeeded(facts.environment_id)
    expires_at = rules.access_expiry(terms, now)
    if is_jwt:
        expires_at = minting.whole_second(expires_at)
        made = minting.jwt(
            _claims(who, facts, scopes, thumbprint),
            kid=facts.kid or "",
            jti=secrets.random_name(),
            issued_at=now,
            expires_at=expires_at,
        )
    else:
        made = minting.opaque(secrets.make(secrets.ACCESS_TOKEN))
    family = _family(who, facts, terms, scopes=scopes, made=made, now=now)
    token = statements.NewToken(
        family_id=0,
        sequence=0,
        token_format=facts.token_format or "",
        digest=made.digest,
        jti=made.jti,
        signing_key_id=made.signing_key_id,
        scopes=scopes,
        issued_at=now,
        expires_at=expires_at,
        certificate_thumbprint=thumbprint,
    )
    refresh, key = _refresh_key(terms, now)
    describe_token(entry, made, family_id=0, scopes=scopes, token_format=facts.token_format or "")
    entry.issued_at, entry.expires_at, entry.refresh_sequence = now, expires_at, 0
    entry.refresh_expires_at = None if key is None else key.expires_at
    statements.write_all(family, token, key, row_of(entry))
    entry.written = True
    return minting.answer(made, expires_at=expires_at, now=now, scope=scopes, refresh=refresh)


def _claims(who: ClientFacts, facts: IssueFacts, scopes: str, thumbprint: str) -> minting.Claims:
    return minting.Claims(
        issuer=minting.issuer(facts.environment_slug, bool(facts.environment_is_default)),
        subject=who.client_id or "",
        client_id=who.client_id or "",
        audience=minting.audiences(_audience(facts), facts.member_audiences),
        scope=scopes,
        thumbprint=thumbprint,
    )


def _family(
    who: ClientFacts, facts: IssueFacts, terms: rules.Terms, *, scopes: str, made: minting.Made, now: datetime
) -> statements.NewFamily:
    own = not who.is_bound
    return statements.NewFamily(
        kind="client",
        credential_id=who.credential_id,
        user_id=None,
        environment_id=facts.environment_id,
        proxy_id=facts.proxy_id,
        group_id=facts.group_id,
        grant_id=facts.grant_id if own else None,
        policy_id=facts.policy_id,
        audience=_audience(facts),
        scopes=scopes,
        issued_at=now,
        token_format=facts.token_format or "",
        access_token_lifetime_secs=terms.access_lifetime,
        refresh_token_lifetime_secs=terms.refresh_lifetime,
        refresh_count=terms.refresh_count,
        refresh_mode=terms.mode,
        retry_window_secs=terms.retry_window,
        ends_at=terms.ends_at,
        key_generation=who.key_generation,
        user_generation=None,
        deployment_id=facts.deployment_id,
        deployment_generation=facts.deployment_generation,
        credential_deployment_id=facts.credential_deployment_id if own else None,
        credential_deployment_generation=facts.credential_deployment_generation if own else None,
        signing_key_id=made.signing_key_id,
    )


def _refresh_key(terms: rules.Terms, now: datetime) -> tuple[str | None, statements.NewRefreshKey | None]:
    if not terms.refreshable:
        return None, None
    raw = secrets.make(secrets.REFRESH_TOKEN)
    expires_at = rules.refresh_expiry(terms, now)
    return raw, statements.NewRefreshKey(
        0, 0, None, secrets.digest(raw), secrets.random_name(), now, expires_at, terms.refresh_lifetime or 0
    )


def describe_token(entry: Entry, made: minting.Made, *, family_id: int, scopes: str, token_format: str) -> None:
    """Put a new token's identity, but nothing secret, into the log entry."""
    entry.jti, entry.fingerprint, entry.family_id = made.jti, made.fingerprint, family_id
    entry.scopes, entry.token_format = scopes, token_format
