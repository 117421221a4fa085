"""Screens of who may come. One screen a file."""

from credentials.admin import connections, credentials, keys, users

__all__ = ["connections", "credentials", "keys", "users"]
