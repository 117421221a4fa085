"""Requests to begin from, for the OpenAPI document: a value for each field that has to be sent, or is thought of."""

from typing import Any

from rest_framework.serializers import Serializer

# By the name of a field, which means the same everywhere.
_VALUES: dict[str, Any] = {
    "access_token_lifetime_secs": 900,
    "auth_methods": ["private_key_jwt"],
    "because": "leaked",
    "by_mail": True,
    "copied": True,
    "deployment_type": "kubernetes",
    "description": "Cards and transfers",
    "device_id": "my laptop",
    "environment": "test",
    "instance_id": "edge-1",
    "licence_ends_at": "2027-12-31T00:00:00Z",
    "mode": "credentials",
    "name": "Orders",
    "note": "release 7",
    "owner_email": "shop@example.com",
    "owner_name": "Shop team",
    "password": "correct horse battery staple",
    "proxy": "orders",
    "retire_old_at": "2027-01-31T00:00:00Z",
    "refresh": "eyJhbGciOiJFUzI1NiIsInR5cCI6InJlZnJlc2grand0In0...",
    "url": "https://hooks.example.com/",
    "username": "ada",
}
# Not demanded by the shape, and yet what one thinks of.
_WELCOME = frozenset(("because", "device_id", "licence_ends_at", "note", "refresh", "retire_old_at"))
# What is typed to confirm, by the thing.
_NAMES = {
    "client-keys": "2026-11",
    "connections": "EU edge",
    "credentials": "Storefront",
    "environments": "Test",
    "groups": "Commerce",
    "legacy-verifiers": "oauth-toolkit",
    "proxies": "Orders",
    "signing-keys": "Test",
    "users": "ada",
}
_OPTIONAL_AT_MOST = 2


def sample(shape: Serializer[Any], thing: str) -> dict[str, Any]:
    """A request of this shape. One without fields that must be there has a few that may."""
    fields: dict[str, Any] = dict(shape.fields.items())
    wanted = [name for name, field in fields.items() if field.required or name in _WELCOME]
    found = {name: _VALUES[name] for name in wanted if name in _VALUES}
    if "confirm" in fields:
        found["confirm"] = _NAMES.get(thing, "its exact name")
    if not found:
        optional = [name for name in fields if name in _VALUES and name != "name"]
        found = {name: _VALUES[name] for name in optional[:_OPTIONAL_AT_MOST]}
    return found
