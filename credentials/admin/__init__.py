"""Screens of who may come. One screen a file."""

from credentials.admin import credentials, users

__all__ = ["credentials", "users"]
