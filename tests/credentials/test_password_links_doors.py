"""Invitations and resets by screens, REST and command, and the page that a link leads to."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core import mail
from django.test import Client as Browser

from credentials import password_links, users
from credentials.models import PasswordLink, User
from tests.api import person, problem, signed_in
from tests.tokens.commands.calling import run

pytestmark = pytest.mark.django_db
ADD, PAGE = "/admin/credentials/user/add/", "/admin/set-password/"
NEW = "another horse battery"
SHOWN = re.compile(r"<code>(http[^<]+#lk_pl_[0-9a-f]{72})</code>")


def root() -> Browser:
    browser = Browser()
    browser.force_login(User.objects.create_superuser("root", password="x"))
    return browser


def act(subject: User, name: str) -> str:
    return f"/admin/credentials/user/{subject.pk}/act/{name}/"


def text(answer: Any) -> str:
    return str(answer.content.decode())


def shown(answer: Any) -> str:
    assert "no-store" in answer["Cache-Control"]
    found = SHOWN.search(text(answer))
    assert found is not None, text(answer)
    return found[1]


def test_without_a_password_somebody_new_is_invited(settings: Any) -> None:
    browser = root()
    assert "by_mail" not in text(browser.get(ADD))
    address = shown(browser.post(ADD, {"username": "ada", "email": "", "is_staff": "on"}))
    assert not User.objects.get(username="ada").has_usable_password()

    stranger = Browser()
    assert "set your password" in text(stranger.get(PAGE)).lower()
    differs = stranger.post(PAGE, {"link": address, "password": NEW, "again": "x"})
    assert "The two passwords differ" in text(differs)
    assert "too short" in text(stranger.post(PAGE, {"link": address, "password": "x", "again": "x"}))
    done = stranger.post(PAGE, {"link": address, "password": NEW, "again": NEW})
    assert (done.status_code, done["Location"]) == (302, "/admin/login/")
    assert stranger.login(username="ada", password=NEW)
    gone = stranger.post(PAGE, {"link": address, "password": NEW, "again": NEW})
    assert "does not work any more" in text(gone)
    assert "no-store" in gone["Cache-Control"]


def test_a_password_is_reset_by_link_or_mail(settings: Any) -> None:
    settings.MAIL_IS_ON = True
    ada = users.create_user(username="ada", password=NEW, email="ada@example.com", by="test")
    browser = root()
    address = shown(browser.post(act(ada, "password-link"), {}))
    mailed = browser.post(act(ada, "password-link"), {"by_mail": "on"}, follow=True)
    assert "A link was mailed to ada@example.com" in text(mailed)
    assert "lk_pl_" not in text(mailed)
    assert "lk_pl_" in mail.outbox[0].body
    ada.refresh_from_db()
    assert ada.check_password(NEW), "the password of before works until the link is used"
    assert "does not work" in text(Browser().post(PAGE, {"link": address, "password": NEW, "again": NEW}))


def test_rest_makes_people_without_a_password_and_links_for_them() -> None:
    boss = signed_in(person("view_user", "add_user", "change_user", name="boss", is_staff=True))
    made = boss.post("/api/v1/users/", {"username": "ada"}).json()
    answer = boss.post(f"/api/v1/users/{made['id']}/password-link/", {})
    assert answer.status_code == 201
    password_links.use(answer.json()["link"], NEW)
    assert User.objects.get(username="ada").check_password(NEW)
    assert (
        problem(boss.post(f"/api/v1/users/{made['id']}/password-link/", {"by_mail": True}))[1] == "password_link_state"
    )


def test_the_command_prints_a_link(db: None) -> None:
    assert run("users", "create", "ada", "--no-password").status == 0
    told = run("users", "password-link", "ada", "--json").json
    password_links.use(told["link"], NEW)
    assert User.objects.get().check_password(NEW)
    assert run("users", "password-link", "ada", "--mail").status == 1


# --- who may do what to whom

ACTS = ("set-password", "password-link", "reset-second-factor", "deactivate")


@pytest.mark.parametrize("act_name", ACTS)
def test_r34_nobody_takes_over_a_colleague_who_may_do_more(act_name: str) -> None:
    clerk = person("view_user", "change_user", "view_apiproxy", name="clerk", is_staff=True)
    boss = person("view_user", name="boss", is_staff=True)
    boss.user_permissions.add(Permission.objects.get(codename="change_signingkey"))
    peer = person("view_apiproxy", name="peer", is_staff=True)
    chief = User.objects.create_superuser("chief", password="x")
    gone = person("change_signingkey", name="gone", is_staff=True, is_active=False)
    User.objects.update(second_factor_since="2026-01-01T00:00Z")
    browser, client = Browser(), signed_in(User.objects.get(pk=clerk.pk))
    browser.force_login(User.objects.get(pk=clerk.pk))
    body = {"password": NEW, "again": NEW}

    for subject in (boss, chief, gone):
        asked = body | {"typed_name": str(subject)}
        assert browser.get(act(subject, act_name)).status_code == 403, subject
        assert browser.post(act(subject, act_name), asked).status_code == 403, subject
        rest = client.post(f"/api/v1/users/{subject.pk}/{act_name}/", _rest(act_name, subject))
        assert rest.status_code == 403, subject
        assert User.objects.get(pk=subject.pk).is_active == (subject is not gone)
        assert not PasswordLink.objects.exists()
        assert User.objects.get(pk=subject.pk).password == subject.password
    assert browser.get(act(peer, act_name)).status_code == 200
    # What ends tokens without taking anybody over stays with whoever may end tokens.
    assert users.may_do("end-everything", clerk, boss)


def _rest(act_name: str, subject: User) -> dict[str, str]:
    confirmed = {"confirm": str(subject)} if act_name in ("set-password", "deactivate") else {}
    return confirmed | ({"password": NEW} if act_name == "set-password" else {})
