"""The tables of django-oauth-toolkit, as far as they are read: SQL, rows, and what becomes of a client's secret."""

from datetime import datetime
from typing import Any, NamedTuple

from credentials import secrets, slow_hashes
from credentials.errors import InvalidCredential

APPLICATIONS = "oauth2_provider_application"
ACCESS_TOKENS = "oauth2_provider_accesstoken"
REFRESH_TOKENS = "oauth2_provider_refreshtoken"


class Application(NamedTuple):
    """A client of the other system."""

    key: int
    client_id: str
    name: str | None
    client_type: str
    grant_type: str
    secret: str | None
    owner: str | None


class Live(NamedTuple):
    """A refresh token that is not revoked, with its access token if it has one; or an access token alone."""

    key: int
    client_id: str | None
    client_type: str | None
    user_id: Any
    refresh_token: str | None
    refresh_checksum: str | None
    refresh_created: datetime | None
    access_id: int | None
    access_token: str | None
    access_checksum: str | None
    access_created: datetime | None
    expires: datetime | None
    scope: str | None
    is_refresh: bool


APPLICATION_ROWS = f"""
    SELECT a.id, a.client_id, a.name, a.client_type, a.authorization_grant_type, a.client_secret, u.{{username}}
    FROM {APPLICATIONS} a LEFT JOIN {{users}} u ON u.id = a.user_id WHERE 1 = 1"""

_CLIENT = "app.client_id, app.client_type"
REFRESH_ROWS = f"""
    SELECT r.id, {_CLIENT}, r.user_id, r.token, {{refresh_checksum}}, r.created,
        a.id, a.token, {{access_checksum}}, a.created, a.expires, a.scope, 1
    FROM {REFRESH_TOKENS} r LEFT JOIN {ACCESS_TOKENS} a ON a.id = r.access_token_id
    LEFT JOIN {APPLICATIONS} app ON app.id = r.application_id WHERE r.revoked IS NULL"""

ACCESS_ROWS = f"""
    SELECT a.id, {_CLIENT}, a.user_id, NULL, NULL, NULL,
        a.id, a.token, {{access_checksum}}, a.created, a.expires, a.scope, 0
    FROM {ACCESS_TOKENS} a LEFT JOIN {APPLICATIONS} app ON app.id = a.application_id
    WHERE a.expires > %s AND NOT EXISTS
        (SELECT 1 FROM {REFRESH_TOKENS} r WHERE r.access_token_id = a.id AND r.revoked IS NULL)"""

REVOKED_ROWS = f"""
    SELECT r.id, r.token, {{refresh_checksum}} FROM {REFRESH_TOKENS} r WHERE r.revoked > %s"""

HOLDS_TOKENS = f"""
    (EXISTS (SELECT 1 FROM {REFRESH_TOKENS} r WHERE r.user_id = u.id AND r.revoked IS NULL)
        OR EXISTS (SELECT 1 FROM {ACCESS_TOKENS} a WHERE a.user_id = u.id AND a.expires > %s))"""

SCOPES = f"""
    SELECT a.scope, count(*) FROM {ACCESS_TOKENS} a
    WHERE a.expires > %s
        OR EXISTS (SELECT 1 FROM {REFRESH_TOKENS} r WHERE r.access_token_id = a.id AND r.revoked IS NULL)
    GROUP BY a.scope"""

OVER = f"""
    SELECT (SELECT count(*) FROM {REFRESH_TOKENS} r WHERE r.revoked IS NOT NULL),
        (SELECT count(*) FROM {ACCESS_TOKENS} a WHERE a.expires <= %s)"""


def secret_of(application: Application) -> tuple[dict[str, Any], str]:
    """How its secret is kept, as `clients.open_credential` takes it; or why it cannot be.

    Without one the client gets a secret that nobody knows, until somebody changes it.
    """
    secret = application.secret or ""
    if application.client_type == "public" or not secret:
        return {}, ""
    if slow_hashes.parse(secret) is not None:
        return {"slow_hash": secret}, ""
    if "$" in secret:
        return (
            {},
            f"it is hashed as {secret.split('$')[0][:30]}: give it a new one (change_key)",
        )
    try:
        return {"secret": secrets.check_strength(secret)}, ""
    except InvalidCredential:
        return {}, "it is not random enough to be kept as a fast hash: give it a new one (change_key)"
