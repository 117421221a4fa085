"""Reminders arrive: signed at webhooks, as mail at owners, at least once and under one id, and given up in the end."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from tests.databases import PROJECT, OwnDatabase
from tests.receivers import MailServer, Receiver, allow_loopback, mail_server, nobody_listens, receiving, use_mail
from tests.tokens.commands.calling import run
from tests.world import START, later
from tokens import reminders
from tokens.errors import NobodyToRemind, WebhookFailed, WebhookRefused
from tokens.models import Delivery, Reminder, Webhook
from tokens.reminder_rules import MOST_ATTEMPTS, PAUSES
from tokens.reminders import outbox, signatures, webhooks


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    allow_loopback(settings)
    with receiving() as made:
        yield made


@pytest.fixture
def sink(settings: Any) -> Iterator[MailServer]:
    with mail_server() as made:
        use_mail(settings, made)
        yield made


def reminder(number: int = 1, **more: Any) -> Reminder:
    """One that is to be told now, with its deliveries."""
    made = Reminder.objects.create(
        event_id=f"msg_{number:032x}", kind="credential_expires", stage="week", subject_id=number,
        subject_name="Shop", screen="credentials.credential", screen_id=number, due_at=later(5 * 86400),
        owner_name="Shop team", owner_email="shop@example.com", created_at=START, **more,
    )  # fmt: skip
    outbox._address(made, START)
    return made


def hook(url: str, name: str = "hook") -> webhooks.Made:
    return webhooks.add(name=name, url=url, by="test", at=START)


# --- webhooks


@pytest.mark.django_db
def test_a_webhook_gets_the_reminder_signed_and_whole(receiver: Receiver) -> None:
    made = hook(receiver.url)
    told = reminder()
    assert reminders.deliver(at=later(60)) == (1, 0, 0)
    assert reminders.deliver(at=later(120)) == (0, 0, 0)

    (heard,) = receiver.heard
    assert heard.path == "/hook?key=abc"
    assert heard.headers["content-type"] == "application/json"
    assert heard.headers["webhook-id"] == told.event_id
    assert heard.headers["webhook-timestamp"] == str(int(later(60).timestamp()))
    signed = {"event_id": told.event_id, "timestamp": int(later(60).timestamp()), "body": heard.body}
    assert heard.headers["webhook-signature"] == signatures.sign(made.secret, **signed)
    assert heard.body == (
        b'{"type":"reminder.credential_expires","timestamp":"2026-01-01T12:00:00Z","data":{"stage":"week",'
        b'"due_at":"2026-01-06T12:00:00Z","subject":{"id":1,"name":"Shop"},'
        b'"owner":{"name":"Shop team","email":"shop@example.com"},'
        b'"url":"http://127.0.0.1:8000/admin/credentials/credential/1/change/"}}'
    )
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.attempts, delivery.delivered_at) == ("delivered", 1, later(60))


def test_the_signature_is_that_of_the_standard_webhooks_specification() -> None:
    """The example that its libraries are tested with."""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    body = b'{"test": 2432232314}'
    signed = {"event_id": "msg_p5jXN8AQM9LWM0D4loKWxJek", "timestamp": 1614265330, "body": body}
    assert signatures.sign(secret, **signed) == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.django_db
def test_for_a_day_after_an_exchange_both_secrets_sign(receiver: Receiver) -> None:
    made = hook(receiver.url)
    newer = webhooks.rotate_secret(made.webhook, by="test", at=START)
    for at, known in ((later(60), [newer, made.secret]), (later(86400), [newer])):
        webhooks.send(made.webhook, event_id="msg_1", body=b"{}", now=at)
        signed = {"event_id": "msg_1", "timestamp": int(at.timestamp()), "body": b"{}"}
        wanted = " ".join(signatures.sign(each, **signed) for each in known)
        assert receiver.heard[-1].headers["webhook-signature"] == wanted


@pytest.mark.django_db
def test_i5_the_secret_is_sealed_in_its_row_and_in_no_history(receiver: Receiver) -> None:
    from tests.tokens.test_secret_hunt import everything_stored

    made = hook(receiver.url)
    newer = webhooks.rotate_secret(made.webhook, by="test")
    for secret in (made.secret, newer):
        assert secret not in everything_stored()
        assert secret.removeprefix("whsec_") not in everything_stored()
    webhooks.archive(made.webhook, by="test")
    with pytest.raises(WebhookRefused):
        webhooks.send_test(made.webhook, by="test")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("how", "why"),
    [
        ({"status": 500}, "It answered 500."),
        ({"status": 404}, "It answered 404."),
        ({"status": 302, "headers": {"Location": "/elsewhere"}}, "It answered 302."),
    ],
)
def test_what_is_not_taken_is_tried_again_after_longer_and_longer_pauses_and_given_up(
    settings: Any, how: dict[str, Any], why: str
) -> None:
    allow_loopback(settings)
    with receiving(**how) as receiver:
        hook(receiver.url)
        reminder()
        at = START
        for number, pause in enumerate(PAUSES, start=1):
            assert reminders.deliver(at=at) == (0, 1, int(number == MOST_ATTEMPTS))
            assert reminders.deliver(at=at + pause - timedelta(seconds=1)) == (0, 0, 0)
            at += pause
        assert reminders.deliver(at=at + timedelta(days=9)) == (0, 0, 0)
    assert len(receiver.heard) == MOST_ATTEMPTS
    assert len({heard.body for heard in receiver.heard}) == 1
    assert {heard.path for heard in receiver.heard} == {"/hook?key=abc"}
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.attempts, delivery.last_error) == ("failed", MOST_ATTEMPTS, why)


@pytest.mark.django_db
def test_what_was_given_up_is_sent_again_by_hand_under_the_same_id(receiver: Receiver) -> None:
    hook(receiver.url)
    told = reminder()
    Delivery.objects.update(attempts=MOST_ATTEMPTS, dead_at=START, last_error="It answered 500.")
    later_hook = hook(receiver.url, "another").webhook
    assert outbox.resend(told, by="ada", at=later(10)) == 2
    assert reminders.deliver(at=later(11)) == (2, 0, 0)
    assert outbox.resend(told, by="ada", at=later(20)) == 2  # also what has arrived
    webhooks.pause(later_hook, by="ada")
    assert reminders.deliver(at=later(21)) == (1, 0, 0)
    assert [heard.headers["webhook-id"] for heard in receiver.heard] == [told.event_id] * 3


@pytest.mark.django_db
def test_where_there_is_nobody_to_send_it_to_resend_says_so() -> None:
    told = reminder()
    with pytest.raises(NobodyToRemind):
        outbox.resend(told, by="ada")
    assert not Delivery.objects.exists()


@pytest.mark.django_db
def test_a_place_in_trouble_keeps_no_other_waiting(receiver: Receiver, sink: MailServer) -> None:
    hook(nobody_listens(), "gone")
    hook(receiver.url, "well")
    for number in range(3):
        reminder(number)
    assert reminders.deliver(at=later(1)) == (6, 1, 0)
    gone = Delivery.objects.filter(webhook__name="gone")
    assert list(gone.order_by("-attempts").values_list("attempts", "last_error")) == [
        (1, "The connection was refused."), (0, ""), (0, ""),
    ]  # fmt: skip
    assert (len(receiver.heard), len(sink.mails)) == (3, 3)


# --- mail


@pytest.mark.django_db
def test_d43_the_owner_gets_a_mail_that_says_what_ends_when_and_where_to_see_to_it(sink: MailServer) -> None:
    told = reminder()
    assert reminders.deliver(at=later(60)) == (1, 0, 0)
    (mail,) = sink.mails
    assert mail["To"] == "shop@example.com"
    assert mail["Subject"] == "[Latchkey] The credential Shop expires on 2026-01-06 12:00 UTC"
    assert mail["Message-ID"].startswith(f"<{told.event_id}@")
    text = mail.get_content()
    assert "Move its last day" in text
    assert "/admin/credentials/credential/1/change/" in text


@pytest.mark.django_db
@pytest.mark.parametrize("stage", ["recommended", "overdue"])
@pytest.mark.parametrize("kind", Reminder.Kind.values)
def test_every_kind_has_its_words_and_its_page(kind: str, stage: str, sink: MailServer) -> None:
    told = reminder()
    Reminder.objects.update(kind=kind, stage=stage, subject_name="A\r\nBcc: all@example.com")
    outbox.resend(Reminder.objects.get(pk=told.pk), by="x", at=START)
    assert reminders.deliver(at=later(1)).sent == 1
    (mail,) = sink.mails
    assert "A Bcc: all@example.com" in mail["Subject"].replace("\n", "")
    assert mail["Bcc"] is None


@pytest.mark.django_db
def test_an_address_that_is_refused_is_given_up_and_the_others_get_theirs(sink: MailServer) -> None:
    sink.refuses = "gone@example.com"
    for number in range(3):
        reminder(number)
    Reminder.objects.filter(subject_id=0).update(owner_email="gone@example.com")
    assert reminders.deliver(at=later(1)) == (2, 1, 1)
    delivery = Delivery.objects.get(dead_at__isnull=False)
    assert delivery.last_error == "The mail server refused the owner's address."
    assert delivery.reminder.subject_id == 0


@pytest.mark.django_db
def test_a_mail_server_that_is_away_is_tried_again(settings: Any) -> None:
    use_mail(settings, MailServer(port=int(nobody_listens().rsplit(":", 1)[1].strip("/"))))
    reminder()
    assert reminders.deliver(at=START) == (0, 1, 0)
    with mail_server() as sink:
        use_mail(settings, sink)
        assert reminders.deliver(at=START + PAUSES[0]) == (1, 0, 0)


# --- killed, and many at once


DELIVER = "import django; django.setup(); from tokens import reminders; print(tuple(reminders.deliver()))"


def test_who_is_killed_between_sending_and_marking_sends_again_under_the_same_id(own_database: OwnDatabase) -> None:
    environment = {
        **own_database.environment(), "DJANGO_SETTINGS_MODULE": "config.settings", "WEBHOOK_ALLOW_HTTP": "1",
        "WEBHOOK_ALLOWED_HOSTS": "127.0.0.1",
    }  # fmt: skip
    from django.conf import settings

    allowed, settings.WEBHOOK_ALLOW_HTTP = settings.WEBHOOK_ALLOW_HTTP, True
    with receiving() as receiver:
        try:
            hook(receiver.url)
        finally:
            settings.WEBHOOK_ALLOW_HTTP = allowed
        told = reminder()
        sender = subprocess.Popen(
            [sys.executable, "-c", f"import os; os.read(0, 1); {DELIVER}"],
            cwd=PROJECT, env=environment, stdin=subprocess.PIPE,
        )  # fmt: skip
        receiver.kill = sender.pid
        sender.communicate(b"x", timeout=60)
        assert sender.returncode == -9
        delivery = Delivery.objects.get()
        assert (delivery.state, delivery.attempts) == ("waiting", 1)

        receiver.kill = None
        Delivery.objects.update(next_attempt_at=START)  # the pause is over
        again = subprocess.run([sys.executable, "-c", DELIVER], cwd=PROJECT, env=environment, check=True, timeout=60)
        assert again.returncode == 0
    assert [heard.headers["webhook-id"] for heard in receiver.heard] == [told.event_id] * 2
    assert receiver.heard[0].body == receiver.heard[1].body
    assert Delivery.objects.get().state == "delivered"


@pytest.mark.django_db
def test_who_is_killed_in_the_last_attempt_is_given_up_when_its_time_is_over() -> None:
    made = reminder()
    Delivery.objects.create(reminder=made, attempts=MOST_ATTEMPTS, next_attempt_at=later(10))
    assert reminders.deliver(at=later(9)) == (0, 0, 0)
    assert reminders.deliver(at=later(10)) == (0, 0, 1)
    assert Delivery.objects.get().last_error == "The last attempt was interrupted."


def claim_once(_index: int) -> bool:
    return outbox.claim(Delivery.objects.get(), later(1))


def test_of_many_that_want_to_make_an_attempt_one_makes_it(own_database: OwnDatabase) -> None:
    Delivery.objects.create(reminder=reminder(), next_attempt_at=START)
    taken = [outcome.get() for outcome in own_database.run_in_threads(8, claim_once)]
    # Who reads after the first has counted its attempt finds the next one not due.
    assert taken.count(True) == 1
    assert Delivery.objects.get().attempts == 1


# --- webhooks' own life


@pytest.mark.django_db
@pytest.mark.parametrize(
    "url",
    [
        "", "hooks.example.com", "ftp://hooks.example.com/", "http://hooks.example.com/", "https://", "https://:443/",
        "https://user:word@hooks.example.com/", "https://hooks.example.com/#part", "https://hooks.example.com:0/",
        "https://hooks.example.com:99999/", "https://hooks.example.com/a b", "https://hooks.example.com/\r\nx: y",
        "https://hooks.example.com/é", "javascript:alert(1)", "https://" + "a" * 500, "https://[::1/",
    ],
)  # fmt: skip
def test_an_address_of_the_wrong_form_is_refused(url: str) -> None:
    with pytest.raises(WebhookRefused):
        hook(url)
    assert not Webhook.objects.exists()


@pytest.mark.django_db
def test_a_name_is_used_once_until_it_is_archived(receiver: Receiver) -> None:
    made = hook(receiver.url).webhook
    with pytest.raises(WebhookRefused, match="of this name"):
        hook(receiver.url)
    webhooks.archive(made, by="x")
    again = hook(receiver.url).webhook
    webhooks.change(again, name="hook", url=receiver.url + "2", by="x")
    assert again.url.endswith("2")


@pytest.mark.django_db
def test_a_test_is_sent_at_once_and_says_what_was_answered(receiver: Receiver) -> None:
    made = hook(receiver.url).webhook
    assert webhooks.send_test(made, by="ada") == 204
    assert b'"type":"webhook.test"' in receiver.heard[0].body
    receiver.status = 503
    with pytest.raises(WebhookFailed, match="It answered 503"):
        webhooks.send_test(made, by="ada")


@pytest.mark.django_db
def test_rotating_the_encryption_key_reseals_the_secrets_of_webhooks(receiver: Receiver, settings: Any) -> None:
    made = hook(receiver.url)
    webhooks.rotate_secret(made.webhook, by="x")
    settings.KEY_ENCRYPTION_KEYS = [("new", b"n" * 32), *settings.KEY_ENCRYPTION_KEYS]
    assert run("rotate_encryption_key").status == 0
    settings.KEY_ENCRYPTION_KEYS = settings.KEY_ENCRYPTION_KEYS[:1]
    made.webhook.refresh_from_db()
    assert webhooks.send_test(made.webhook, by="x") == 204
