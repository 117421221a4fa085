"""Revoke: one SELECT of caller and token, one conditional UPDATE that refresh's gate looks at as well."""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from django.db import transaction

from credentials.rules import ClientFacts
from tokens.connections import is_postgresql
from tokens.rules import HolderFacts, TokenFacts
from tokens.statements import database, log
from tokens.statements.facts import (
    CLIENT_JOINS,
    CLIENT_WIDTH,
    ENVIRONMENT_IS,
    HOLDER_COLUMNS,
    HOLDER_JOINS,
    HOLDER_WIDTH,
    TOKEN_COLUMNS,
    TOKEN_WIDTH,
    client_columns,
)


class RefreshKeyFacts(NamedTuple):
    """The refresh key that was shown."""

    key_id: int
    jti: str
    sequence: int
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    mode: str
    policy_allows: bool


class ShownRow(NamedTuple):
    """A caller and what it showed: an access token, a refresh key, or neither."""

    environment_id: int
    environment_slug: str
    environment_is_default: bool
    client: ClientFacts
    token: TokenFacts | None
    refresh_key: RefreshKeyFacts | None
    holder: HolderFacts | None


_KEY_COLUMNS = (
    "rk.id, rk.jti, rk.sequence, rk.created_at, rk.expires_at, rk.revoked_at, f.refresh_mode,"
    " f.policy_id IS NULL OR (pol.refresh_allowed AND pol.suspended_at IS NULL)"
)
_KEY_WIDTH = len(RefreshKeyFacts._fields)
_NO_KEY = ", ".join(["NULL"] * _KEY_WIDTH)


def open_members(group_id: int, environment_id: int) -> list[str]:
    """The audiences of a group's members that its tokens open here and now (D11, D14)."""
    sql = (
        "SELECT p.audience FROM proxies_groupmembership gm JOIN proxies_apiproxy p ON p.id = gm.proxy_id"
        " JOIN proxies_deployment d ON d.proxy_id = p.id AND d.environment_id = %s"
        " WHERE gm.group_id = %s AND d.undeployed_at IS NULL AND p.archived_at IS NULL ORDER BY p.slug"
    )
    return [audience for (audience,) in database.rows(sql, [environment_id, group_id])]


def read(
    *,
    environment: str,
    client_id: str,
    access_digests: list[str],
    jti: str,
    refresh_digests: list[str],
    keys: bool = False,
) -> ShownRow | None:
    """Caller, token and holder in one SELECT, or None where there is no such environment.

    Give the digests of an opaque access token, the jti of a verified JWT, or the digests of a refresh token; leave the
    others empty.
    """
    sql = _reading(len(access_digests), bool(jti), len(refresh_digests), keys)
    shown = [*access_digests, *([jti] if jti else []), *refresh_digests]
    found = database.row(sql, [client_id, *shown, environment, environment])
    if found is None:
        return None
    token_at = 3 + CLIENT_WIDTH
    key_at = token_at + TOKEN_WIDTH
    holder_at = key_at + _KEY_WIDTH
    # Without a family it is unknown, or of another environment: nothing is told of it.
    known = found[holder_at] is not None
    return ShownRow(
        environment_id=found[0],
        environment_slug=found[1],
        environment_is_default=found[2],
        client=ClientFacts._make(found[3:token_at]),
        token=TokenFacts._make(found[token_at:key_at]) if known and found[token_at] is not None else None,
        refresh_key=RefreshKeyFacts._make(found[key_at:holder_at]) if known and found[key_at] is not None else None,
        holder=HolderFacts._make(found[holder_at : holder_at + HOLDER_WIDTH]) if known else None,
    )


@lru_cache(maxsize=64)
def _reading(access: int, by_jti: bool, refresh: int, keys: bool) -> str:
    """Refresh keys are looked at only where one may be meant: an access token is asked about far more often."""
    token_is = " OR ".join(
        [f"t.digest IN ({database.marks(access)})"] * (access > 0) + ["t.jti = %s"] * by_jti or ["1 = 0"]
    )
    family_id, key_columns, key_join, policy_join = "t.family_id", _NO_KEY, "", ""
    if refresh:
        family_id, key_columns = "COALESCE(t.family_id, rk.family_id)", _KEY_COLUMNS
        key_join = f"LEFT JOIN tokens_refreshkey rk ON rk.token_hash IN ({database.marks(refresh)})"
        policy_join = "LEFT JOIN tokens_tokenpolicy pol ON pol.id = f.policy_id"
    return (
        f"SELECT e.id, e.slug, e.is_default, {client_columns(keys=keys)}, {TOKEN_COLUMNS}, {key_columns},"
        f" {HOLDER_COLUMNS} FROM proxies_environment e {CLIENT_JOINS}"
        f" LEFT JOIN tokens_issuedtoken t ON {token_is} {key_join}"
        " LEFT JOIN tokens_signingkey tk ON tk.id = t.signing_key_id"
        f" LEFT JOIN tokens_tokenfamily f ON f.id = {family_id} AND f.environment_id = e.id"
        f" {policy_join} {HOLDER_JOINS} WHERE {ENVIRONMENT_IS}"
    )


_UPDATE = """
    UPDATE {table} SET revoked_at = %s, revoked_by = %s, revoked_because = %s
    WHERE id = %s AND revoked_at IS NULL"""


def revoke_family(*, family_id: int, now: datetime, by: str, because: str) -> bool:
    """End a family: every token and the refresh handle. False where it was ended before, which keeps the first time."""
    sql = _UPDATE.format(table="tokens_tokenfamily")
    return database.changed(sql, [now, by, because, family_id], family_id=family_id) == 1


class Ending(NamedTuple):
    """What ends a family or a token by its client, and what the log says where this call ended it, or one before."""

    now: datetime
    because: str
    row: log.LogRow
    ended: str
    ended_before: str


def end_family(family_id: int, ending: Ending) -> None:
    """End a family as `revoke_family` does, and write the log row: all or nothing."""
    _end("tokens_tokenfamily", family_id, ending, family_id=family_id)


def end_token(token_id: int, ending: Ending) -> None:
    """End an access token as `revoke_token` does, and write the log row: all or nothing."""
    _end("tokens_issuedtoken", token_id, ending)


def _end(table: str, row_id: int, ending: Ending, *, family_id: int | None = None) -> None:
    values = (ending.now, "", ending.because, row_id)
    row, at = ending.row, log.LogRow._fields.index("reason")
    if is_postgresql():
        reasons = (ending.ended_before, ending.ended)
        database.changed(_END[table], [*values, *row[:at], *reasons, *row[at + 1 :]], family_id=family_id)
        return
    with transaction.atomic():
        done = database.changed(_UPDATE.format(table=table), values) == 1
        log.write(row._replace(reason=ending.ended if done else ending.ended_before))


# Whether this call ended it is known to the statement alone, so it chooses between the two reasons.
_END = {
    table: f"WITH done AS ({_UPDATE.format(table=table)} RETURNING id) "
    + database.insert_from(
        log.TABLE,
        log.COLUMNS,
        "(SELECT count(*) AS times FROM done) AS told",
        reason="CASE told.times WHEN 0 THEN %s ELSE %s END",
    )
    for table in ("tokens_tokenfamily", "tokens_issuedtoken")
}


def revoke_families(*, family_ids: Sequence[int], now: datetime, by: str, because: str) -> int:
    """End these families, some hundreds at most; how many were ended by this call."""
    marks = ", ".join(["%s"] * len(family_ids))
    sql = f"""
        UPDATE tokens_tokenfamily SET revoked_at = %s, revoked_by = %s, revoked_because = %s
        WHERE id IN ({marks}) AND revoked_at IS NULL"""
    return database.changed(sql, [now, by, because, *family_ids])


def revoke_token(*, token_id: int, now: datetime, by: str, because: str) -> bool:
    """End one access token (D40). False where it was ended before."""
    return database.changed(_UPDATE.format(table="tokens_issuedtoken"), [now, by, because, token_id]) == 1


def revoke_refresh_key(*, key_id: int, now: datetime, by: str, because: str) -> bool:
    """End one refresh key and nothing else. False where it was ended before."""
    return database.changed(_UPDATE.format(table="tokens_refreshkey"), [now, by, because, key_id]) == 1


_HOLDERS = {name: f"{name}_id" for name in ("credential", "user", "proxy", "group", "environment")}


def revoke_families_of(*, holder: str, holder_id: int, now: datetime, by: str, because: str) -> int:
    """End all families of a credential, user, proxy, group or environment; how many were ended by this call."""
    sql = f"""
        UPDATE tokens_tokenfamily SET revoked_at = %s, revoked_by = %s, revoked_because = %s
        WHERE {_HOLDERS[holder]} = %s AND revoked_at IS NULL"""
    return database.changed(sql, [now, by, because, holder_id])


def revoke_sessions_of_device(*, user_id: int, device_id: str, but: int, now: datetime, because: str) -> int:
    """End the other logins of a person on one device (D28); how many were ended by this call."""
    sql = """
        UPDATE tokens_tokenfamily SET revoked_at = %s, revoked_because = %s
        WHERE user_id = %s AND kind = 'login' AND revoked_at IS NULL AND id <> %s
          AND id IN (SELECT k.family_id FROM tokens_refreshkey k WHERE k.device_id = %s)"""
    return database.changed(sql, [now, because, user_id, but, device_id])


def revoke_logins(*, user_id: int, but: int | None, now: datetime, by: str, because: str) -> int:
    """End the logins of a person, all or all but one; how many were ended by this call."""
    sql = """
        UPDATE tokens_tokenfamily SET revoked_at = %s, revoked_by = %s, revoked_because = %s
        WHERE user_id = %s AND kind = 'login' AND revoked_at IS NULL AND id <> %s"""
    return database.changed(sql, [now, by, because, user_id, but or 0])
