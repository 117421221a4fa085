"""Rows that point at nothing: the database checks no foreign key of the hot tables, so somebody has to look."""

from collections.abc import Iterator
from typing import NamedTuple

from tokens.statements import database

_OF_FAMILY = {
    "credential_id": "credentials_credential",
    "user_id": "credentials_user",
    "environment_id": "proxies_environment",
    "proxy_id": "proxies_apiproxy",
    "group_id": "proxies_proxygroup",
    "grant_id": "credentials_grant",
    "policy_id": "tokens_tokenpolicy",
    "deployment_id": "proxies_deployment",
    "credential_deployment_id": "credentials_credentialdeployment",
    "signing_key_id": "tokens_signingkey",
    "legacy_verifier_id": "tokens_legacyverifier",
}
_OF_RECORD = {"family_id": "tokens_tokenfamily", "signing_key_id": "tokens_signingkey"}
POINTERS = {"tokens_tokenfamily": _OF_FAMILY, "tokens_issuedtoken": _OF_RECORD, "tokens_refreshkey": _OF_RECORD}
# Somebody who has so many need not know how many more.
_MOST = 1_000


class Orphans(NamedTuple):
    """So many rows of a table point at one of another that is not there."""

    table: str
    column: str
    target: str
    many: int


def find() -> Iterator[Orphans]:
    """All there are. Each table is read whole, some seconds for a million rows."""
    for table, columns in POINTERS.items():
        for column, target in columns.items():
            sql = (
                f"SELECT count(*) FROM (SELECT 1 FROM {table} AS o WHERE o.{column} IS NOT NULL"
                f" AND NOT EXISTS (SELECT 1 FROM {target} AS t WHERE t.id = o.{column}) LIMIT {_MOST}) AS found"
            )
            found = database.row(sql, [])
            if found is not None and found[0]:
                yield Orphans(table, column, target, int(found[0]))
