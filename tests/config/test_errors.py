"""Pages and REST calls when the database cannot be asked (I13)."""

from typing import Any

from django.db import OperationalError, connection
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
