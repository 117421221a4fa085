"""The WSGI entry: the plain doors first, by exact path; Django for everything else."""

import os
from collections.abc import Iterable
from typing import Any

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
_django = get_wsgi_application()

from tokens import doors  # noqa: E402 - models exist only after Django's set-up


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """One request."""
    found = doors.find(environ.get("PATH_INFO", "/"))
    if found is not None:
        return doors.serve(found, environ, start_response)
    answer: Iterable[bytes] = _django(environ, start_response)
    return answer
