"""Making the values that are handed out. Nothing here decides or writes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from credentials import secrets
from proxies.settled import settings
from tokens import jose, signing
from tokens.rules import remaining_seconds

_MAXIMUM_AUDIENCES = 20


@dataclass(frozen=True, slots=True)
class TokenAnswer:
    """What a client gets (RFC 6749 section 5.1). The only moment raw values exist."""

    access_token: str
    expires_in: int | None
    scope: str
    refresh_token: str | None = None

    def __repr__(self) -> str:
        return "TokenAnswer(...)"

    def as_json(self) -> dict[str, object]:
        """The body of the answer; a token that never expires has no `expires_in` (D15)."""
        body: dict[str, object] = {"access_token": self.access_token, "token_type": "Bearer"}
        if self.expires_in is not None:
            body["expires_in"] = self.expires_in
        if self.refresh_token is not None:
            body["refresh_token"] = self.refresh_token
        body["scope"] = self.scope
        return body


@dataclass(frozen=True, slots=True)
class Made:
    """A raw access token and what is stored of it."""

    raw: str
    digest: str | None
    jti: str
    signing_key_id: int | None
    fingerprint: str

    def __repr__(self) -> str:
        return f"Made({self.jti})"


@dataclass(frozen=True, slots=True)
class Claims:
    """Who an access token speaks of, and where."""

    issuer: str
    subject: str
    client_id: str
    audience: str | list[str]
    scope: str
    thumbprint: str = ""


def issuer(slug: str, is_default: bool) -> str:
    """The issuer of an environment: from the one configured public URL, never from a request."""
    base: str = settings.PUBLIC_URL
    return base if is_default else f"{base}/env/{slug}"


def audiences(audience: str, member_audiences: str | None) -> str | list[str]:
    """One URI for a proxy; for a group its own and its members' of the moment, at most 20 of them."""
    members = (member_audiences or "").split()
    if not members or len(members) > _MAXIMUM_AUDIENCES:
        return audience
    return [audience, *members]


def whole_second(moment: datetime | None) -> datetime | None:
    """A JWT speaks in whole seconds (RFC 7519), so its record does as well."""
    return None if moment is None else moment.replace(microsecond=0)


def opaque(raw: str) -> Made:
    """An opaque token and its keyed hash."""
    digest = secrets.digest(raw)
    return Made(raw, digest, secrets.random_name(), None, digest[:16])


def jwt(claims: Claims, *, kid: str, jti: str, issued_at: datetime, expires_at: datetime | None) -> Made:
    """An RFC 9068 access token; of type `JWT` without `exp` where it never expires (D15)."""
    key = signing.private_key(kid)
    body: dict[str, object] = {
        "iss": claims.issuer,
        "sub": claims.subject,
        "client_id": claims.client_id,
        "aud": claims.audience,
        "scope": claims.scope,
        "iat": int(issued_at.timestamp()),
        "jti": jti,
    }
    if claims.thumbprint:
        # RFC 8705 section 3.1. Never an empty one: readers refuse a confirmation that they do not know.
        body["cnf"] = {"x5t#S256": claims.thumbprint}
    if expires_at is not None:
        body["exp"] = int(expires_at.timestamp())
    type_ = jose.NEVER_EXPIRING_TYPE if expires_at is None else jose.ACCESS_TYPE
    return sign(body, key=key, type_=type_, jti=jti)


def sign(body: Mapping[str, object], *, key: signing.PrivateKey, type_: str, jti: str) -> Made:
    """Any JWT of ours under a key of ours."""
    raw = jose.sign(body, private_pem=key.pem, algorithm=key.algorithm, kid=key.kid, type_=type_)
    return Made(raw, None, jti, key.key_id, secrets.fingerprint(jti))


def answer(made: Made, *, expires_at: datetime | None, now: datetime, scope: str, refresh: str | None) -> TokenAnswer:
    """The answer to a token request."""
    return TokenAnswer(made.raw, remaining_seconds(expires_at, now), scope, refresh)
