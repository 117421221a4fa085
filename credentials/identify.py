"""Who is this caller? Loads nothing itself where a hot path has loaded the facts already."""

from datetime import datetime

from django.contrib.auth.backends import ModelBackend

from credentials import rules, secrets
from credentials.errors import AddressNotAllowed, ClientAuthenticationFailed, InvalidCredentials
from credentials.models import User
from credentials.rules import ClientFacts


def client(facts: ClientFacts, *, secret: str, address: str, now: datetime) -> int:
    """The slot (1 or 2) whose secret proves this client.

    Unknown client, wrong secret and archived client raise the same ClientAuthenticationFailed in the same time;
    the right secret from a foreign address raises AddressNotAllowed.
    """
    slot = rules.secret_slot(facts, secret, now, secrets.matches)
    if slot is None or facts.archived_at is not None:
        raise ClientAuthenticationFailed
    if not rules.address_allowed(facts.allowed_addresses or "", address):
        raise AddressNotAllowed
    return slot


def person(username: str, password: str) -> User:
    """Who logs in with this name and password, as the row is now.

    Unknown name, wrong password and deactivated user raise the same InvalidCredentials after the same hashing (B48).
    Hashing takes long by design: call it outside a transaction.
    """
    found = ModelBackend().authenticate(None, username=username, password=password)
    if not isinstance(found, User):
        raise InvalidCredentials
    return found
