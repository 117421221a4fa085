"""Reminders and webhooks by REST: the secret once, the address never, and the same rules as on the screens."""

from typing import Any

import pytest
from django.utils import timezone

from tests.api import BASE, person, problem, signed_in
from tokens.models import Delivery, Reminder, Webhook
from tokens.reminders import signatures, webhooks

pytestmark = pytest.mark.django_db
HOOKS, REMINDERS = f"{BASE}/webhooks/", f"{BASE}/reminders/"
NEW = {"name": "Ops", "url": "https://hooks.example.com/key-abc"}


@pytest.fixture
def root(db: None) -> Any:
    return signed_in(person(name="root", is_superuser=True))


def test_a_webhook_lives_its_life(root: Any) -> None:
    made = root.post(HOOKS, NEW)
    assert made.status_code == 201
    assert made.json()["secret"].startswith(signatures.PREFIX)
    assert made.json()["host"] == "hooks.example.com:443"
    url = f"{HOOKS}{made.json()['id']}/"
    shown = root.get(url)
    assert "secret" not in shown.json()
    assert "key-abc" not in root.get(HOOKS).content.decode()

    changed = root.patch(url, {"name": "Operations"}, headers={"If-Match": shown["ETag"]})
    assert changed.json()["name"] == "Operations"
    assert Webhook.objects.get().url == NEW["url"]
    assert problem(root.patch(url, {"name": "x"}, headers={"If-Match": shown["ETag"]}))[0] == 412

    newer = root.post(f"{url}rotate-secret/", {}).json()
    assert newer["secret"] not in {made.json()["secret"], ""}
    assert newer["earlier_secret_until"]
    assert root.post(f"{url}pause/", {}).json()["paused_by"] == "root"
    assert root.post(f"{url}resume/", {}).json()["paused_at"] is None
    assert root.post(f"{url}archive/?dry_run=1", {}).json()["impact"][0]["count"] == 0
    assert problem(root.post(f"{url}archive/", {}))[1] == "confirmation_missing"
    assert root.post(f"{url}archive/", {"confirm": "Operations"}).json()["archived_at"]
    assert root.get(HOOKS, {"archived": "true"}).json()["results"][0]["host"] == "-"


@pytest.mark.parametrize("url", ["http://hooks.example.com/", "https://a:b@hooks.example.com/", "x"])
def test_a_wrong_address_is_refused(root: Any, url: str) -> None:
    status, code = problem(root.post(HOOKS, NEW | {"url": url}))
    assert (status, code) == (400, "webhook_refused")


def test_reminders_are_listed_filtered_and_sent_again(root: Any, settings: Any) -> None:
    for number in (1, 2):
        made = Reminder.objects.create(
            event_id=f"msg_{number}", kind="licence_ends", stage="week", subject_id=number, subject_name="Edge",
            screen="credentials.connectionconfiguration", screen_id=number, due_at=timezone.now(),
            owner_email="edge@example.com", created_at=timezone.now(), addressed_at=timezone.now(),
        )  # fmt: skip
    now = timezone.now()
    Delivery.objects.create(reminder=made, attempts=8, next_attempt_at=now, dead_at=now, last_error="It answered 500.")
    assert [each["id"] for each in root.get(REMINDERS, {"state": "failed"}).json()["results"]] == [made.pk]
    assert root.get(REMINDERS, {"kind": "licence_ends", "stage": "day"}).json()["results"] == []
    assert problem(root.post(f"{REMINDERS}{made.pk}/resend/", {})) == (409, "nobody_to_remind")

    webhooks.add(by="x", **NEW)
    again = root.post(f"{REMINDERS}{made.pk}/resend/", {}).json()
    assert [(each["webhook"], each["state"]) for each in again["deliveries"]] == [(None, "failed"), ("Ops", "waiting")]
