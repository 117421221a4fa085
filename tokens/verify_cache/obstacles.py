"""Why verifications are not kept here, for whoever runs the portal. Reads only."""

from collections.abc import Iterator

from django.conf import settings
from django.db import connection

from tokens.verify_cache import company, host


def obstacles() -> Iterator[tuple[str, str]]:
    """What keeps VERIFY_CACHE=host from keeping anything, and what to do about it. Nothing where it is off."""
    if settings.VERIFY_CACHE == "off":
        return
    joined = host.joined(connection.settings_dict)
    if joined is None:
        yield (
            f"VERIFY_CACHE=host cannot share memory: {host.why_not}.",
            f"Make {host.FOLDER} writable, or switch it off.",
        )
        return
    if joined.words.is_full:
        what = "VERIFY_CACHE=host keeps nothing any more: more commits were under way at once than it has room for."
        yield what, f"Stop all processes of the portal, remove {joined.path}, and start them."
    connection.ensure_connection()
    strangers = company.look(connection.connection, joined.id).strangers
    if strangers:
        names = ", ".join(name or "(without a name)" for name in strangers)
        yield (
            f"VERIFY_CACHE=host keeps nothing while sessions are connected that take no part in it: {names}.",
            "Give every process of the portal VERIFY_CACHE=host, on one host; connect others to another database.",
        )
