"""Screens of what was handed out. One screen a file."""

from tokens.admin import families, limits, log, policies, refresh_keys, seals, signing_keys

__all__ = ["families", "limits", "log", "policies", "refresh_keys", "seals", "signing_keys"]
