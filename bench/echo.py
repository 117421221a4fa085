"""What a server makes of the header X-Proxy. Django is set up, since the portal's settings for gunicorn ask for it."""

import os
from collections.abc import Iterable
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """The header's value as the body."""
    told = str(environ.get("HTTP_X_PROXY", "")).encode("latin-1")
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(told)))])
    return [told]
