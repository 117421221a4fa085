"""The life of a token. This is the front door: doors import from here."""

from tokens.lifecycle.audit import Request, refused
from tokens.lifecycle.authenticating import Authenticated, authenticate
from tokens.lifecycle.bulk_revoking import Selection, count_matching, revoke_matching
from tokens.lifecycle.cleaning import Cleaned, clean, count_expired
from tokens.lifecycle.explaining import Explanation, Step, explain
from tokens.lifecycle.finding import find
from tokens.lifecycle.introspecting import introspect, introspect_for_gateway, introspected
from tokens.lifecycle.issuing import issue
from tokens.lifecycle.limiting import (
    Count,
    Counted,
    by_address,
    by_client,
    by_login,
    by_second_factor,
    count_refusal,
    limit,
    refuse_if_known,
)
from tokens.lifecycle.logging_in import login, mint
from tokens.lifecycle.minting import TokenAnswer, issuer
from tokens.lifecycle.proving import Client, Proof
from tokens.lifecycle.refreshing import refresh
from tokens.lifecycle.revoking import revoke, revoke_by_jti, revoke_family, revoke_holder, revoke_key, revoke_token
from tokens.lifecycle.second_step import second_step
from tokens.lifecycle.session_tokens import Session, key_hashes
from tokens.lifecycle.sessions import access, end_others, end_session, logout, renew
from tokens.lifecycle.verifying import UnknownProxy, Verdict, verify
from tokens.told import Told

__all__ = [
    "Authenticated",
    "Cleaned",
    "Client",
    "Count",
    "Counted",
    "Explanation",
    "Proof",
    "Request",
    "Selection",
    "Session",
    "Step",
    "TokenAnswer",
    "Told",
    "UnknownProxy",
    "Verdict",
    "access",
    "authenticate",
    "by_address",
    "by_client",
    "by_login",
    "by_second_factor",
    "clean",
    "count_expired",
    "count_matching",
    "count_refusal",
    "end_others",
    "end_session",
    "explain",
    "find",
    "introspect",
    "introspect_for_gateway",
    "introspected",
    "issue",
    "issuer",
    "key_hashes",
    "limit",
    "login",
    "logout",
    "mint",
    "refresh",
    "refuse_if_known",
    "refused",
    "renew",
    "revoke",
    "revoke_by_jti",
    "revoke_family",
    "revoke_holder",
    "revoke_key",
    "revoke_matching",
    "revoke_token",
    "second_step",
    "verify",
]
