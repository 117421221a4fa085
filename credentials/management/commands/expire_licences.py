"""manage.py expire_licences."""

from typing import Any

from credentials import rotation
from proxies.commandkit import PortalCommand


class Command(PortalCommand):
    """What the schedule does, by hand."""

    help = "Revoke the connection tokens of every licence that has ended."

    def act(self, options: dict[str, Any]) -> None:  # noqa: ARG002 - as commands are called
        done = rotation.expire_licences()
        self.tell(done._asdict(), f"{done.tokens} tokens of {done.configurations} connections were revoked.")
