"""Screens of what was handed out. One screen a file."""

from tokens.admin import explain, families, limits, log, policies, refresh_keys, seals, signing_keys

__all__ = ["explain", "families", "limits", "log", "policies", "refresh_keys", "seals", "signing_keys"]
