"""The life of a token. This is the front door: doors import from here."""

from tokens.lifecycle.audit import Request, refused
from tokens.lifecycle.cleaning import Cleaned, clean
from tokens.lifecycle.introspecting import introspect, introspect_for_gateway
from tokens.lifecycle.issuing import Client, issue
from tokens.lifecycle.limiting import Count, Counted, by_address, by_client, count_refusal, limit, refuse_if_known
from tokens.lifecycle.minting import TokenAnswer, issuer
from tokens.lifecycle.proving import Proof
from tokens.lifecycle.refreshing import refresh
from tokens.lifecycle.revoking import revoke, revoke_by_jti, revoke_family, revoke_holder, revoke_token
from tokens.lifecycle.verifying import UnknownProxy, Verdict, verify
from tokens.told import Told

__all__ = [
    "Cleaned",
    "Client",
    "Count",
    "Counted",
    "Proof",
    "Request",
    "TokenAnswer",
    "Told",
    "UnknownProxy",
    "Verdict",
    "by_address",
    "by_client",
    "clean",
    "count_refusal",
    "introspect",
    "introspect_for_gateway",
    "issue",
    "issuer",
    "limit",
    "refresh",
    "refuse_if_known",
    "refused",
    "revoke",
    "revoke_by_jti",
    "revoke_family",
    "revoke_holder",
    "revoke_token",
    "verify",
]
