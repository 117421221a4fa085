"""The WSGI entry: the plain doors first, by exact path; Django for everything else."""

import os
from collections.abc import Iterable
from typing import Any

from django.core.wsgi import get_wsgi_application

from config import requestids

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
_django = get_wsgi_application()

from tokens import doors  # noqa: E402 - models exist only after Django's set-up


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """One request. Its id goes with it, and back with the answer."""
    told = (requestids.HEADER, requestids.begin(environ))
    found = doors.find_for(environ.get("PATH_INFO", "/"), environ)
    if found is not None:
        return doors.serve(found, environ, start_response, told)

    def start(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
        return start_response(status, [*headers, told], *error)

    answer: Iterable[bytes] = _django(environ, start)
    return answer
