"""Verify: one SELECT of token, holder and the place where it is shown. Nothing is written."""

from functools import cache
from typing import NamedTuple

from tokens.path_rules import PathRule
from tokens.rules import HolderFacts, PlaceFacts, TokenFacts
from tokens.statements import database
from tokens.statements.facts import (
    ENVIRONMENT_IS,
    HOLDER_COLUMNS,
    HOLDER_JOINS,
    HOLDER_WIDTH,
    PLACE_COLUMNS,
    PLACE_WIDTH,
    TOKEN_COLUMNS,
    TOKEN_WIDTH,
)


class VerifyRow(NamedTuple):
    """`token` and `holder` are None for an unknown token; `place.proxy_id` is None for an unknown proxy."""

    environment_id: int
    environment_slug: str
    environment_is_default: bool
    gateways_must_authenticate: bool
    place: PlaceFacts
    token: TokenFacts | None
    holder: HolderFacts | None


# The statement with one key of the token hash, which is what nearly every installation has.
_DIGEST_IN = "t.digest IN (%s)"


@cache
def _sql(which: str) -> str:
    return (
        "SELECT e.id, e.slug, e.is_default, e.gateways_must_authenticate,"
        f" {PLACE_COLUMNS}, {TOKEN_COLUMNS}, {HOLDER_COLUMNS} FROM proxies_environment e"
        " LEFT JOIN proxies_apiproxy rp ON rp.slug = %s"
        f" LEFT JOIN tokens_issuedtoken t ON {which}"
        " LEFT JOIN tokens_tokenfamily f ON f.id = t.family_id"
        f" LEFT JOIN tokens_signingkey tk ON tk.id = t.signing_key_id {HOLDER_JOINS}"
        " LEFT JOIN proxies_groupmembership gm ON gm.group_id = f.group_id AND gm.proxy_id = rp.id"
        " LEFT JOIN proxies_deployment md ON md.proxy_id = rp.id AND md.environment_id = e.id"
        f" WHERE {ENVIRONMENT_IS}"
    )


def read(
    *, environment: str, proxy: str, digests: list[str], jti: str = "", token_id: int | None = None
) -> VerifyRow | None:
    """The facts, by digest for an opaque token, by jti for a JWT, by id for one whose record is at hand.

    None where there is no such environment.
    """
    if token_id is not None:
        found = database.row(_sql("t.id = %s"), [proxy, token_id, environment, environment])
    elif jti:
        found = database.row(_sql("t.jti = %s AND t.token_format = 'jwt'"), [proxy, jti, environment, environment])
    else:
        sql = _sql(_DIGEST_IN if len(digests) == 1 else f"t.digest IN ({database.marks(len(digests))})")
        found = database.row(sql, [proxy, *digests, environment, environment])
    if found is None:
        return None
    token_at = 4 + PLACE_WIDTH
    holder_at = token_at + TOKEN_WIDTH
    known = found[token_at] is not None
    return VerifyRow(
        environment_id=found[0],
        environment_slug=found[1],
        environment_is_default=found[2],
        gateways_must_authenticate=found[3],
        place=PlaceFacts._make(found[4:token_at]),
        token=TokenFacts._make(found[token_at:holder_at]) if known else None,
        holder=HolderFacts._make(found[holder_at : holder_at + HOLDER_WIDTH]) if known else None,
    )


def path_rules(proxy_id: int) -> list[PathRule]:
    """The path rules of a proxy (S0.2)."""
    sql = "SELECT method, pattern, scopes, match FROM proxies_pathrule WHERE proxy_id = %s ORDER BY id"
    return [PathRule._make(found) for found in database.rows(sql, [proxy_id])]
