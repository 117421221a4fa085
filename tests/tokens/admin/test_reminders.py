"""The screens of reminders and webhooks: what is shown once, what is shown never, and what the buttons do."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client as Browser
from django.utils import timezone

from credentials.models import User
from tests.receivers import Receiver, allow_loopback, receiving
from tokens import reminders
from tokens.models import Delivery, Reminder, Webhook
from tokens.reminders import outbox

HOOKS, REMINDERS = "/admin/tokens/webhook/", "/admin/tokens/reminder/"


@pytest.fixture
def root(db: None) -> Browser:
    browser = Browser()
    browser.force_login(User.objects.create_superuser("root", password="x"))
    return browser


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    allow_loopback(settings)
    with receiving() as made:
        yield made


def text(answer: Any) -> str:
    found: str = answer.content.decode()
    return found


def press(browser: Browser, screen: str, subject: Any, act: str, **values: str) -> Any:
    return browser.post(f"{screen}{subject.pk}/act/{act}/", values, follow=True)


def test_a_webhook_is_added_tried_exchanged_paused_and_archived(root: Browser, receiver: Receiver) -> None:
    shown = root.post(f"{HOOKS}add/", {"name": "Ops", "url": receiver.url})
    assert "whsec_" in text(shown)
    assert "no-store" in shown["Cache-Control"]
    hook = Webhook.objects.get()

    for page in (root.get(HOOKS), root.get(f"{HOOKS}{hook.pk}/change/"), root.get("/admin/proxies/changerecord/")):
        assert "whsec_" not in text(page)
        assert "key=abc" not in text(page)
    assert f"127.0.0.1:{receiver.port}" in text(root.get(HOOKS))

    assert "the answer was 204" in text(press(root, HOOKS, hook, "test"))
    receiver.status = 500
    assert "It answered 500." in text(press(root, HOOKS, hook, "test"))
    assert "whsec_" in text(press(root, HOOKS, hook, "rotate-secret"))

    press(root, HOOKS, hook, "change", name="Operations", url=receiver.url + "2")
    press(root, HOOKS, hook, "pause")
    hook.refresh_from_db()
    assert (hook.name, hook.url, hook.paused_by) == ("Operations", receiver.url + "2", "root")
    press(root, HOOKS, hook, "resume")
    press(root, HOOKS, hook, "archive", typed_name="Operations")
    hook.refresh_from_db()
    assert hook.paused_at is None
    assert hook.archived_at is not None
    assert "not possible in the present state" in text(press(root, HOOKS, hook, "test"))


def test_an_address_inside_is_refused_on_the_form(root: Browser) -> None:
    assert "begins with https://" in text(root.post(f"{HOOKS}add/", {"name": "x", "url": "http://10.0.0.1/"}))
    root.post(f"{HOOKS}add/", {"name": "x", "url": "https://169.254.169.254/latest"})
    assert "The host is inside the network." in text(press(root, HOOKS, Webhook.objects.get(), "test"))


def told(number: int, **delivery: Any) -> Reminder:
    made = Reminder.objects.create(
        event_id=f"msg_{number}", kind="credential_expires", stage="week", subject_id=number,
        subject_name=f"Shop {number}", screen="credentials.credential", screen_id=1, due_at=timezone.now(),
        owner_name="Shop team", owner_email="shop@example.com", created_at=timezone.now(), addressed_at=timezone.now(),
    )  # fmt: skip
    if delivery:
        Delivery.objects.create(reminder=made, next_attempt_at=timezone.now(), **delivery)
    return made


def test_the_outbox_tells_what_waits_arrived_failed_and_why_and_sends_again(root: Browser, settings: Any) -> None:
    now = timezone.now()
    failed = told(1, attempts=8, dead_at=now, last_error="It answered 500.")
    told(2, attempts=1, delivered_at=now)
    told(3, attempts=0)
    told(4)
    page = text(root.get(REMINDERS))
    for shown in ("Shop 1", "failed", "It answered 500.", "delivered", "waiting", "nowhere to send it"):
        assert shown in page
    for state, number in (("failed", 1), ("delivered", 2), ("waiting", 3), ("nowhere", 4)):
        chosen = text(root.get(f"{REMINDERS}?state={state}"))
        assert [each for each in range(1, 5) if f"Shop {each}" in chosen] == [number]
    assert "mail to shop@example.com" in text(root.get(f"{REMINDERS}{failed.pk}/change/"))

    settings.MAIL_IS_ON = True
    assert "It is sent again to 1 place" in text(press(root, REMINDERS, failed, "resend"))
    delivery = Delivery.objects.get(reminder=failed)
    assert (delivery.state, delivery.attempts) == ("waiting", 0)
    settings.MAIL_IS_ON = False
    assert "There is nowhere to send it" in text(
        press(root, REMINDERS, Reminder.objects.get(event_id="msg_4"), "resend")
    )


def test_the_list_asks_as_much_for_many_as_for_few(root: Browser, django_assert_max_num_queries: Any) -> None:
    for number in range(30):
        told(number, attempts=1)
    with django_assert_max_num_queries(12):
        root.get(REMINDERS)


def test_the_jobs_page_shows_how_much_is_to_be_delivered(root: Browser) -> None:
    told(1, attempts=0)
    assert outbox.waiting(timezone.now() + timedelta(seconds=1)).count() == 1
    page = text(root.get("/admin/proxies/scheduledjob/"))
    assert "Deliver reminders" in page
    assert "Find what owners are reminded of" in page
    assert reminders.waiting is outbox.waiting
