"""manage.py set_mode."""

from argparse import ArgumentParser
from typing import Any

from proxies import catalogue
from proxies.commandkit import ACTOR, PortalCommand, add_yes, holder, impact_on
from proxies.models import Management


class Command(PortalCommand):
    """Whose policy and keys count."""

    help = "Let a proxy or group be managed by its own policy and key (own) or by granted credentials (credentials)."

    def add_words(self, parser: ArgumentParser) -> None:
        parser.add_argument("holder", help="slug of a proxy or group")
        parser.add_argument("mode", choices=Management.values)
        add_yes(parser)

    def act(self, options: dict[str, Any]) -> None:
        subject = holder(options["holder"])
        ending = f"Tokens of {subject} that were obtained in the other mode are refused while it is so."
        self.confirm(options, str(subject), impact_on(subject, "set-mode"), ending)
        catalogue.set_mode(subject, options["mode"], by=ACTOR)
        label = Management(options["mode"]).label
        self.tell({"slug": subject.slug, "mode": options["mode"]}, f"{subject}: {label}.")
