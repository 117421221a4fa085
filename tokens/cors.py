"""Which foreign pages may read the answers of login and JWKS: those that CORS_ORIGINS names, and none by default."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings

PREFLIGHT = (
    ("Access-Control-Allow-Methods", "POST"),
    ("Access-Control-Allow-Headers", "authorization, content-type"),
    ("Access-Control-Max-Age", "600"),
)


def headers(environ: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The headers for a page of an origin that is named, exactly; no credentials, so that no cookie ever counts."""
    if not settings.CORS_ORIGINS:
        return []
    told = [("Vary", "Origin")]
    origin = str(environ.get("HTTP_ORIGIN", ""))
    if origin in settings.CORS_ORIGINS:
        told.append(("Access-Control-Allow-Origin", origin))
    return told
