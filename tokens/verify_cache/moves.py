"""Which statements can end what was true. All of them, but those that are known not to.

A statement is known by its words alone: what it may write is what stands behind INSERT INTO, UPDATE and DELETE FROM.
Where anything else writes, or anything is written that verification reads, everything moves.
"""

import re
from functools import lru_cache

# No verification that is kept looks into these. One with a gateway's connection token is not kept, nor is one that
# asks about a refresh token, nor one by a verifier of imported tokens.
HARMLESS = frozenset(
    (
        "credentials_connectionconfiguration",
        "credentials_connectiontoken",
        "credentials_gatewayinstance",
        "credentials_passwordlink",
        "credentials_personalaccesstoken",
        "credentials_recoverycode",
        "credentials_secondfactor",
        "credentials_usedassertion",
        "django_admin_log",
        "django_session",
        "proxies_changerecord",
        "proxies_jobrun",
        "proxies_keptanswer",
        "proxies_scheduledjob",
        "proxies_takenname",
        "tokens_bulkslice",
        "tokens_bulkwork",
        "tokens_delivery",
        "tokens_figures",
        "tokens_logmark",
        "tokens_logseal",
        "tokens_ratelimitwindow",
        "tokens_refreshkey",
        "tokens_reminder",
        "tokens_requestrollup",
        "tokens_tokenrequestlog",
        "tokens_webhook",
    )
)
# A new row of these ends nothing: what is kept is about another row.
GROWING = frozenset(("tokens_issuedtoken", "tokens_tokenfamily"))
# Columns that nobody is judged by.
IDLE = {
    "credentials_credentialkey": frozenset(("last_used_at",)),
    "credentials_credentialsecret": frozenset(("last_used_at",)),
    "credentials_user": frozenset(("last_login",)),
    "tokens_issuedtoken": frozenset(("last_used_at", "last_used_proxy", "last_used_address")),
}

# What is longer is a sweep's or an import's, another each time: not worth a place in memory.
_LONGEST = 10_000

_QUIET = re.compile(
    r"(?:SAVEPOINT|RELEASE SAVEPOINT|ROLLBACK TO SAVEPOINT|SHOW|SET CONSTRAINTS|SET SESSION TIME ZONE)\b"
)
_KNOWN = re.compile(r"(?:SELECT|WITH|INSERT|UPDATE|DELETE)\b")
_NOT_WRITING = re.compile(r"\bDO UPDATE SET\b|\bDO NOTHING\b|\bFOR (?:NO KEY )?UPDATE\b")
_WRITING = re.compile(
    r"\b(?:INSERT|UPDATE|DELETE|MERGE|TRUNCATE|COPY|CALL|DO|EXECUTE|CREATE|ALTER|DROP|INTO|GRANT|REVOKE|COMMIT|IMPORT)\b"
)
_TARGET = re.compile(r'\b(INSERT INTO|UPDATE|DELETE FROM) ("?)([a-z_]+)\2(?![\w."])( SET (?:.(?! WHERE ))*.)?')
_ASSIGNED = re.compile(r'"?(\w+)"? ?=')
_NOT_PLAIN = re.compile(r"\) ?=|\bSELECT\b")
_OTHER = re.compile(r";|/\*|--|\$\$|\b(?:dblink|lo_|pg_(?!backend_pid|stat_activity|class))\w*")


def moves(text: str) -> bool:
    """False where this statement, known word for word, can turn no positive answer into another."""
    return len(text) > _LONGEST or _moves(text)


@lru_cache(maxsize=2048)
def _moves(text: str) -> bool:
    words = " ".join(text.split()).removesuffix(";")
    if not words or (_QUIET.match(words.upper()) and ";" not in words):
        return False
    if _OTHER.search(words) or not _KNOWN.match(words):
        return True
    grows_only = " DO UPDATE " not in words
    words = _NOT_WRITING.sub(" ", words)
    found = list(_TARGET.finditer(words))
    named = sum(2 if match[1] == "INSERT INTO" else 1 for match in found)
    if len(_WRITING.findall(words.upper())) != named:
        return True
    return not all(_is_harmless(match, grows_only) for match in found)


def _is_harmless(match: re.Match[str], grows_only: bool) -> bool:
    verb, _, table, assignments = match.groups()
    if table in HARMLESS:
        return True
    if verb == "INSERT INTO":
        return table in GROWING and grows_only
    if verb == "UPDATE" and assignments and not _NOT_PLAIN.search(assignments):
        assigned = set(_ASSIGNED.findall(assignments))
        return bool(assigned) and assigned <= IDLE.get(table, frozenset())
    return False
