"""manage.py explain."""

from argparse import ArgumentParser
from typing import Any

from proxies.commandkit import PortalCommand, hidden
from tokens import lifecycle
from tokens.explaining_json import as_json

MARKS = {True: "ok  ", False: "FAIL", None: "?   "}


class Command(PortalCommand):
    """Why is a token refused? As the page of the admin says it."""

    help = "Say why a token is refused: every check, who changed what and when, and what would have to change."

    def add_words(self, parser: ArgumentParser) -> None:
        which = parser.add_mutually_exclusive_group()
        which.add_argument("--token-file", default="", metavar="FILE", help="file with the token; - is stdin (default)")
        which.add_argument("--jti", default="")
        which.add_argument("--fingerprint", default="", help="as the request log shows it")
        which.add_argument("--log", type=int, default=None, metavar="ID", help="a row of the request log")
        parser.add_argument("--proxy", default="", metavar="SLUG", help="where it is refused")
        parser.add_argument("--environment", "-e", default="", metavar="SLUG", help="default: the token's own")

    def act(self, options: dict[str, Any]) -> None:
        named = {"jti": options["jti"], "fingerprint": options["fingerprint"], "log_id": options["log"]}
        raw = "" if any(named.values()) else hidden("The token", file=options["token_file"], variable="TOKEN")
        found = lifecycle.explain(raw=raw, proxy=options["proxy"], environment=options["environment"], **named)
        self.tell(as_json(found), *_lines(found))


def _lines(found: lifecycle.Explanation) -> list[str]:
    told = [found.subject]
    if found.row is not None:
        told.append(f"The log says: {found.row}, {found.row.reason or 'no reason'}. {found.told}")
    for step in found.steps:
        told.append(f"{MARKS[step.passed]} {step.holds}" + (f" ({step.detail})" if step.detail else ""))
        if step.cause is not None:
            told.append(
                f"     {step.cause} by {step.cause.actor or 'the portal'} at {step.cause.at:%Y-%m-%d %H:%M:%S} UTC"
            )
    failed = found.failed
    told.append(f"Refused: {failed.code}. {failed.remedy}" if failed else "No check fails: it is good.")
    return told
