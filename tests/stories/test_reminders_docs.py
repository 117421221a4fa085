"""docs/reminders.md, as it stands there: its receiver verifies what is really sent, its names and figures are true."""

import json
import re
from datetime import datetime
from typing import Any

import pytest

from tests.databases import PROJECT
from tests.receivers import allow_loopback, receiving
from tokens import reminder_rules, reminders
from tokens.models import Reminder
from tokens.reminders import outbox, webhooks

TEXT = (PROJECT / "docs" / "reminders.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)[0]


@pytest.mark.django_db
def test_the_example_takes_what_is_sent_and_nothing_else(settings: Any) -> None:
    allow_loopback(settings)
    shown: dict[str, Any] = {}
    exec(block("python"), shown)
    verify = shown["verify"]
    with receiving() as receiver:
        made = webhooks.add(name="ops", url=receiver.url, by="x")
        earlier, newer = made.secret, webhooks.rotate_secret(made.webhook, by="x")
        said = json.loads(block("json"))
        told = Reminder.objects.create(
            event_id="msg_1", kind=said["type"].removeprefix("reminder."), stage=said["data"]["stage"], subject_id=1,
            subject_name=said["data"]["subject"]["name"], screen="credentials.credential", screen_id=1,
            due_at=datetime.fromisoformat(said["data"]["due_at"]),
            created_at=datetime.fromisoformat(said["timestamp"]),
            owner_name=said["data"]["owner"]["name"], owner_email=said["data"]["owner"]["email"],
        )  # fmt: skip
        settings.PUBLIC_URL = "https://portal.example.com"
        outbox.resend(told, by="x")
        assert reminders.deliver().sent == 1
    (heard,) = receiver.heard
    assert json.loads(heard.body) == said
    for secret in (earlier, newer):
        assert verify(heard.headers, heard.body, secret)
    assert not verify(heard.headers, heard.body + b" ", newer)
    assert not verify({**heard.headers, "webhook-id": "msg_2"}, heard.body, newer)
    assert not verify(heard.headers, heard.body, "whsec_" + "A" * 43 + "=")
    assert not verify(heard.headers, heard.body, newer, tolerance=-1)


def test_every_type_every_stage_and_every_pause_is_named(settings: Any) -> None:
    for kind in Reminder.Kind.values:
        assert f"`reminder.{kind}`" in TEXT
    for stage in Reminder.Stage.values:
        assert f"`{stage}`" in TEXT
    minutes = [int(pause.total_seconds() // 60) for pause in reminder_rules.PAUSES]
    assert minutes == [1, 5, 30, 120, 300, 600, 1200, 2160]
    assert "1 minute, 5 minutes, 30 minutes, 2, 5, 10, 20 and 36 hours, eight attempts" in " ".join(TEXT.split())
    every = settings.JOB_EVERY_SECONDS
    assert (every["remind_owners"], every["deliver_reminders"], settings.REMINDER_HISTORY_DAYS) == (3600, 30, 400)
