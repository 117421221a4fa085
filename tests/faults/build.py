"""Run by the harness in a process of its own, with the environment of an installation.

python -m tests.faults.build world            makes the world, prints its clients as JSON
python -m tests.faults.build rotate           rotates connection tokens until its input ends
"""

import json
import sys
import threading
from typing import Any

import django

CREDENTIALS = 50


def world() -> dict[str, Any]:
    from django.utils import timezone

    from credentials import rotation
    from proxies import catalogue, deployment
    from tests import world as worlds
    from tokens import policies

    made = worlds.build()
    now = timezone.now()
    for holder, token_format in ((made.orders, "opaque"), (made.billing, "jwt")):
        policies.set_policy(
            holder,
            by="test",
            at=now,
            token_format=token_format,
            access_token_lifetime_secs=3600,
            refresh_token_lifetime_secs=7200,
            refresh_count=10_000,
            # Longer than any fault lasts: a lost answer can be had again (D2, I26).
            retry_window_secs=300,
        )
    shared = catalogue.add_proxy(name="Shared", slug="shared", audience="https://shared.example/", by="test", at=now)
    deployment.deploy(shared, made.test, by="test", at=now)
    for number in range(CREDENTIALS):
        made.credential(f"app-{number}", shared, access_token_lifetime_secs=3600)
    for number in range(2):
        rotation.open_connection(
            deployment_type="kubernetes", environment=made.test, by="test", name=f"edge {number}", at=now
        )
    return {name: [client.client_id, client.secret] for name, client in made.clients.items()}


def rotate() -> dict[str, int]:
    """As often as it can: a third token where two are there, the last one revoked where one is: both are refused."""
    from django.db import DatabaseError, InterfaceError, connections

    from credentials import rotation
    from credentials.errors import CredentialError
    from credentials.models import ConnectionConfiguration, ConnectionToken

    done = dict.fromkeys(("made", "revoked", "refused", "away"), 0)
    ended = threading.Event()

    def listen() -> None:
        sys.stdin.read()
        ended.set()

    threading.Thread(target=listen, daemon=True).start()
    turn = 0
    while not ended.wait(0.02):
        turn += 1
        try:
            configuration = ConnectionConfiguration.objects.order_by("pk")[turn % 2]
            if turn % 3:
                rotation.generate(configuration, by="test")
                done["made"] += 1
            else:
                active = ConnectionToken.objects.filter(configuration=configuration, revoked_at=None).order_by("pk")
                rotation.revoke(active[0], by="test", even_if_in_use=True)
                done["revoked"] += 1
        except CredentialError:
            done["refused"] += 1
        except (DatabaseError, InterfaceError, IndexError):
            done["away"] += 1
            connections.close_all()
    return done


if __name__ == "__main__":
    django.setup()
    print(json.dumps(world() if sys.argv[1] == "world" else rotate()))
