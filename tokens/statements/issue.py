"""Issue: one SELECT of everything that decides, one INSERT each for family, access token and refresh key."""

from collections.abc import Sequence
from datetime import date, datetime
from functools import cache
from typing import Any, NamedTuple

from django.db import connection, transaction

from credentials.rules import ClientFacts
from tokens.connections import is_postgresql
from tokens.statements import database, log
from tokens.statements.facts import CLIENT_JOINS, CLIENT_WIDTH, ENVIRONMENT_IS, client_columns


class IssueFacts(NamedTuple):
    """What stands behind an issue besides the client: environment, target, deployments, grant, policy, key."""

    environment_id: int
    environment_slug: str
    environment_is_default: bool
    proxy_id: int | None
    proxy_slug: str | None
    proxy_audience: str | None
    proxy_mode: str | None
    proxy_scopes: str | None
    group_id: int | None
    group_slug: str | None
    group_audience: str | None
    group_mode: str | None
    group_scopes: str | None
    deployment_id: int | None
    undeployed_at: datetime | None
    deployment_generation: int | None
    credential_deployment_id: int | None
    credential_undeployed_at: datetime | None
    credential_deployment_generation: int | None
    grant_id: int | None
    grant_withdrawn_at: datetime | None
    grant_expires_on: date | None
    grant_scopes: str | None
    policy_id: int | None
    token_format: str | None
    never_expires: bool | None
    access_lifetime: int | None
    refresh_allowed: bool | None
    refresh_lifetime: int | None
    refresh_count: int | None
    refresh_mode: str | None
    retry_window: int | None
    family_lifetime: int | None
    suspended_at: datetime | None
    signing_key_id: int | None
    kid: str | None
    algorithm: str | None
    member_audiences: str | None


_COLUMNS = """
    e.id, e.slug, e.is_default,
    p.id, p.slug, p.audience, p.mode, p.scopes,
    gr.id, gr.slug, gr.audience, gr.mode, gr.scopes,
    d.id, d.undeployed_at, d.generation,
    cd.id, cd.undeployed_at, cd.generation,
    g.id, g.withdrawn_at, g.expires_on, g.scopes,
    pol.id, pol.token_format, pol.never_expires, pol.access_token_lifetime_secs, pol.refresh_allowed,
    pol.refresh_token_lifetime_secs, pol.refresh_count, pol.refresh_mode, pol.retry_window_secs,
    pol.family_lifetime_secs, pol.suspended_at,
    sk.id, sk.kid, sk.algorithm"""

_NAMED_TARGET = """
    LEFT JOIN proxies_apiproxy p ON p.slug = %s OR p.audience = %s
    LEFT JOIN proxies_proxygroup gr ON gr.slug = %s OR gr.audience = %s
    LEFT JOIN credentials_grant g ON g.credential_id = c.id AND (g.proxy_id = p.id OR g.group_id = gr.id)"""

_ONLY_TARGET = """
    LEFT JOIN credentials_grant g ON g.credential_id = c.id AND c.proxy_id IS NULL AND c.group_id IS NULL
        AND g.withdrawn_at IS NULL AND (g.expires_on IS NULL OR g.expires_on > %s)
    LEFT JOIN proxies_apiproxy p ON p.id = COALESCE(c.proxy_id, g.proxy_id)
    LEFT JOIN proxies_proxygroup gr ON gr.id = COALESCE(c.group_id, g.group_id)"""

SIGNING_KEY_JOIN = """
    LEFT JOIN tokens_signingkey sk ON sk.environment_id = e.id AND sk.signing_since IS NOT NULL
        AND sk.verify_only_since IS NULL AND sk.retired_at IS NULL AND sk.ended_at IS NULL"""

_JOINS = """
    LEFT JOIN proxies_deployment d ON d.environment_id = e.id AND (d.proxy_id = p.id OR d.group_id = gr.id)
    LEFT JOIN credentials_credentialdeployment cd ON cd.environment_id = e.id AND cd.credential_id = c.id
    LEFT JOIN tokens_tokenpolicy pol
        ON pol.credential_id = c.id OR pol.proxy_id = c.proxy_id OR pol.group_id = c.group_id"""


def member_audiences(group: str) -> str:
    """The members' audiences of a group, joined by spaces: the one function the two databases name differently."""
    joined = "string_agg(mp.audience, ' ')" if connection.vendor == "postgresql" else "group_concat(mp.audience, ' ')"
    return (
        f"(SELECT {joined} FROM proxies_groupmembership m JOIN proxies_apiproxy mp ON mp.id = m.proxy_id"
        f" WHERE m.group_id = {group})"
    )


def read(
    *, environment: str, client_id: str, target: str | None, today: date, keys: bool = False
) -> list[tuple[ClientFacts, IssueFacts]]:
    """One row for a named or only target, two where several were possible and none named, none without environment."""
    parameters: list[Any] = [client_id, *([today] if target is None else [target] * 4), environment, environment]
    return [
        (ClientFacts._make(found[:CLIENT_WIDTH]), IssueFacts._make(found[CLIENT_WIDTH:]))
        for found in database.rows(_reading(target is not None, keys), parameters)
    ]


@cache
def _reading(named: bool, keys: bool) -> str:
    return (
        f"SELECT {client_columns(keys=keys)}, {_COLUMNS}, {member_audiences('gr.id')}"
        f" FROM proxies_environment e {CLIENT_JOINS} {_NAMED_TARGET if named else _ONLY_TARGET} {_JOINS}"
        f" {SIGNING_KEY_JOIN} WHERE {ENVIRONMENT_IS} LIMIT 2"
    )


class NewFamily(NamedTuple):
    """The columns of a family at its beginning."""

    kind: str
    credential_id: int | None
    user_id: int | None
    environment_id: int
    proxy_id: int | None
    group_id: int | None
    grant_id: int | None
    policy_id: int | None
    audience: str
    scopes: str
    issued_at: datetime
    token_format: str
    access_token_lifetime_secs: int | None
    refresh_token_lifetime_secs: int | None
    refresh_count: int | None
    refresh_mode: str
    retry_window_secs: int
    ends_at: datetime | None
    key_generation: int | None
    user_generation: int | None
    deployment_id: int | None
    deployment_generation: int | None
    credential_deployment_id: int | None
    credential_deployment_generation: int | None
    signing_key_id: int | None
    sequence: int = 0
    revoked_by: str = ""
    revoked_because: str = ""


class NewToken(NamedTuple):
    """The columns of an access token at its beginning."""

    family_id: int
    sequence: int
    token_format: str
    digest: str | None
    jti: str
    signing_key_id: int | None
    scopes: str
    issued_at: datetime
    expires_at: datetime | None
    certificate_thumbprint: str = ""
    revoked_by: str = ""
    revoked_because: str = ""
    last_used_proxy: str = ""


class NewRefreshKey(NamedTuple):
    """The columns of a refresh key at its beginning."""

    family_id: int
    sequence: int
    parent_id: int | None
    token_hash: str
    jti: str
    created_at: datetime
    expires_at: datetime
    lifetime_secs: int
    refreshable: bool = True
    revoked_by: str = ""
    revoked_because: str = ""
    device_id: str = ""
    content: str | None = None
    device_info: str | None = None
    signing_key_id: int | None = None


def _insert(table: str, columns: Sequence[str]) -> str:
    return database.insert(table, columns, returning="id")


_INSERT_FAMILY = _insert("tokens_tokenfamily", NewFamily._fields)
_INSERT_TOKEN = database.insert("tokens_issuedtoken", NewToken._fields)
_INSERT_REFRESH_KEY = database.insert("tokens_refreshkey", NewRefreshKey._fields)


def _for_family(table: str, columns: Sequence[str]) -> str:
    return database.insert_from(table, columns, "family", family_id="family.id")


# All of an issue, its log row too, in one statement: one way to the database and back, and one wait for its disk.
_FAMILY_AND_TOKEN = (
    f"WITH family AS ({_INSERT_FAMILY}), token AS ({_for_family('tokens_issuedtoken', NewToken._fields)})"
)
_KEY = f", key AS ({_for_family('tokens_refreshkey', NewRefreshKey._fields)})"
_LOG = f" {_for_family(log.TABLE, log.COLUMNS)} RETURNING family_id"
_INSERT_ALL = _FAMILY_AND_TOKEN + _KEY + _LOG
_INSERT_ALL_BUT_KEY = _FAMILY_AND_TOKEN + _LOG


def write_all(family: NewFamily, token: NewToken, key: NewRefreshKey | None, row: log.LogRow) -> None:
    """Insert a family with its first access token, its refresh key if there is one, and the log row: all or nothing.

    The family's id is put into the others, whatever they say.
    """
    if not is_postgresql():
        with transaction.atomic():
            family_id = write_family(family)
            write_token(token._replace(family_id=family_id))
            if key is not None:
                write_refresh_key(key._replace(family_id=family_id))
            log.write(row._replace(family_id=family_id))
        return
    values = (*family, *_without_family(token), *(() if key is None else _without_family(key)), *_without_family(row))
    found = database.row(_INSERT_ALL_BUT_KEY if key is None else _INSERT_ALL, values)
    assert found is not None  # RETURNING gives the row


_FAMILY_AT = {row: row._fields.index("family_id") for row in (NewToken, NewRefreshKey, log.LogRow)}


def _without_family(row: NewToken | NewRefreshKey | log.LogRow) -> tuple[Any, ...]:
    at = _FAMILY_AT[type(row)]
    return row[:at] + row[at + 1 :]


def write_family(family: NewFamily) -> int:
    """Insert a family; its id."""
    found = database.row(_INSERT_FAMILY, family)
    assert found is not None  # RETURNING gives the row
    return int(found[0])


def write_token(token: NewToken) -> None:
    """Insert an access token of a family that this transaction has written, or has passed the gate of."""
    database.changed(_INSERT_TOKEN, token)


def write_refresh_key(key: NewRefreshKey) -> None:
    """Insert a refresh key, of a family as `write_token` says. The unique parent refuses a second successor (I2)."""
    database.changed(_INSERT_REFRESH_KEY, key)
