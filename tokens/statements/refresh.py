"""Refresh: one SELECT of client, key, family and holder; one conditional UPDATE of the family is the gate."""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from django.db import transaction

from credentials.rules import ClientFacts
from tokens.connections import is_postgresql
from tokens.rules import HolderFacts, RefreshFacts, Terms
from tokens.statements import database, log
from tokens.statements.facts import (
    CLIENT_JOINS,
    CLIENT_WIDTH,
    ENVIRONMENT_IS,
    HOLDER_COLUMNS,
    HOLDER_JOINS,
    HOLDER_WIDTH,
    client_columns,
)
from tokens.statements.issue import (
    SIGNING_KEY_JOIN,
    NewRefreshKey,
    NewToken,
    member_audiences,
    write_refresh_key,
    write_token,
)

KEY_COLUMNS = """
    rk.id, rk.jti, rk.sequence, rk.expires_at, rk.revoked_at, nxt.created_at, nxt.token_hash,
    f.access_token_lifetime_secs, f.refresh_token_lifetime_secs, f.refresh_count, f.refresh_mode, f.retry_window_secs,
    f.ends_at, f.policy_id IS NULL OR (pol.refresh_allowed AND pol.suspended_at IS NULL)"""
KEY_WIDTH = 14


class SigningFacts(NamedTuple):
    """What a new JWT of the family needs to be signed."""

    environment_id: int
    environment_slug: str
    environment_is_default: bool
    token_format: str | None
    signing_key_id: int | None
    kid: str | None
    algorithm: str | None
    member_audiences: str | None


class RefreshRow(NamedTuple):
    """All facts of a refresh. `refresh` and `holder` are None where the key is unknown in this environment."""

    client: ClientFacts
    signing: SigningFacts
    refresh: RefreshFacts | None
    holder: HolderFacts | None


def key_facts(columns: Sequence[Any]) -> RefreshFacts:
    """The facts of KEY_COLUMNS."""
    return RefreshFacts._make((*columns[:7], Terms._make(columns[7:13]), bool(columns[13])))


def read(*, environment: str, client_id: str, digests: list[str], keys: bool = False) -> RefreshRow | None:
    """The facts, or None where there is no such environment."""
    found = database.row(_reading(len(digests), keys), [client_id, *digests, environment, environment])
    if found is None:
        return None
    key_start = CLIENT_WIDTH + len(SigningFacts._fields)
    holder_start = key_start + KEY_WIDTH
    client = ClientFacts._make(found[:CLIENT_WIDTH])
    signing = SigningFacts._make(found[CLIENT_WIDTH:key_start])
    if found[holder_start] is None:
        return RefreshRow(client, signing, None, None)
    refresh = key_facts(found[key_start:holder_start])
    holder = HolderFacts._make(found[holder_start : holder_start + HOLDER_WIDTH])
    return RefreshRow(client, signing, refresh, holder)


@lru_cache(maxsize=64)
def _reading(digests: int, keys: bool) -> str:
    return (
        f"SELECT {client_columns(keys=keys)}, e.id, e.slug, e.is_default, f.token_format,"
        f" sk.id, sk.kid, sk.algorithm, {member_audiences('f.group_id')}, {KEY_COLUMNS}, {HOLDER_COLUMNS}"
        f" FROM proxies_environment e {CLIENT_JOINS}"
        f" LEFT JOIN tokens_refreshkey rk ON rk.token_hash IN ({database.marks(digests)})"
        " LEFT JOIN tokens_tokenfamily f ON f.id = rk.family_id AND f.environment_id = e.id"
        " LEFT JOIN tokens_refreshkey nxt ON nxt.parent_id = rk.id"
        f" LEFT JOIN tokens_tokenpolicy pol ON pol.id = f.policy_id {HOLDER_JOINS} {SIGNING_KEY_JOIN}"
        f" WHERE {ENVIRONMENT_IS}"
    )


GATE_ROTATING = """
    UPDATE tokens_tokenfamily SET sequence = sequence + 1
    WHERE id = %s AND sequence = %s AND revoked_at IS NULL AND exhausted_at IS NULL
        AND (refresh_count IS NULL OR sequence < refresh_count)"""

_GATE_STATIC = """
    UPDATE tokens_tokenfamily SET sequence = sequence + 1
    WHERE id = %s AND revoked_at IS NULL AND exhausted_at IS NULL
        AND (refresh_count IS NULL OR sequence < refresh_count)
    RETURNING sequence"""


def pass_static_gate(*, family_id: int) -> int | None:
    """The family's new sequence where this caller won the right to refresh, else None (I4)."""
    found = database.row(_GATE_STATIC, [family_id], family_id=family_id)
    return None if found is None else int(found[0])


# The gate, what comes of it and the log row in one statement: where the gate stays shut nothing is written.
_ROTATE = (
    f"WITH gate AS ({GATE_ROTATING} RETURNING id),"
    f" token AS ({database.insert_from('tokens_issuedtoken', NewToken._fields, 'gate')}),"
    f" key AS ({database.insert_from('tokens_refreshkey', NewRefreshKey._fields, 'gate')})"
    f" {database.insert_from(log.TABLE, log.COLUMNS, 'gate')}"
)


def rotate(token: NewToken, key: NewRefreshKey, row: log.LogRow) -> bool:
    """Pass the gate and write what comes of it and the log row: all, or nothing and False where another was first."""
    was = token.sequence - 1
    if is_postgresql():
        given = [token.family_id, was, *token, *key, *row]
        return database.changed(_ROTATE, given, family_id=token.family_id) == 1
    with transaction.atomic():
        if database.changed(GATE_ROTATING, [token.family_id, was]) != 1:
            return False
        write_token(token)
        write_refresh_key(key)
        log.write(row)
    return True


def extend_static(*, key_id: int, expires_at: datetime, now: datetime) -> None:
    """Move the deadline of a static refresh key on (D1)."""
    database.changed(
        "UPDATE tokens_refreshkey SET expires_at = %s, last_used_at = %s WHERE id = %s", [expires_at, now, key_id]
    )


def exhaust(*, family_id: int, now: datetime) -> bool:
    """Clear the refresh handle of a family past its count; True for the first caller only (D3)."""
    sql = """
        UPDATE tokens_tokenfamily SET exhausted_at = %s
        WHERE id = %s AND exhausted_at IS NULL AND revoked_at IS NULL AND sequence >= refresh_count"""
    return database.changed(sql, [now, family_id], family_id=family_id) == 1


class CurrentToken(NamedTuple):
    """The access token that belongs to the family's present sequence."""

    jti: str
    digest: str | None
    kid: str | None
    scopes: str
    issued_at: datetime
    expires_at: datetime | None
    refresh_expires_at: datetime
    thumbprint: str


def current_token(*, family_id: int, sequence: int) -> CurrentToken | None:
    """The access token and refresh deadline made by the refresh that a retry asks for again (D2)."""
    sql = """
        SELECT t.jti, t.digest, sk.kid, t.scopes, t.issued_at, t.expires_at, rk.expires_at,
            t.certificate_thumbprint
        FROM tokens_issuedtoken t JOIN tokens_refreshkey rk ON rk.family_id = t.family_id AND rk.sequence = t.sequence
        LEFT JOIN tokens_signingkey sk ON sk.id = t.signing_key_id
        WHERE t.family_id = %s AND t.sequence = %s"""
    found = database.row(sql, [family_id, sequence])
    return None if found is None else CurrentToken._make(found)
