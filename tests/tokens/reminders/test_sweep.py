"""What owners are reminded of: each thing at each stage once, whoever sweeps and however often (D34, D43)."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from credentials import clients, personal_tokens, rotation, users
from credentials.models import ConnectionConfiguration, Credential, CredentialKey, Grant, PersonalAccessToken, User
from tests.credentials.connections import opened
from tests.databases import OwnDatabase
from tests.world import REQUEST, START, World, build
from tokens import lifecycle, reminders, signing
from tokens.errors import NobodyToRemind
from tokens.models import Delivery, JwtRefreshKey, Reminder
from tokens.reminders import outbox, webhooks

END = datetime(2026, 6, 1, tzinfo=START.tzinfo)
MAIL = "shop@example.com"
ENDING = {
    "credential_expires", "secret_retires", "certificate_expires", "grant_expires", "licence_ends",
    "refresh_key_expires", "personal_token_expires",
}  # fmt: skip


@pytest.fixture(autouse=True)
def with_mail(settings: Any) -> None:
    settings.MAIL_IS_ON = True


def everything_ends(world: World) -> World:
    """One of each kind that ends at END, all of them made long before."""
    world.credential("shop", world.billing)
    shop = world.credentials["shop"]
    clients.rotate_secret(shop, retire_old_at=END, by="test", at=START)
    clients.change_credential(
        shop, owner_name="Shop team", owner_email=MAIL, expires_on=END.date(), by="test", at=START
    )
    key = {"kind": "certificate", "kid": "c", "public_key": "", "not_after": END, "created_at": START}
    CredentialKey.objects.create(credential=shop, **key)
    clients.grant(to=shop, target=world.billing, expires_on=END.date(), by="test", at=START)
    opened(environment=world.test, licence_ends_at=END, owner_name="Edge", owner_email="edge@example.com", at=START)
    signing.ensure(world.test, by="test")
    clara = User.objects.create_user("clara", password="x", email="clara@example.com")
    lifetime = int((END - START).total_seconds())
    lifecycle.mint(clara, audience="https://example.com", lifetime=lifetime, request=REQUEST, at=START)
    personal_tokens.make(clara, name="script", scopes=["read"], lifetime=lifetime, by="clara", at=START)
    for model in (Credential, Grant, ConnectionConfiguration):
        model.objects.update(created_at=START)
    return world


@pytest.fixture
def ending(world: World) -> World:
    return everything_ends(world)


def kinds(stage: str) -> set[str]:
    return set(Reminder.objects.filter(stage=stage).values_list("kind", flat=True))


def test_d43_each_thing_that_ends_is_told_once_at_each_stage_to_its_owner(ending: World) -> None:
    told = [(31, 0), (30, 7), (30, 0), (20, 0), (7, 7), (7, 0), (3, 0), (1, 7), (0.5, 0), (0, 0), (-1, 0)]
    assert [(left, reminders.sweep(at=END - timedelta(days=left)).reminders) for left, _ in told] == told
    for stage in ("month", "week", "day"):
        assert kinds(stage) == ENDING
    assert Reminder.objects.count() == 21
    owners = dict(Reminder.objects.filter(stage="day").values_list("kind", "owner_email"))
    assert owners == {
        **dict.fromkeys(("credential_expires", "secret_retires", "certificate_expires", "grant_expires"), MAIL),
        "licence_ends": "edge@example.com",
        "refresh_key_expires": "clara@example.com",
        "personal_token_expires": "clara@example.com",
    }
    assert Delivery.objects.filter(webhook=None).count() == 21
    assert set(Reminder.objects.values_list("due_at", flat=True)) == {END}
    assert len(set(Reminder.objects.values_list("event_id", flat=True))) == 21


def test_d43_whoever_sees_it_late_is_told_the_nearest_stage_alone(ending: World) -> None:
    reminders.sweep(at=END - timedelta(hours=20))
    assert kinds("day") == ENDING
    assert Reminder.objects.count() == 7


def test_d43_what_is_extended_is_told_again_before_its_new_end(ending: World) -> None:
    shop = ending.credentials["shop"]
    reminders.sweep(at=END - timedelta(days=20))
    clients.change_credential(shop, expires_on=date(2026, 9, 1), by="test", at=START)
    reminders.sweep(at=datetime(2026, 8, 20, tzinfo=START.tzinfo))
    found = Reminder.objects.filter(kind="credential_expires").order_by("id").values_list("stage", "due_at__month")
    assert list(found) == [("month", 6), ("month", 9)]


def _end_all(world: World) -> None:
    """Every thing of `everything_ends` comes to its end in its own way before its time."""
    shop, clara = world.credentials["shop"], User.objects.get(username="clara")
    lifecycle.revoke_key(JwtRefreshKey.objects.get(signing_key__isnull=False), by="x", because="", request=REQUEST)
    personal_tokens.revoke(PersonalAccessToken.objects.get(owner=clara), by="x")
    rotation.close(ConnectionConfiguration.objects.get(), by="x")
    clients.withdraw(Grant.objects.get(credential=shop), by="x")
    clients.archive(shop, by="x")


def test_d43_what_has_ended_before_its_time_is_told_nobody(ending: World) -> None:
    _end_all(ending)
    assert reminders.sweep(at=END - timedelta(days=1)) == (0, 0, 0)


def test_d31_keys_and_tokens_of_a_person_who_may_not_come_are_told_nobody(ending: World) -> None:
    users.deactivate(User.objects.get(username="clara"), by="x")
    reminders.sweep(at=END - timedelta(days=1))
    assert kinds("day") == ENDING - {"refresh_key_expires", "personal_token_expires"}


def test_d43_the_key_of_a_proxy_without_an_owner_is_told_the_owner_of_the_proxy(world: World) -> None:
    type(world.orders).objects.filter(pk=world.orders.pk).update(owner_name="Orders", owner_email="orders@example.com")
    key = world.credentials["orders"]
    clients.change_credential(key, expires_on=END.date(), by="test", at=START)
    Credential.objects.update(created_at=START)
    reminders.sweep(at=END - timedelta(days=5))
    assert Reminder.objects.get().owner_email == "orders@example.com"


def test_d34_s4_5_a_connection_token_is_told_at_half_a_year_and_at_a_year_and_a_new_one_begins_anew(
    world: World,
) -> None:
    configuration = opened(environment=world.test, owner_email=MAIL, at=START).token.configuration

    def stages() -> list[tuple[str, datetime]]:
        return list(Reminder.objects.order_by("id").values_list("stage", "due_at"))

    half, whole = START.replace(month=7), START.replace(year=2027)
    for at, told in ((half - timedelta(seconds=1), 0), (half, 1), (half + timedelta(days=90), 1), (whole, 2)):
        reminders.sweep(at=at)
        assert len(stages()) == told
    assert stages() == [("recommended", half), ("overdue", whole)]
    made = rotation.generate(configuration, by="x", at=whole)
    rotation.revoke(configuration.tokens.exclude(pk=made.token.pk).get(), by="x", at=whole)
    reminders.sweep(at=whole + timedelta(days=1))
    assert len(stages()) == 2
    reminders.sweep(at=whole + timedelta(days=190))
    assert [stage for stage, _ in stages()] == ["recommended", "overdue", "recommended"]


def test_d43_resend_finds_who_answers_for_each_thing_by_now(ending: World) -> None:
    """Who had no address then, and has one now, gets what was sent nowhere."""
    addressed = (Credential, ConnectionConfiguration)
    for model in addressed:
        model.objects.update(owner_email="")
    User.objects.update(email="")
    opened(name="old", environment=ending.test, at=START - timedelta(days=60))
    assert reminders.sweep(at=END - timedelta(days=20)) == (8, 0, 0)
    with pytest.raises(NobodyToRemind):
        outbox.resend(Reminder.objects.order_by("id")[0], by="x")

    for model in addressed:
        model.objects.update(owner_email="new@example.com")
    User.objects.update(email="new@example.com")
    for told in Reminder.objects.all():
        assert outbox.resend(told, by="x") == 1, told.kind
        assert told.owner_email == "new@example.com"
    assert set(Reminder.objects.values_list("kind", flat=True)) == set(Reminder.Kind.values)


def test_a_reminder_goes_to_the_owner_and_to_each_webhook_in_use(ending: World, settings: Any) -> None:
    one = webhooks.add(name="one", url="https://one.example.com/", by="x").webhook
    two = webhooks.add(name="two", url="https://two.example.com/", by="x").webhook
    webhooks.pause(two, by="x")
    assert reminders.sweep(at=END - timedelta(days=20)).deliveries == 14
    assert set(Delivery.objects.values_list("webhook", flat=True)) == {None, one.pk}
    settings.MAIL_IS_ON = False
    webhooks.archive(one, by="x")
    assert reminders.sweep(at=END - timedelta(days=2)) == (7, 0, 0)


def test_what_a_killed_sweep_has_left_without_deliveries_gets_them_by_the_next(
    ending: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("tokens.reminders.outbox._address", killed)
        with pytest.raises(KeyboardInterrupt):
            reminders.sweep(at=END - timedelta(days=20))
    assert Reminder.objects.count() == 7
    assert not Delivery.objects.exists()
    assert reminders.sweep(at=END - timedelta(days=20)) == (7, 7, 0)


def test_old_reminders_are_forgotten_and_what_is_still_overdue_is_told_once_more(world: World) -> None:
    opened(environment=world.test, owner_email=MAIL, at=START)
    reminders.sweep(at=START + timedelta(days=370))
    assert reminders.sweep(at=START + timedelta(days=760)).forgotten == 0
    assert reminders.sweep(at=START + timedelta(days=771)).forgotten == 1
    assert reminders.sweep(at=START + timedelta(days=772)).reminders == 1


def sweep_once(_index: int) -> tuple[int, ...]:
    """Named by its path from other processes."""
    from django.conf import settings

    settings.MAIL_IS_ON = True
    return tuple(reminders.sweep(at=END - timedelta(days=20)))


@pytest.mark.parametrize("how", ["threads", "processes"])
def test_sweeps_at_once_write_each_reminder_and_each_delivery_once(own_database: OwnDatabase, how: str) -> None:
    everything_ends(build())
    if how == "threads":
        outcomes = own_database.run_in_threads(6, sweep_once)
    else:
        outcomes = own_database.run_in_processes(2, "tests.tokens.reminders.test_sweep.sweep_once")
    counted = [outcome.get() for outcome in outcomes]
    assert sum(reminders for reminders, _, _ in counted) == 7
    assert (Reminder.objects.count(), Delivery.objects.count()) == (7, 7)
