"""Sessions of people: one SELECT each of the facts of a login, a refresh key and an access token."""

from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from django.db import transaction

from tokens.connections import is_postgresql
from tokens.rules import HolderFacts, RefreshFacts, TokenFacts
from tokens.statements import database, log
from tokens.statements.facts import HOLDER_COLUMNS, HOLDER_JOINS, HOLDER_WIDTH, TOKEN_COLUMNS, TOKEN_WIDTH
from tokens.statements.issue import (
    SIGNING_KEY_JOIN,
    NewRefreshKey,
    NewToken,
    member_audiences,
    write_refresh_key,
    write_token,
)
from tokens.statements.refresh import GATE_ROTATING, KEY_COLUMNS, KEY_WIDTH, key_facts


class LoginFacts(NamedTuple):
    """The person and the target as they are now, in the default environment."""

    environment_id: int
    environment_slug: str
    user_id: int
    username: str
    email: str
    is_active: bool
    user_generation: int
    proxy_id: int | None
    proxy_slug: str | None
    proxy_audience: str | None
    proxy_scopes: str | None
    group_id: int | None
    group_slug: str | None
    group_audience: str | None
    group_scopes: str | None
    deployment_id: int | None
    undeployed_at: datetime | None
    deployment_generation: int | None
    grant_id: int | None
    grant_scopes: str | None
    signing_key_id: int | None
    kid: str | None
    member_audiences: str | None


_LOGIN = """
    SELECT e.id, e.slug, u.id, u.username, u.email, u.is_active, u.generation,
        p.id, p.slug, p.audience, p.scopes, gr.id, gr.slug, gr.audience, gr.scopes,
        d.id, d.undeployed_at, d.generation, g.id, g.scopes, sk.id, sk.kid, {members}
    FROM proxies_environment e JOIN credentials_user u ON u.id = %s
    LEFT JOIN proxies_apiproxy p ON p.slug = %s OR p.audience = %s
    LEFT JOIN proxies_proxygroup gr ON gr.slug = %s OR gr.audience = %s
    LEFT JOIN proxies_deployment d ON d.environment_id = e.id AND (d.proxy_id = p.id OR d.group_id = gr.id)
    LEFT JOIN credentials_grant g ON g.user_id = u.id AND (g.proxy_id = p.id OR g.group_id = gr.id)
        AND g.withdrawn_at IS NULL AND (g.expires_on IS NULL OR g.expires_on > %s)
    {key} WHERE e.is_default"""


def read_login(*, user_id: int, audience: str, now: datetime) -> LoginFacts | None:
    """The facts, or None where there is no default environment or no such user."""
    sql = _LOGIN.format(members=member_audiences("gr.id"), key=SIGNING_KEY_JOIN)
    found = database.row(sql, [user_id, *[audience] * 4, now.date()])
    return None if found is None else LoginFacts._make(found)


class SessionFacts(NamedTuple):
    """What a refresh key of a person has beyond other refresh keys, and the key that signs now."""

    refreshable: bool
    created_at: datetime
    device_id: str
    successor_jti: str | None
    successor_content: str | None
    successor_kid: str | None
    email: str
    kid: str | None
    signing_key_id: int | None
    member_audiences: str | None


class SessionRow(NamedTuple):
    """A refresh key of a person by its jti."""

    session: SessionFacts
    refresh: RefreshFacts
    holder: HolderFacts


_SESSION_COLUMNS = (
    "rk.refreshable, rk.created_at, rk.device_id, nxt.jti, {content}, nk.kid, u.email, sk.kid, sk.id, {members}"
)
_SESSION_WIDTH = len(SessionFacts._fields)


def read_key(jti: str) -> SessionRow | None:
    """The facts of a person's refresh key, or None where none has this jti."""
    found = database.row(_reading_key(), [jti])
    if found is None:
        return None
    holder_at = _SESSION_WIDTH + KEY_WIDTH
    return SessionRow(
        session=SessionFacts._make(found[:_SESSION_WIDTH]),
        refresh=key_facts(found[_SESSION_WIDTH:holder_at]),
        holder=HolderFacts._make(found[holder_at : holder_at + HOLDER_WIDTH]),
    )


@cache
def _reading_key() -> str:
    # As text on both databases: PostgreSQL would hand out a parsed value.
    content = "nxt.content::text" if is_postgresql() else "nxt.content"
    columns = _SESSION_COLUMNS.format(content=content, members=member_audiences("f.group_id"))
    return (
        f"SELECT {columns}, {KEY_COLUMNS}, {HOLDER_COLUMNS} FROM tokens_refreshkey rk"
        " JOIN tokens_tokenfamily f ON f.id = rk.family_id JOIN proxies_environment e ON e.id = f.environment_id"
        " LEFT JOIN tokens_refreshkey nxt ON nxt.parent_id = rk.id"
        " LEFT JOIN tokens_signingkey nk ON nk.id = nxt.signing_key_id"
        f" LEFT JOIN tokens_tokenpolicy pol ON pol.id = f.policy_id {HOLDER_JOINS} {SIGNING_KEY_JOIN}"
        " WHERE rk.jti = %s AND f.user_id IS NOT NULL"
    )


class AccessRow(NamedTuple):
    """An access token of a person and its holder."""

    token: TokenFacts
    holder: HolderFacts


def read_access(jti: str) -> AccessRow | None:
    """The facts of a JWT by its jti, or None."""
    sql = (
        f"SELECT {TOKEN_COLUMNS}, {HOLDER_COLUMNS} FROM tokens_issuedtoken t"
        " JOIN tokens_tokenfamily f ON f.id = t.family_id"
        f" LEFT JOIN tokens_signingkey tk ON tk.id = t.signing_key_id {HOLDER_JOINS}"
        " WHERE t.jti = %s AND t.token_format = 'jwt'"
    )
    found = database.row(sql, [jti])
    if found is None:
        return None
    return AccessRow(
        TokenFacts._make(found[:TOKEN_WIDTH]), HolderFacts._make(found[TOKEN_WIDTH : TOKEN_WIDTH + HOLDER_WIDTH])
    )


class Use(NamedTuple):
    """That a refresh key is used: when, by which device, and which one."""

    now: datetime
    device_info: str
    key_id: int

    @property
    def values(self) -> tuple[Any, ...]:
        """In the order of the statement."""
        return (*self, self.now)


def _use(source: str = "") -> str:
    """Forward only (S2.17, S2.21)."""
    return (
        f"UPDATE tokens_refreshkey SET last_used_at = %s, device_info = %s {source}"
        " WHERE tokens_refreshkey.id = %s AND (last_used_at IS NULL OR last_used_at < %s)"
    )


_NOTE_USE = _use()
# Whoever adds to a family holds it, so that it is not cleaned away meanwhile. SQLite has one writer.
_HOLD_FAMILY = "SELECT id FROM tokens_tokenfamily WHERE id = %s"
_OBTAIN = (
    f"WITH held AS ({_HOLD_FAMILY} FOR KEY SHARE),"
    f" token AS ({database.insert_from('tokens_issuedtoken', NewToken._fields, 'held')}),"
    f" used AS ({_use('FROM held')})"
    f" {database.insert_from(log.TABLE, log.COLUMNS, 'held')}"
)
_RENEW = (
    f"WITH gate AS ({GATE_ROTATING} RETURNING id),"
    f" key AS ({database.insert_from('tokens_refreshkey', NewRefreshKey._fields, 'gate')}),"
    f" used AS ({_use('FROM gate')})"
    f" {database.insert_from(log.TABLE, log.COLUMNS, 'gate')}"
)


def obtain(token: NewToken, used: Use, row: log.LogRow) -> bool:
    """Write an access token, the use of its refresh key, and the log row.

    All, or nothing and False where the family is gone.
    """
    family = [token.family_id]
    if is_postgresql():
        return database.changed(_OBTAIN, [*family, *token, *used.values, *row]) == 1
    with transaction.atomic():
        if database.row(_HOLD_FAMILY, family) is None:
            return False
        write_token(token)
        database.changed(_NOTE_USE, used.values)
        log.write(row)
    return True


def renew(key: NewRefreshKey, used: Use, row: log.LogRow) -> bool:
    """Pass the family's gate and write the successor, the use of its predecessor, and the log row (I2).

    All, or nothing and False where another was first.
    """
    gate = (key.family_id, key.sequence - 1)
    if is_postgresql():
        given = [*gate, *key, *used.values, *row]
        return database.changed(_RENEW, given, family_id=key.family_id) == 1
    with transaction.atomic():
        if database.changed(GATE_ROTATING, gate) != 1:
            return False
        write_refresh_key(key)
        database.changed(_NOTE_USE, used.values)
        log.write(row)
    return True


def hold_person(user_id: int) -> None:
    """Hold a person's row until the transaction ends, so that two logins of one device happen one after the other.

    SQLite's transactions begin with the only write lock, so nothing is asked of it.
    """
    if is_postgresql():
        database.row("SELECT id FROM credentials_user WHERE id = %s FOR NO KEY UPDATE", [user_id])
