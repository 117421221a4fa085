"""Pages and REST calls when the database cannot be asked (I13)."""

from typing import Any

import pytest
from django.db import InternalError, OperationalError, connection
from django.test import Client as Browser

from credentials import secrets


def test_i13_a_database_that_is_away_is_503_at_the_heartbeat_and_in_the_admin(db: None) -> None:
    def away(*_: Any) -> None:
        raise OperationalError("connection refused for user latchkey")

    browser = Browser(raise_request_exception=False)
    bearer = f"Bearer {secrets.make(secrets.CONNECTION_TOKEN)}"
    body = {"instance_id": "edge-1", "deployment_type": "kubernetes"}
    with connection.execute_wrapper(away):
        answers = [
            browser.post(
                "/connect/heartbeat", body, content_type="application/json", headers={"Authorization": bearer}
            ),
            browser.post("/admin/login/", {"username": "root", "password": "x"}),
        ]
    for answer in answers:
        assert answer.status_code == 503
        assert b"connection refused" not in answer.content
    known = browser.post("/connect/heartbeat", body, content_type="application/json", headers={"Authorization": bearer})
    assert known.status_code == 401


def test_i13_a_session_that_cannot_be_saved_is_503_too(db: None, django_user_model: Any) -> None:
    django_user_model.objects.create_user("root", password="a password of some length", is_staff=True)
    browser = Browser(raise_request_exception=False)

    def no_session(execute: Any, sql: str, parameters: Any, many: bool, context: Any) -> Any:
        if sql.startswith("INSERT") and "django_session" in sql:
            raise InternalError("cannot execute INSERT in a read-only transaction")
        return execute(sql, parameters, many, context)

    with connection.execute_wrapper(no_session):
        answer = browser.post("/admin/login/", {"username": "root", "password": "a password of some length"})

    assert answer.status_code == 503
    assert b"read-only" not in answer.content


def test_r39_what_is_no_fault_of_the_database_stays_a_plain_500(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ValueError("a secret detail")

    monkeypatch.setattr("django.contrib.admin.sites.AdminSite.has_permission", broken)
    answer = Browser(raise_request_exception=False).get("/admin/")
    assert answer.status_code == 500
    assert b"detail" not in answer.content
