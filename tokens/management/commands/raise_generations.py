"""manage.py raise_generations."""

import dataclasses
from argparse import ArgumentParser
from typing import Any

from proxies.commandkit import ACTOR, PortalCommand, add_yes
from tokens import impact, restoring

NAME = "all tokens"
ENDING = "Every token, refresh key and login of this installation ends at once and for good:"
# What a backup brings back and no generation can end.
ALSO = (
    "Not ended by this. Look at what was changed since the backup was made, and do it again:",
    "  client secrets that were changed or retired     manage.py change_key CLIENT",
    "  connection tokens that were revoked             manage.py connection replace TOKEN_ID",
    "  signing keys that were changed                  manage.py change_signing_key",
    "  people who were deactivated, new passwords      the admin",
)


class Command(PortalCommand):
    """After a restore: end everything."""

    help = (
        "Raise all generations: every access token, refresh key and login ends. For after a backup was restored, since "
        "what was revoked after it was made would be good again."
    )

    def add_words(self, parser: ArgumentParser) -> None:
        add_yes(parser)

    def act(self, options: dict[str, Any]) -> None:
        self.confirm(options, NAME, impact.lines(impact.impact()), ENDING)
        raised = restoring.raise_all_generations(by=ACTOR)
        self.tell(
            dataclasses.asdict(raised),
            f"All tokens have ended: of {raised.credentials} credentials and keys, {raised.users} users, "
            f"{raised.deployments} deployments.",
            *ALSO,
        )
