"""manage.py protect_log."""

from typing import Any

from proxies.commandkit import PortalCommand
from tokens.statements import log_guard


class Command(PortalCommand):
    """Put the triggers of the request log back."""

    help = (
        "Put back the triggers that keep the token request log and its seals from being changed, where the doctor "
        "misses them. Run check_log first: it names what was changed meanwhile. Needs the role that owns the tables."
    )

    def act(self, options: dict[str, Any]) -> None:  # noqa: ARG002 - it has no arguments
        put_back = log_guard.protect()
        self.tell({"put_back": put_back}, f"Put back: {', '.join(put_back)}." if put_back else "Nothing was missing.")
