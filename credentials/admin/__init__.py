"""Screens of who may come. One screen a file."""

from credentials.admin import connections, credentials, groups, keys, users

__all__ = ["connections", "credentials", "groups", "keys", "users"]
