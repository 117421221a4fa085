"""A world with one of everything that has an act or a screen."""

from datetime import timedelta

from django.utils import timezone

from credentials import client_keys, personal_tokens
from credentials.models import Credential, User
from proxies import jobs
from tests import world as worlds
from tests.credentials.connections import opened
from tests.tokens import proofs
from tests.world import World
from tokens import bulk_work, legacy, lifecycle, reminders, signing
from tokens.reminders import webhooks


def build() -> World:
    """Make it. Most of it is the world of all tests."""
    made = worlds.build()
    signing.ensure(made.test, by="test")
    client = made.credential("shop", made.billing)
    made.issue(client, target="billing")
    made.issue(made.key_of(made.orders))
    opened(environment=made.test)
    client_keys.add_keys(made.credentials["shop"], proofs.public_pem(proofs.private_key()), by="test")
    clara = User.objects.create_user("clara", password="x")
    lifecycle.mint(clara, audience="https://example.com", lifetime=600, request=worlds.REQUEST)
    personal_tokens.make(clara, name="script", scopes=["read"], by="clara")
    jobs.enlist()
    bulk_work.start("family", [10**9], by="test")
    webhooks.add(name="hook", url="https://hooks.example.com/", by="test")
    Credential.objects.filter(name="shop").update(
        created_at=worlds.START, expires_on=timezone.now() + timedelta(days=5)
    )
    assert reminders.sweep().reminders
    ends = timezone.now() + timedelta(days=30)
    legacy.register_checksum(name="old", environment=made.test, ends_at=ends, by="test")
    return made
