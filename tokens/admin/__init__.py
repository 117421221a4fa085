"""Screens of what was handed out. One screen a file."""

from tokens.admin import (
    bulk_work,
    dashboard,
    end_everything,
    explain,
    families,
    finding,
    limits,
    log,
    login,
    policies,
    refresh_keys,
    reminders,
    seals,
    second_factor,
    signing_keys,
    webhooks,
)

__all__ = [
    "bulk_work",
    "dashboard",
    "end_everything",
    "explain",
    "families",
    "finding",
    "limits",
    "log",
    "login",
    "policies",
    "refresh_keys",
    "reminders",
    "seals",
    "second_factor",
    "signing_keys",
    "webhooks",
]
