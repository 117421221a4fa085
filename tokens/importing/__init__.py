"""Importers that kill no token. This is the front door; doors import from here."""

from tokens.importing import oauth_toolkit, simplejwt
from tokens.importing.oauth_toolkit import import_oauth_toolkit
from tokens.importing.report import Report
from tokens.importing.simplejwt import import_simplejwt

__all__ = ["Report", "import_oauth_toolkit", "import_simplejwt", "oauth_toolkit", "simplejwt"]
