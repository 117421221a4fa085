"""manage.py connection."""

# ruff: noqa: ARG002 - verbs are called alike

from argparse import ArgumentParser
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import CommandError

from credentials import rotation
from credentials.models import ConnectionConfiguration, ConnectionToken
from credentials.rotation import Made
from proxies.commandkit import ACTOR, PortalCommand, add_environment_word, add_verb, add_yes, environment, impact_on

TYPES = ConnectionConfiguration.DeploymentType.values


class Command(PortalCommand):
    """Connection configurations and their tokens, one verb each."""

    help = "Open connection configurations and rotate their tokens."

    def add_words(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        self._verb(verbs, "list", "configurations with their active tokens")
        self._verb(verbs, "show", "one configuration with its tokens", "connection")
        opening = self._verb(verbs, "open", "open a configuration with its first token")
        opening.add_argument("name")
        opening.add_argument("--type", choices=TYPES, required=True, help="permanent")
        opening.add_argument(
            "--licence-ends", type=_moment, default=None, metavar="TIME", help="ISO 8601; default: never"
        )
        opening.add_argument("--owner", default="", help="who answers for it")
        opening.add_argument("--owner-team", default="")
        opening.add_argument("--owner-email", default="")
        add_environment_word(opening)
        self._verb(verbs, "generate", "make a second token beside the one in use", "connection")
        revoking = self._verb(verbs, "revoke", "revoke a token", "token")
        revoking.add_argument("--because", default="")
        revoking.add_argument("--even-if-in-use", action="store_true", help="also where it was used in the last hour")
        replacing = self._verb(verbs, "replace", "revoke a compromised token and make a new one", "token")
        replacing.add_argument("--because", default="")
        self._verb(verbs, "reveal", "show the value of a token; leaves an audit entry", "token")
        closing = self._verb(verbs, "close", "delete a configuration; its tokens are revoked", "connection")
        closing.add_argument("--because", default="")
        add_yes(closing)
        extending = self._verb(verbs, "extend", "set a new end of the licence", "connection")
        extending.add_argument("until", type=_moment, help="ISO 8601, or never")

    def _verb(self, verbs: Any, name: str, help_text: str, subject: str = "") -> ArgumentParser:
        parser = add_verb(verbs, name, help_text)
        if subject:
            hint = "number or name" if subject == "connection" else "number"
            parser.add_argument(subject, help=f"{hint} of the {subject}")
        return parser

    def act(self, options: dict[str, Any]) -> None:
        verbs: dict[str, Callable[[dict[str, Any]], None]] = {
            "list": self._list, "show": self._show, "open": self._open, "generate": self._generate,
            "revoke": self._revoke, "replace": self._replace, "reveal": self._reveal, "close": self._close,
            "extend": self._extend,
        }  # fmt: skip
        verbs[options["verb"]](options)

    def _list(self, options: dict[str, Any]) -> None:
        found = [_told(each) for each in ConnectionConfiguration.objects.select_related("environment")]
        sentences = [
            f"{each['connection_id']:6}  {each['name']}  {each['deployment_type']}  {each['active_tokens']} of 2"
            for each in found
        ]
        self.tell({"connections": found}, *(sentences or ["None yet."]))

    def _show(self, options: dict[str, Any]) -> None:
        found = _connection(options["connection"])
        tokens = [_token_told(token) for token in found.tokens_to_show()]
        sentences = [
            f"  token {token['token_id']}: {token['status']}, last used {token['last_used_at'] or 'never'} "
            f"{token['last_used_instance']}".rstrip()
            for token in tokens
        ]
        self.tell({**_told(found), "tokens": tokens}, f"{found.name} ({found.deployment_type})", *sentences)

    def _open(self, options: dict[str, Any]) -> None:
        made = rotation.open_connection(
            name=options["name"],
            deployment_type=options["type"],
            environment=environment(options["environment"]),
            licence_ends_at=options["licence_ends"],
            owner_name=options["owner"],
            owner_team=options["owner_team"],
            owner_email=options["owner_email"],
            by=ACTOR,
        )
        self._made(made, f"Connection {made.token.configuration_id} is open.")

    def _generate(self, options: dict[str, Any]) -> None:
        made = rotation.generate(_connection(options["connection"]), by=ACTOR)
        self._made(made, "Register it on all instances, then revoke the old one.")

    def _replace(self, options: dict[str, Any]) -> None:
        old = _token(options["token"])
        made = rotation.replace_now(old, by=ACTOR, because=options["because"])
        self._made(made, f"Token {old.pk} is revoked. Register the new one on all instances now.")

    def _revoke(self, options: dict[str, Any]) -> None:
        token = rotation.revoke(
            _token(options["token"]), by=ACTOR, because=options["because"], even_if_in_use=options["even_if_in_use"]
        )
        self.tell(_token_told(token), f"Token {token.pk} is revoked.")

    def _reveal(self, options: dict[str, Any]) -> None:
        token = _token(options["token"])
        raw = rotation.reveal(token, by=ACTOR)
        self.tell({**_token_told(token), "token": raw}, raw)

    def _close(self, options: dict[str, Any]) -> None:
        found = _connection(options["connection"])
        self.confirm(options, found.name, impact_on(found, "delete"), f"Deleting {found.name} revokes its tokens:")
        rotation.close(found, by=ACTOR, because=options["because"])
        self.tell(_told(_connection(str(found.pk))), f"{found.name} is deleted. Its history stays.")

    def _extend(self, options: dict[str, Any]) -> None:
        until = options["until"]
        found = rotation.extend_licence(_connection(options["connection"]), until=until, by=ACTOR)
        self.tell(_told(found), f"The licence of {found.name} ends {until or 'never'}.")

    def _made(self, made: Made, sentence: str) -> None:
        told = {"connection_id": made.token.configuration_id, **_token_told(made.token), "token": made.raw}
        self.tell(told, sentence, f"Token {made.token.pk}: {made.raw}")


def _moment(text: str) -> datetime | None:
    """A time in ISO 8601, UTC where it names no zone; `never` is none."""
    if text == "never":
        return None
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _connection(word: str) -> ConnectionConfiguration:
    """By number, or by a name that one open configuration has."""
    every = ConnectionConfiguration.objects.all()
    found = list(every.filter(pk=int(word)) if word.isdecimal() else every.still_open().filter(name=word)[:2])
    if len(found) != 1:
        wrong = (
            "several connections have that name; give the number" if found else "there is none of that name or number"
        )
        raise CommandError(f"{word}: {wrong}. See: manage.py connection list")
    return found[0]


def _token(word: str) -> ConnectionToken:
    found = ConnectionToken.objects.filter(pk=int(word)).first() if word.isdecimal() else None
    if found is None:
        raise CommandError(f"There is no connection token {word}. See: manage.py connection show CONNECTION")
    return found


def _told(found: ConnectionConfiguration) -> dict[str, Any]:
    return {
        "connection_id": found.pk,
        "name": found.name,
        "deployment_type": found.deployment_type,
        "environment": found.environment.slug,
        "active_tokens": found.tokens.filter(slot__isnull=False).count(),
        "licence_ends_at": found.licence_ends_at,
        "closed_at": found.closed_at,
        "last_refused_because": found.last_refused_because,
    }


def _token_told(token: ConnectionToken) -> dict[str, Any]:
    return {
        "token_id": token.pk,
        "status": "revoked" if token.slot is None else "active",
        "created_at": token.created_at,
        "last_used_at": token.last_used_at,
        "last_used_instance": token.last_used_instance,
        "last_used_address": token.last_used_address,
        "revoked_at": token.revoked_at,
        "revoked_cause": token.revoked_cause,
    }
