"""Importers that kill no token. This is the front door; doors import from here."""

from tokens.importing.oauth_toolkit import Wanted, import_oauth_toolkit
from tokens.importing.report import Report

__all__ = ["Report", "Wanted", "import_oauth_toolkit"]
