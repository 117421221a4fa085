"""The admin's login is limited by name and address, for a while, and locks out nobody elsewhere (D38, B48)."""

from typing import Any

import pytest
from django.test import Client as Browser

from credentials.models import User

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def person(db: None, settings: Any) -> None:
    settings.LOGIN_FAILURES_ALLOWED = 3
    User.objects.create_user("ada", password=PASSWORD, is_staff=True)


def sign_in(password: str = PASSWORD, *, address: str = "192.0.2.1", name: str = "ada") -> Any:
    asked = {"username": name, "password": password}
    return Browser(REMOTE_ADDR=address).post("/admin/login/?next=/admin/", asked)


def test_d38_after_so_many_failures_even_the_right_password_waits() -> None:
    for _ in range(3):
        assert "correct username" in sign_in("wrong").content.decode()
    assert "Too many failed attempts. Try again in" in sign_in().content.decode()


def test_d38_a_stranger_elsewhere_locks_nobody_out() -> None:
    for _ in range(5):
        sign_in("wrong", address="203.0.113.9")
    assert sign_in().status_code == 302


def test_d38_who_succeeds_spends_no_try() -> None:
    for _ in range(5):
        assert sign_in().status_code == 302


def test_b48_a_name_that_does_not_exist_is_limited_alike() -> None:
    told = [sign_in("wrong", name="nobody").content.decode() for _ in range(4)]
    assert ["Too many failed attempts" in each for each in told] == [False, False, False, True]
