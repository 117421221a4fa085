"""Cleaning: delete what is past, in windows of the expiry indexes (D17, I11).

A record is an access token and the refresh key of the same sequence; a static key belongs to the newest access token.
A person's refresh key obtains access tokens without being spent, so there each stands for itself.
It goes when both are past, when no lost answer can be asked for again, and, where it was revoked, when the retention
time is over too. A family goes with its last record. A token that never expires has no expiry and so is in no window.
"""

from datetime import datetime
from typing import NamedTuple

from tokens.statements import database


class Limits(NamedTuple):
    """The moments that decide: what is past, what was revoked long enough ago, what can no longer be retried."""

    now: datetime
    retained_since: datetime
    retried_since: datetime


class Window(NamedTuple):
    """Rows of one window of an expiry index and where the next one begins."""

    ids: list[int]
    families: list[int]
    last: tuple[datetime, int]


def _window(table: str, now: datetime, after: tuple[datetime, int] | None, size: int) -> Window | None:
    beyond = "AND (expires_at > %s OR (expires_at = %s AND id > %s))" if after else ""
    parameters = [now, *([after[0], after[0], after[1]] if after else []), size]
    sql = (
        f"SELECT id, family_id, expires_at FROM {table} WHERE expires_at <= %s {beyond}"
        " ORDER BY expires_at, id LIMIT %s"
    )
    found = database.rows(sql, parameters)
    if not found:
        return None
    return Window([row[0] for row in found], sorted({row[1] for row in found}), (found[-1][2], found[-1][0]))


def expired(now: datetime, *, up_to: int) -> int:
    """How many access tokens are past their time, counted no further than this."""
    sql = "SELECT count(*) FROM (SELECT 1 FROM tokens_issuedtoken WHERE expires_at <= %s LIMIT %s) AS past"
    found = database.row(sql, [now, up_to])
    return int(found[0]) if found else 0


def token_window(now: datetime, after: tuple[datetime, int] | None, size: int) -> Window | None:
    """The next access tokens whose time is over."""
    return _window("tokens_issuedtoken", now, after, size)


def key_window(now: datetime, after: tuple[datetime, int] | None, size: int) -> Window | None:
    """The next refresh keys whose time is over."""
    return _window("tokens_refreshkey", now, after, size)


_REMOVABLE_TOKENS = """
    FROM tokens_issuedtoken WHERE id IN ({marks}) AND expires_at <= %s
      AND (revoked_at IS NULL OR revoked_at <= %s)
      AND NOT EXISTS (SELECT 1 FROM tokens_tokenfamily f
          WHERE f.id = tokens_issuedtoken.family_id AND f.revoked_at > %s)
      AND NOT EXISTS (SELECT 1 FROM tokens_refreshkey k JOIN tokens_tokenfamily f ON f.id = k.family_id
          WHERE k.family_id = tokens_issuedtoken.family_id AND f.kind = 'client'
            AND CASE WHEN f.refresh_mode = 'static' THEN f.sequence ELSE k.sequence END = tokens_issuedtoken.sequence
            AND (k.expires_at > %s OR k.created_at > %s))"""

_REMOVABLE_KEYS = """
    FROM tokens_refreshkey WHERE id IN ({marks}) AND expires_at <= %s
      AND (revoked_at IS NULL OR revoked_at <= %s)
      AND NOT EXISTS (SELECT 1 FROM tokens_tokenfamily f
          WHERE f.id = tokens_refreshkey.family_id AND f.revoked_at > %s)
      AND NOT EXISTS (SELECT 1 FROM tokens_issuedtoken t JOIN tokens_tokenfamily f ON f.id = t.family_id
          WHERE t.family_id = tokens_refreshkey.family_id
            AND CASE WHEN f.refresh_mode = 'static' THEN f.sequence ELSE tokens_refreshkey.sequence END = t.sequence
            AND (t.expires_at IS NULL OR t.expires_at > %s))
      AND NOT EXISTS (SELECT 1 FROM tokens_refreshkey n
          WHERE n.family_id = tokens_refreshkey.family_id AND n.sequence = tokens_refreshkey.sequence + 1
            AND n.created_at > %s)
      AND created_at <= %s"""


def _parameters(ids: list[int], limits: Limits) -> list[object]:
    return [*ids, limits.now, limits.retained_since, limits.retained_since, limits.now, limits.retried_since]


def _key_parameters(ids: list[int], limits: Limits) -> list[object]:
    return [*_parameters(ids, limits), limits.retried_since]


def count_tokens(ids: list[int], limits: Limits) -> int:
    """How many access tokens of a window would go."""
    found = database.row(
        "SELECT count(*)" + _REMOVABLE_TOKENS.format(marks=database.marks(len(ids))), _parameters(ids, limits)
    )
    return int(found[0]) if found else 0


def count_keys(ids: list[int], limits: Limits) -> int:
    """How many refresh keys of a window would go if their access tokens went first."""
    found = database.row(
        "SELECT count(*)" + _REMOVABLE_KEYS.format(marks=database.marks(len(ids))), _key_parameters(ids, limits)
    )
    return int(found[0]) if found else 0


def remove_tokens(ids: list[int], limits: Limits) -> int:
    """Delete the access tokens of a window that are no longer needed; how many."""
    return database.changed(
        "DELETE" + _REMOVABLE_TOKENS.format(marks=database.marks(len(ids))), _parameters(ids, limits)
    )


def remove_keys(ids: list[int], limits: Limits) -> int:
    """Delete the refresh keys of a window that are no longer needed; how many."""
    body, parameters = _REMOVABLE_KEYS.format(marks=database.marks(len(ids))), _key_parameters(ids, limits)
    # A successor outlives its predecessor's row: it stands alone from then on.
    database.changed(f"UPDATE tokens_refreshkey SET parent_id = NULL WHERE parent_id IN (SELECT id {body})", parameters)
    return database.changed("DELETE" + body, parameters)


def remove_families(ids: list[int]) -> int:
    """Delete the families among these that have no record left; how many."""
    sql = f"""
        DELETE FROM tokens_tokenfamily WHERE id IN ({database.marks(len(ids))})
          AND NOT EXISTS (SELECT 1 FROM tokens_issuedtoken t WHERE t.family_id = tokens_tokenfamily.id)
          AND NOT EXISTS (SELECT 1 FROM tokens_refreshkey k WHERE k.family_id = tokens_tokenfamily.id)"""
    return database.changed(sql, ids)
