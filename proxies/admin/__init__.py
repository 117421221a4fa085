"""Screens of this floor, one subject a file."""

from proxies.admin import catalogue, jobs

__all__ = ["catalogue", "jobs"]
