"""Your account > Second factor, and the login's second step (R34, D38, I5)."""

import re
from typing import Any

import pytest
import time_machine
from django.test import Client as Browser
from django.utils import timezone

from credentials import second_factors, users
from credentials.models import User
from proxies.models import ChangeRecord
from tests.tokens.codes import code, enrolled

PASSWORD = "correct horse battery"
PAGE, LOGIN, STEP = "/admin/second-factor/", "/admin/login/?next=/admin/your-tokens/", "/admin/login/code/"


@pytest.fixture
def ada(db: None) -> User:
    return users.create_user(username="ada", password=PASSWORD, by="test", is_staff=True)


def browser_of(person: User) -> Browser:
    browser = Browser()
    browser.force_login(person)
    return browser


def half_way(**more: Any) -> tuple[Browser, Any]:
    browser = Browser(**more)
    return browser, browser.post(LOGIN, {"username": "ada", "password": PASSWORD, "next": "/admin/your-tokens/"})


def is_in(browser: Browser) -> bool:
    return browser.get("/admin/your-tokens/").status_code == 200


def text(answer: Any) -> str:
    return str(answer.content.decode())


# --- set up


def test_a_second_factor_is_set_up_and_what_is_shown_is_shown_once(ada: User) -> None:
    browser, elsewhere = browser_of(ada), browser_of(ada)
    assert 'name="begin"' in text(browser.get(PAGE))

    begun = browser.post(PAGE, {"begin": "1"})
    key = re.search(r'<code id="key">([A-Z2-7 ]+)</code>', text(begun))[1]  # type: ignore[index]
    assert "no-store" in begun["Cache-Control"]
    drawn = text(begun)[text(begun).index("<svg") :]
    assert 'class="qr"' in drawn
    assert "style=" not in drawn[: drawn.index("</svg>")]
    assert key not in text(browser.get(PAGE))

    wrong = browser.post(PAGE, {"confirm": "1", "code": "12345"})
    assert "wrong, too old" in text(wrong)
    assert key not in text(wrong)
    done = browser.post(PAGE, {"confirm": "1", "code": code(key)})
    codes = re.findall(r"<code>([a-z0-9-]{19})</code>", text(done))
    assert len(codes) == 10
    assert "no-store" in done["Cache-Control"]
    assert codes[0] not in text(browser.get(PAGE))
    assert "10 recovery codes are unused" in text(browser.get(PAGE))
    # This session goes on; the ones that were opened by the password alone have ended.
    assert is_in(browser)
    assert not is_in(elsewhere)


def test_renewing_and_removing_ask_for_the_password_and_limit_its_tries(ada: User, settings: Any) -> None:
    settings.LOGIN_FAILURES_ALLOWED = 2
    _, old = enrolled(ada)
    browser = browser_of(ada)
    for act in ("renew", "remove"):
        assert "This is not your password" in text(browser.post(PAGE, {act: "1", "password": "wrong"}))
    assert "Too many failed attempts" in text(browser.post(PAGE, {"remove": "1", "password": PASSWORD}))
    ada.refresh_from_db()
    assert ada.second_factor_since is not None
    settings.LOGIN_FAILURES_ALLOWED = 20
    renewed = text(browser.post(PAGE, {"renew": "1", "password": PASSWORD}))
    assert len(re.findall(r"<code>([a-z0-9-]{19})</code>", renewed)) == 10
    assert old[0] not in renewed
    assert browser.post(PAGE, {"remove": "1", "password": PASSWORD}).status_code == 302
    assert 'name="begin"' in text(browser.get(PAGE))
    verbs = list(ChangeRecord.objects.order_by("id").values_list("verb", flat=True))
    assert verbs == ["create", "set up second factor", "renew recovery codes", "remove second factor"]


def test_what_the_present_state_does_not_allow_is_refused(ada: User) -> None:
    browser = browser_of(ada)
    assert browser.post(PAGE, {"confirm": "1", "code": "123456"}).status_code == 200
    assert browser.post(PAGE, {"remove": "1", "password": PASSWORD}).status_code == 302
    enrolled(ada)
    browser = browser_of(ada)
    begun = browser.post(PAGE, {"begin": "1"}, follow=True)
    assert "Remove it first" in text(begun)
    assert 'class="qr"' not in text(begun)


# --- log in


def test_d38_a_password_alone_lets_nobody_in_who_has_a_second_factor(ada: User) -> None:
    key, _ = enrolled(ada)
    browser, answer = half_way()
    assert answer.status_code == 302
    assert answer["Location"] == f"{STEP}?next=%2Fadmin%2Fyour-tokens%2F"
    assert not is_in(browser)
    assert browser.get("/api/v1/proxies/").status_code in (401, 403)

    assert "The password of ada was right" in text(browser.get(STEP))
    assert "wrong, too old" in text(browser.post(STEP, {"code": "000000x"}))
    assert not is_in(browser)
    done = browser.post(STEP, {"code": code(key), "next": "/admin/your-tokens/"})
    assert (done.status_code, done["Location"]) == (302, "/admin/your-tokens/")
    assert is_in(browser)

    again, _answer = half_way()
    assert "wrong, too old" in text(again.post(STEP, {"code": code(key)})), "a replay"


def test_d38_a_recovery_code_lets_in_once(ada: User) -> None:
    _, codes = enrolled(ada)
    browser, _answer = half_way()
    assert browser.post(STEP, {"code": codes[0]}).status_code == 302
    assert is_in(browser)
    again, _answer = half_way()
    assert again.post(STEP, {"code": codes[0]}).status_code == 200


def test_b36_the_second_step_leads_to_no_foreign_place(ada: User) -> None:
    _, codes = enrolled(ada)
    browser, _answer = half_way()
    done = browser.post(STEP, {"code": codes[0], "next": "https://evil.example/"})
    assert done["Location"] == "/admin/"


def test_d38_codes_are_limited_wherever_they_come_from_and_not_for_ever(ada: User, settings: Any) -> None:
    settings.LOGIN_FAILURES_ALLOWED = 3
    with time_machine.travel(timezone.now(), tick=False) as clock:
        key, codes = enrolled(ada)
        for number in range(3):
            half_way(REMOTE_ADDR=f"192.0.2.{number}")[0].post(STEP, {"code": "111"})
        browser, _answer = half_way(REMOTE_ADDR="203.0.113.9")
        assert "Too many failed attempts" in text(browser.post(STEP, {"code": codes[0]}))
        clock.shift(settings.LOGIN_FAILURE_WINDOW_SECONDS)
        browser, _answer = half_way(REMOTE_ADDR="203.0.113.9")
        assert browser.post(STEP, {"code": code(key)}).status_code == 302


def test_who_took_no_first_step_or_took_it_long_ago_starts_again(ada: User) -> None:
    _, codes = enrolled(ada)
    assert Browser().post(STEP, {"code": codes[0]})["Location"] == "/admin/login/"
    with time_machine.travel(timezone.now(), tick=False) as clock:
        browser, _answer = half_way()
        clock.shift(5 * 60 + 1)
        assert browser.post(STEP, {"code": codes[0]})["Location"] == "/admin/login/"
    for ends in (
        lambda: users.set_password(ada, "another horse battery", by="root"),
        lambda: users.deactivate(ada, by="root"),
    ):
        browser, _answer = half_way()
        ends()
        assert browser.post(STEP, {"code": codes[0]})["Location"] == "/admin/login/"
        assert not is_in(browser)


# --- where it is required


def test_who_must_have_one_is_led_to_set_it_up_and_reaches_nothing_else(ada: User, settings: Any) -> None:
    settings.SECOND_FACTOR_REQUIRED = ["staff"]
    browser = Browser()
    assert browser.post(LOGIN, {"username": "ada", "password": PASSWORD}).status_code == 302
    for path in ("/admin/", "/admin/your-tokens/", "/admin/proxies/apiproxy/", "/admin/no-such-page/"):
        assert browser.get(path)["Location"] == PAGE, path
        assert browser.post(path, {})["Location"] == PAGE, path
    assert browser.get("/api/v1/personal-tokens/").status_code in (401, 403)
    assert "must have a second factor" in text(browser.get(PAGE))

    key = re.search(r'<code id="key">([A-Z2-7 ]+)</code>', text(browser.post(PAGE, {"begin": "1"})))[1]  # type: ignore[index]
    browser.post(PAGE, {"confirm": "1", "code": code(key)})
    assert is_in(browser)
    second_factors.remove(User.objects.get(), by="root")
    assert not is_in(browser)


def test_the_screen_of_users_resets_it(ada: User) -> None:
    enrolled(ada)
    root = browser_of(User.objects.create_superuser("root", password="x"))
    url = f"/admin/credentials/user/{ada.pk}/act/reset-second-factor/"
    assert root.post(url, {"note": "lost"}).status_code == 302
    assert ChangeRecord.objects.filter(verb="remove second factor", actor="root", note="lost").exists()
    assert "Reset second factor" not in text(root.get(f"/admin/credentials/user/{ada.pk}/change/"))
