"""Client secrets that a file names by their own files: read once, compared with those in service, never shown."""

from collections.abc import Callable, Iterator
from datetime import datetime

from django.db.models import Q

from credentials import secrets
from credentials.errors import InvalidCredential
from credentials.models import CredentialSecret
from tokens.configuration.fields import Problems
from tokens.configuration.plans import Given
from tokens.configuration.present import Present
from tokens.configuration.schema import Document, Entry
from tokens.errors import InvalidConfiguration

FIELD = "client_secret_file"
ReadSecret = Callable[[str], str]


def secrets_of(
    document: Document, present: Present, read_secret: ReadSecret | None, now: datetime
) -> tuple[Document, frozenset[str]]:
    """The document with secrets in the place of file names, and the client ids whose secret is in service already.

    Raises InvalidConfiguration where a file cannot be read or holds no secret.
    """
    named = list(_named(document, present))
    if not named:
        return document, frozenset()
    problems = Problems()
    found = {path: _read(entry[FIELD], path, read_secret, problems) for path, _, entry in named}
    if problems.found:
        raise InvalidConfiguration(*problems.found)
    proved = {client_id for path, client_id, _ in named if client_id and _in_service(client_id, found[path], now)}
    sections = {
        section: {name: _filled(f"{section}.{name}", entry, found) for name, entry in entries.items()}
        for section, entries in document.sections.items()
    }
    return Document(sections, document.prune), frozenset(proved)


def _named(document: Document, present: Present) -> Iterator[tuple[str, str, Entry]]:
    """Path, client id (empty where it is new) and entry of each credential that has a file."""
    for name, entry in document.sections.get("credentials", {}).items():
        if FIELD in entry:
            yield f"credentials.{name}", name, entry
    for section in ("proxies", "groups"):
        for name, entry in document.sections.get(section, {}).items():
            if FIELD in entry.get("key", {}):
                key = present.sections[section].get(name, {}).get("key", {})
                yield f"{section}.{name}.key", key.get("client_id", ""), entry["key"]


def _read(file: str, path: str, read_secret: ReadSecret | None, problems: Problems) -> str:
    if read_secret is None:
        problems.add(f"{path}.{FIELD}", "files are read by the command alone: manage.py apply.")
        return ""
    try:
        return secrets.check_strength(read_secret(file).strip())
    except (OSError, UnicodeDecodeError) as unreadable:
        problems.add(f"{path}.{FIELD}", f"{file} cannot be read ({type(unreadable).__name__}).")
    except InvalidCredential as unfit:
        problems.add(f"{path}.{FIELD}", str(unfit))
    return ""


def _in_service(client_id: str, secret: str, now: datetime) -> bool:
    kept = CredentialSecret.objects.filter(credential__client_id=client_id, slot__isnull=False)
    live = kept.filter(Q(retire_at=None) | Q(retire_at__gt=now)).values_list("digest", flat=True)
    return any(secrets.matches(secret, digest) for digest in live)


def _filled(path: str, entry: Entry, found: dict[str, str]) -> Entry:
    """The entry with the secret instead of the name of its file."""
    if path in found:
        return entry | {FIELD: Given(found[path])}
    if f"{path}.key" in found:
        return entry | {"key": entry["key"] | {FIELD: Given(found[f"{path}.key"])}}
    return entry
