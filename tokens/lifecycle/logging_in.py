"""Log in and mint: a person's refresh key, with or without a first access token (S1.1, S2.2, D27, D28, D30)."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext_noop

from credentials import identify, secrets
from credentials.errors import SECOND_FACTOR_REFUSALS, InvalidCredentials
from credentials.models import User
from proxies.models import Environment
from proxies.sentences import Sentence
from tokens import devices, errors, rules, scope_rules, session_rules, signing
from tokens.lifecycle import minting, session_tokens
from tokens.lifecycle.audit import Entry, Request, audited, clean_text
from tokens.lifecycle.issuing import FirstKeyNeeded, describe_token
from tokens.lifecycle.second_step import second_step
from tokens.lifecycle.session_tokens import CLIENT, RefreshJWT, Session
from tokens.statements import issue as issue_statements
from tokens.statements import revoke as revoke_statements
from tokens.statements import session as statements
from tokens.statements.session import LoginFacts

DEVICE_ID_LENGTH = 150
_AUDIENCE_LENGTH = 255
SAME_DEVICE = "logged in again on the same device"


@dataclass(frozen=True, slots=True)
class Wish:
    """What a new session shall be: kind, audience (empty: the portal's API), seconds, device."""

    kind: str
    audience: str = ""
    lifetime: int | None = None
    device_id: str = ""


def login(
    username: str,
    password: str,
    *,
    request: Request,
    otp: str = "",
    audience: str = "",
    lifetime: int | None = None,
    device_id: str = "",
    at: datetime | None = None,
) -> Session:
    """A new session of this person, logged; or a refusal, logged: access and refresh token (S1.1, D27).

    `audience` is the portal's API where empty, else the audience or slug of a proxy or group that a grant lets the
    person reach. `lifetime` is the refresh token's, in seconds. `otp` is a code of the person's second factor, if there
    is one. Raises InvalidCredentials, one of SECOND_FACTOR_REFUSALS, or TokenError.
    """
    now = at or timezone.now()
    person: User | Exception
    try:
        person = identify.person(username, password)
        second_step(person, otp, at=now)
    except (InvalidCredentials, *SECOND_FACTOR_REFUSALS) as refusal:
        person = refusal
    wish = Wish("login", audience, lifetime, device_id)
    return _with_first_key(lambda: _open(person, wish, username=username, request=request, now=now))


def mint(
    owner: User,
    *,
    audience: str,
    lifetime: int | None,
    request: Request,
    at: datetime | None = None,
) -> Session:
    """A refresh key for this person, made in the admin or by command, logged; no access token yet (D30, S2.11).

    `audience` may be any text; where it names a proxy or group, a grant must let the owner reach it. Raises TokenError.
    """
    now = at or timezone.now()
    wish = Wish("minted", audience, lifetime)
    return _with_first_key(lambda: _open(owner, wish, username=owner.get_username(), request=request, now=now))


def _with_first_key(act: Callable[[], Session]) -> Session:
    try:
        return act()
    except FirstKeyNeeded as missing:
        signing.ensure(Environment.objects.get(pk=missing.environment_id), by="")
    return act()


def _open(person: User | Exception, wish: Wish, *, username: str, request: Request, now: datetime) -> Session:
    with audited("mint" if wish.kind == "minted" else "login", request, now) as entry:
        entry.username = username
        if isinstance(person, Exception):
            raise person
        facts = statements.read_login(user_id=person.pk, audience=_fit(wish.audience), now=now)
        if facts is None:
            raise errors.UnknownEnvironment
        # The password was looked at before this transaction: what changed since then counts.
        if not facts.is_active or facts.user_generation != person.generation:
            raise InvalidCredentials
        entry.environment = facts.environment_slug
        target = _target(facts, wish, entry)
        terms = _terms(wish)
        if facts.kid is None:
            raise FirstKeyNeeded(facts.environment_id)
        return _write(facts, wish, target=target, terms=terms, entry=entry, now=now)


@dataclass(frozen=True, slots=True)
class _Target:
    audience: str
    scopes: str


def _target(facts: LoginFacts, wish: Wish, entry: Entry) -> _Target:
    """What the session is for: the portal's API, or a proxy or group that is granted and deployed."""
    if not wish.audience or wish.audience == settings.PORTAL_AUDIENCE:
        entry.audience = settings.PORTAL_AUDIENCE
        return _Target(settings.PORTAL_AUDIENCE, scope_rules.DEFAULT_SCOPE)
    entry.audience = wish.audience
    if facts.proxy_id is None and facts.group_id is None:
        if wish.kind != "minted":
            raise errors.InvalidTarget(
                gettext_noop("This is neither the portal's API nor an API proxy or group you may use.")
            )
        return _Target(_fit(wish.audience), scope_rules.DEFAULT_SCOPE)
    entry.proxy, entry.group = facts.proxy_slug or "", facts.group_slug or ""
    if facts.grant_id is None:
        raise errors.InvalidTarget(
            Sentence(
                gettext_noop("No grant lets {username} use it. Grant it to this person first."), username=facts.username
            )
        )
    if facts.deployment_id is None or facts.undeployed_at is not None:
        raise errors.HolderUndeployed
    entry.audience = facts.proxy_audience or facts.group_audience or ""
    return _Target(entry.audience, "")


def _fit(audience: str) -> str:
    """An audience as it can be stored and shown; none at all is the portal's."""
    stripped = audience.strip()
    if clean_text(stripped, _AUDIENCE_LENGTH) != stripped or (audience and not stripped):
        raise errors.InvalidRequest(gettext_noop("An audience has 1 to 255 printable characters."))
    return stripped


def _terms(wish: Wish) -> rules.Terms:
    refresh = session_rules.refresh_lifetime(
        wish.lifetime,
        default=settings.REFRESH_TOKEN_LIFETIME_SECONDS,
        maximum=settings.REFRESH_TOKEN_MAXIMUM_LIFETIME_SECONDS,
    )
    if refresh is None:
        most = settings.REFRESH_TOKEN_MAXIMUM_LIFETIME_SECONDS
        raise errors.InvalidRequest(
            Sentence(gettext_noop("The lifetime is a number of seconds from 1 to {most}."), most=most)
        )
    return rules.Terms(
        access_lifetime=session_rules.access_lifetime(default=settings.ACCESS_TOKEN_LIFETIME_SECONDS, refresh=refresh),
        refresh_lifetime=refresh,
        refresh_count=None,
        retry_window=settings.REFRESH_RETRY_WINDOW_SECONDS,
    )


def _write(
    facts: LoginFacts, wish: Wish, *, target: _Target, terms: rules.Terms, entry: Entry, now: datetime
) -> Session:
    scopes = target.scopes or _scopes(facts)
    key, expires_at = _key(facts, target, terms, now)
    family_id = issue_statements.write_family(_family(facts, wish, target, terms, scopes=scopes, key=key, now=now))
    issue_statements.write_refresh_key(
        issue_statements.NewRefreshKey(
            family_id,
            0,
            None,
            key.token_hash,
            key.jti,
            now,
            expires_at,
            terms.refresh_lifetime or 0,
            refreshable=settings.REFRESH_KEYS_REFRESHABLE,
            device_id=devices.printable(wish.device_id, DEVICE_ID_LENGTH),
            content=key.content,
            # Who presses the button in the admin is not the device that will use the key.
            device_info=None if wish.kind == "minted" else json.dumps(device(entry.request)),
            signing_key_id=key.signing_key_id,
        )
    )
    entry.family_id, entry.scopes, entry.token_format = family_id, scopes, "jwt"
    entry.jti, entry.fingerprint = key.jti, key.token_hash[:16]
    entry.issued_at, entry.refresh_expires_at, entry.refresh_sequence = now, expires_at, 0
    session = Session("", key.raw, None, expires_at, key.jti, family_id)
    if wish.kind == "minted":
        return session
    if settings.ONE_SESSION_PER_DEVICE and wish.device_id:
        _end_others_on_device(facts, wish, family_id, now)
    return _first_access(facts, target, terms, scopes=scopes, session=session, entry=entry, now=now)


def _key(facts: LoginFacts, target: _Target, terms: rules.Terms, now: datetime) -> tuple[RefreshJWT, datetime]:
    expires_at = rules.refresh_expiry(terms, now).replace(microsecond=0)
    claims = session_tokens.claims_of_key(
        issuer=minting.issuer(facts.environment_slug, True),
        username=facts.username,
        email=facts.email,
        audience=target.audience,
        jti=secrets.random_name(),
        issued_at=now,
        expires_at=expires_at,
    )
    return session_tokens.refresh_jwt(claims, kid=facts.kid or ""), expires_at


def _scopes(facts: LoginFacts) -> str:
    defined = facts.proxy_scopes if facts.proxy_id is not None else facts.group_scopes
    scopes = scope_rules.requested_scopes(None, scope_rules.granted_scopes(defined or "", facts.grant_scopes or ""))
    if scopes is None:
        raise errors.InvalidScope
    return scope_rules.scope_text(scopes)


def _first_access(
    facts: LoginFacts,
    target: _Target,
    terms: rules.Terms,
    *,
    scopes: str,
    session: Session,
    entry: Entry,
    now: datetime,
) -> Session:
    expires_at = minting.whole_second(rules.access_expiry(terms, now))
    claims = minting.Claims(
        issuer=minting.issuer(facts.environment_slug, True),
        subject=facts.username,
        client_id=CLIENT,
        audience=minting.audiences(target.audience, facts.member_audiences),
        scope=scopes,
    )
    made = minting.jwt(claims, kid=facts.kid or "", jti=secrets.random_name(), issued_at=now, expires_at=expires_at)
    issue_statements.write_token(
        issue_statements.NewToken(
            session.family_id, 0, "jwt", None, made.jti, made.signing_key_id, scopes, now, expires_at
        )
    )
    describe_token(entry, made, family_id=session.family_id, scopes=scopes, token_format="jwt")
    entry.expires_at = expires_at
    return Session(made.raw, session.refresh, expires_at, session.refresh_expires_at, session.jti, session.family_id)


def _end_others_on_device(facts: LoginFacts, wish: Wish, family_id: int, now: datetime) -> None:
    statements.hold_person(facts.user_id)
    revoke_statements.revoke_sessions_of_device(
        user_id=facts.user_id,
        device_id=devices.printable(wish.device_id, DEVICE_ID_LENGTH),
        but=family_id,
        now=now,
        because=SAME_DEVICE,
    )


def device(request: Request) -> dict[str, str]:
    """Device info of whoever sent this request (S2.21)."""
    return devices.describe(request.user_agent, request.address)


def _family(
    facts: LoginFacts, wish: Wish, target: _Target, terms: rules.Terms, *, scopes: str, key: RefreshJWT, now: datetime
) -> issue_statements.NewFamily:
    return issue_statements.NewFamily(
        kind=wish.kind,
        credential_id=None,
        user_id=facts.user_id,
        environment_id=facts.environment_id,
        proxy_id=facts.proxy_id,
        group_id=facts.group_id,
        grant_id=facts.grant_id,
        policy_id=None,
        audience=target.audience,
        scopes=scopes,
        issued_at=now,
        token_format="jwt",
        access_token_lifetime_secs=terms.access_lifetime,
        refresh_token_lifetime_secs=terms.refresh_lifetime,
        refresh_count=None,
        refresh_mode=terms.mode,
        retry_window_secs=terms.retry_window,
        ends_at=None,
        key_generation=None,
        user_generation=facts.user_generation,
        deployment_id=facts.deployment_id,
        deployment_generation=facts.deployment_generation,
        credential_deployment_id=None,
        credential_deployment_generation=None,
        signing_key_id=key.signing_key_id,
    )
