"""Screens of who may come. One screen a file."""

from credentials.admin import (
    connections,
    credentials,
    groups,
    keys,
    password_links,
    personal_tokens,
    users,
)

__all__ = [
    "connections",
    "credentials",
    "groups",
    "keys",
    "password_links",
    "personal_tokens",
    "users",
]
