"""What the commands of this floor share."""

from django.core.management.base import CommandError

from credentials.models import Credential


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
