"""Links by which people set their own password: once, for a time, and known to nobody else (D31, I5)."""

import smtplib
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.db import connections
from django.utils import timezone

from credentials import password_links, secrets, users
from credentials.errors import InvalidCredential, MailNotSent, PasswordLinkRefused, PasswordLinkState
from credentials.models import PasswordLink, User
from proxies.models import ChangeRecord
from tests.databases import OwnDatabase

NOW = timezone.now()
NEW = "another horse battery"


def ada(**more: Any) -> User:
    return users.create_user(username="ada", password=None, email="ada@example.com", by="test", **more)


def works(address: str, *, after: float = 0) -> bool:
    try:
        password_links.use(address, NEW, at=NOW + timedelta(seconds=after))
    except PasswordLinkRefused:
        return False
    return True


def test_a_link_sets_the_password_once_and_ends_what_the_person_held(db: None) -> None:
    person = ada()
    address = password_links.make(person, by="root", at=NOW).address
    before = person.generation
    assert address.startswith("http://127.0.0.1:8000/admin/set-password/#lk_pl_")

    assert works(address)
    person.refresh_from_db()
    assert person.check_password(NEW)
    assert person.generation == before + 1
    assert not works(address)
    told = list(ChangeRecord.objects.order_by("id").values_list("verb", "actor", "note"))
    assert told[1:] == [("make set-up link", "root", ""), ("change login", "ada", "by a link")]


def test_i5_the_link_is_kept_as_a_hash_and_in_no_history(db: None) -> None:
    raw = password_links.make(ada(), by="root", at=NOW).address.rpartition("#")[2]
    kept = PasswordLink.objects.values().get()
    assert kept["digest"] == secrets.digest(raw)
    assert raw not in f"{kept}{list(ChangeRecord.objects.values())}"


def test_a_link_ends_by_time_by_the_next_one_and_with_what_happens_to_its_person(db: None, settings: Any) -> None:
    settings.PASSWORD_LINK_LIFETIME_SECONDS = 600
    person = ada()

    def link() -> str:
        return password_links.make(person, by="root", at=NOW).address

    assert not works(link(), after=600)
    first, second = link(), link()
    assert not works(first)
    assert works(second, after=599)
    stale = link()
    users.set_password(person, "a third horse battery", by="root")
    assert not works(stale)
    stale = link()
    users.deactivate(person, by="root")
    assert not works(stale)
    with pytest.raises(PasswordLinkState):
        link()
    users.reactivate(person, by="root")
    assert not works(stale)
    for odd in ("", "lk_pl_", "lk_pl_" + "0" * 72, "#", "x" * 5000, stale.replace("lk_pl_", "lk_pt_")):
        assert not works(odd)


def test_a_weak_password_is_refused_and_the_link_works_still(db: None) -> None:
    address = password_links.make(ada(), by="root", at=NOW).address
    with pytest.raises(InvalidCredential):
        password_links.use(address, "short", at=NOW)
    assert works(address)


def test_of_two_who_use_a_link_at_once_one_sets_the_password(own_database: OwnDatabase) -> None:
    address = password_links.make(ada(), by="root").address
    found: list[str] = []

    def use(password: str) -> None:
        try:
            password_links.use(address, password)
            found.append(password)
        except PasswordLinkRefused:
            pass
        finally:
            connections.close_all()

    racers = [threading.Thread(target=use, args=(f"{NEW} {number}",)) for number in range(6)]
    for each in racers:
        each.start()
    for each in racers:
        each.join()
    assert len(found) == 1
    assert User.objects.get().check_password(found[0])


# --- by mail


def test_an_invitation_is_mailed_to_its_person_alone(db: None, settings: Any) -> None:
    settings.MAIL_IS_ON = True
    _, made = password_links.invite(username="ada", email="ada@example.com", by="root", by_mail=True, at=NOW)
    assert made.mailed
    message = mail.outbox[0]
    assert message.to == ["ada@example.com"]
    assert made.address in message.body
    assert works(made.address)


@pytest.mark.parametrize(("is_on", "email"), [(False, "ada@example.com"), (True, "")])
def test_who_cannot_be_mailed_is_not_and_there_is_nobody_new(db: None, settings: Any, is_on: bool, email: str) -> None:
    settings.MAIL_IS_ON = is_on
    with pytest.raises(PasswordLinkState):
        password_links.invite(username="ada", email=email, by="root", by_mail=True)
    assert not User.objects.exists()
    assert mail.outbox == []


def test_a_mail_server_that_refuses_leaves_no_link(db: None, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.MAIL_IS_ON = True
    person = ada()

    def refuse(*_: Any, **__: Any) -> int:
        raise smtplib.SMTPException("no")

    monkeypatch.setattr("django.core.mail.EmailMessage.send", refuse)
    with pytest.raises(MailNotSent):
        password_links.make(person, by="root", by_mail=True)
    assert not PasswordLink.objects.exists()
