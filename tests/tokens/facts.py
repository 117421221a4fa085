"""Facts with nothing wrong, for tables of rules."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from tokens.rules import HolderFacts, PlaceFacts, RefreshFacts, Terms, TokenFacts

NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
INSTANT = timedelta(microseconds=1)
YESTERDAY = date(2025, 12, 31)
TODAY = date(2026, 1, 1)
TOMORROW = date(2026, 1, 2)
# What makes of `holder` a family for a group.
OF_GROUP = {"proxy_id": None, "group_id": 2}


def holder(**changed: Any) -> HolderFacts:
    """A family of the key of proxy 1, with nothing wrong."""
    facts: dict[str, Any] = dict.fromkeys(HolderFacts._fields)
    facts |= {
        "family_id": 1,
        "kind": "client",
        "environment_id": 1,
        "environment_slug": "test",
        "environment_is_default": True,
        "family_sequence": 0,
        "family_scopes": "read write",
        "audience": "https://orders.example/api",
        "credential_id": 7,
        "client_id": "client-7",
        "bound_proxy_id": 1,
        "key_generation": 1,
        "issued_key_generation": 1,
        "proxy_id": 1,
        "target_slug": "orders",
        "target_mode": "own",
        "target_scopes": "read write",
        "deployment_id": 3,
        "deployment_generation": 1,
        "issued_deployment_generation": 1,
        "family_key_id": None,
    }
    return HolderFacts(**{**facts, **changed})


def own_credential(**changed: Any) -> HolderFacts:
    """A family of a credential of its own that is granted proxy 1."""
    terms = {
        "bound_proxy_id": None,
        "target_mode": "credentials",
        "credential_deployment_id": 4,
        "credential_deployment_generation": 1,
        "issued_credential_deployment_generation": 1,
        "grant_id": 5,
        "grant_scopes": "",
    }
    return holder(**{**terms, **changed})


def token(**changed: Any) -> TokenFacts:
    facts: dict[str, Any] = {
        "token_id": 1,
        "jti": "a",
        "token_format": "opaque",
        "token_sequence": 0,
        "token_scopes": "read write",
        "issued_at": NOW,
        "expires_at": NOW + 60 * SECOND,
        "token_revoked_at": None,
        "token_key_ended_at": None,
    }
    return TokenFacts(**{**facts, **changed})


def key(**changed: Any) -> RefreshFacts:
    facts: dict[str, Any] = {
        "key_id": 1,
        "key_jti": "k",
        "key_sequence": 0,
        "key_expires_at": NOW + 180 * SECOND,
        "key_revoked_at": None,
        "first_used_at": None,
        "successor_hash": None,
        "terms": Terms(60, 180, 3),
        "policy_allows": True,
    }
    return RefreshFacts(**{**facts, **changed})


def place(**changed: Any) -> PlaceFacts:
    facts: dict[str, Any] = {
        "proxy_id": 1,
        "required_scopes": "",
        "required_match": "all",
        "accept_token_in_url": False,
        "archived_at": None,
        "is_member": False,
        "member_deployment_id": 3,
        "member_undeployed_at": None,
    }
    return PlaceFacts(**{**facts, **changed})
