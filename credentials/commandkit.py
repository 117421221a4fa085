"""What the commands of this floor share."""

from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandError

from credentials.models import Credential, User


def credential(client_id: str) -> Credential:
    """The credential of this client id, or of this name where only one has it."""
    found = Credential.objects.filter(client_id=client_id).first()
    if found is not None:
        return found
    named = list(Credential.objects.filter(name=client_id)[:2])
    if len(named) == 1:
        return named[0]
    if named:
        raise CommandError(f"More than one credential is named {client_id}. Use the client id.")
    raise CommandError(f"There is no credential with the client id or name {client_id}.")


def user(username: str) -> User:
    """The person of this user name."""
    found = User.objects.filter(username=username).first()
    if found is None:
        raise CommandError(f"There is no user {username}.")
    return found


def grantee(options: Mapping[str, Any]) -> Credential | User:
    """Whom a grant is to: a credential, or with --user a person."""
    name = options["client_id"]
    return user(name) if options["user"] else credential(name)


def told_of(subject: Credential | User) -> dict[str, str]:
    """A grantee, for machines."""
    return {"client_id": subject.client_id} if isinstance(subject, Credential) else {"username": subject.username}
