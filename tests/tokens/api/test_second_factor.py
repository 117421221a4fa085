"""The second factor at the login of REST, and where one is required (D38)."""

from typing import Any

import pytest
from django.test import Client as Browser

from credentials import personal_tokens, users
from credentials.models import User
from tests.api import bearer, problem, signed_in
from tests.tokens.codes import code, enrolled
from tests.tokens.people import PASSWORD, person
from tokens.models import TokenRequestLog

LOGIN = "/api/auth/login"


@pytest.fixture
def ada(world) -> User:
    return person()


def log_in(otp: str | None = None, *, password: str = PASSWORD, address: str = "192.0.2.1") -> Any:
    body = {"username": "ada", "password": password} | ({} if otp is None else {"otp": otp})
    return Browser(REMOTE_ADDR=address).post(LOGIN, body, content_type="application/json")


def told(answer: Any) -> tuple[int, str | None]:
    return answer.status_code, answer.json().get("error_code")


def test_d38_who_has_a_second_factor_sends_a_code_with_the_password_and_each_code_once(ada):
    assert log_in().status_code == 200
    key, codes = enrolled(ada)

    assert told(log_in()) == told(log_in("")) == (401, "second_factor_required")
    assert told(log_in("000000x")) == (401, "second_factor_refused")
    assert told(log_in(code(key, steps=1), password="wrong")) == (401, None), "nobody learns of it without the password"
    assert log_in(code(key)).status_code == 200
    assert told(log_in(code(key))) == (401, "second_factor_refused")
    assert log_in(codes[0]).status_code == 200
    assert told(log_in(codes[0])) == (401, "second_factor_refused")
    reasons = list(TokenRequestLog.objects.order_by("id").values_list("reason", flat=True))
    assert reasons.count("second_factor_required") == 2
    assert reasons.count("second_factor_refused") == 3


def test_d38_wrong_codes_are_limited_from_everywhere_and_not_for_ever(ada, settings):
    settings.LOGIN_FAILURES_ALLOWED = 3
    key, codes = enrolled(ada)
    for number in range(3):
        assert told(log_in("123", address=f"192.0.2.{number}"))[0] == 401
    assert told(log_in(code(key), address="192.0.2.200"))[0] == 429
    assert log_in(codes[0]).headers["Retry-After"]
    assert told(log_in())[0] == 401, "who sends no code spends no try"


def test_d38_a_login_in_two_requests_spends_no_try(ada, settings):
    settings.LOGIN_FAILURES_ALLOWED = 2
    _, codes = enrolled(ada)
    for each in codes[:4]:
        assert told(log_in()) == (401, "second_factor_required")
        assert log_in(each).status_code == 200


@pytest.mark.parametrize("required", [["staff"], ["Security"]])
def test_who_must_have_one_reaches_nothing_without_it(ada, settings, required):
    User.objects.filter(pk=ada.pk).update(is_staff=True, is_superuser=True)
    ada.refresh_from_db()
    before = log_in().json()["access"]
    script = personal_tokens.make(ada, name="script", scopes=["read"], by="ada").raw
    assert bearer(script).get("/api/v1/proxies/").status_code == 200
    settings.SECOND_FACTOR_REQUIRED = required

    assert told(log_in()) == (401, "second_factor_missing")
    for raw in (before, script):
        assert bearer(raw).get("/api/v1/proxies/").status_code == 401
    assert problem(signed_in(ada).get("/api/v1/proxies/"))[0] in (401, 403)
    assert signed_in(ada).get("/api/auth/sessions").status_code in (401, 403)

    key, _ = enrolled(ada)
    assert log_in(code(key)).status_code == 200
    assert bearer(script).get("/api/v1/proxies/").status_code == 200
    assert signed_in(ada).get("/api/v1/proxies/").status_code == 200


def test_of_who_does_not_enter_the_admin_none_is_asked(ada, settings):
    settings.SECOND_FACTOR_REQUIRED = ["staff"]
    assert log_in().status_code == 200


def test_r34_a_lost_one_is_reset_by_whoever_may_do_at_least_as_much(ada, world):
    from tests.api import person as clerk_with

    enrolled(ada)
    clerk = signed_in(clerk_with("view_user", "change_user", name="clerk", is_staff=True))
    path = f"/api/v1/users/{ada.pk}/reset-second-factor/"
    users.set_access(ada, is_staff=True, groups=[], user_permissions=world_permissions("view_apiproxy"), by="root")
    assert problem(clerk.post(path, {}))[0] == 403
    users.set_access(ada, is_staff=True, groups=[], user_permissions=world_permissions("view_user"), by="root")
    done = clerk.post(path, {"note": "was here with a passport"})
    assert (done.status_code, done.json()["second_factor_since"]) == (200, None)
    assert problem(clerk.post(path, {}))[1] == "second_factor_state"


def world_permissions(*names: str) -> Any:
    from django.contrib.auth.models import Permission

    return Permission.objects.filter(codename__in=names)
