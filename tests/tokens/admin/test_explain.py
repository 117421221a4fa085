"""The page "Why was it refused?" and its command."""

import io
import json

import pytest
from django.contrib.auth.models import Permission
from django.core.management import call_command
from django.test import Client as Browser

from credentials.models import User
from proxies import deployment
from tokens import lifecycle
from tokens.lifecycle import Client, Request
from tokens.models import IssuedToken, TokenRequestLog

PAGE = "/admin/explain/"


def browser(*codenames: str) -> Browser:
    user = User.objects.create_user("auditor", password="correct horse", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    made = Browser()
    made.force_login(user)
    return made


def issued(client: Client) -> str:
    return lifecycle.issue(client, request=Request()).access_token


def test_i22_the_page_needs_the_permission_to_see_tokens(world):
    assert browser().get(PAGE).status_code == 403


def test_r19_a_pasted_token_is_explained_and_comes_back_nowhere(world, caplog):
    raw = issued(world.key_of(world.orders))
    web = browser("view_issuedtoken")
    deployment.undeploy(world.orders, world.test, by="eve", note="rebuilding")

    answer = web.post(PAGE, {"token": raw, "proxy": "orders"})

    page = answer.content.decode()
    assert "holder_undeployed" in page
    assert "eve" in page
    assert "rebuilding" in page
    assert raw not in page
    assert raw not in caplog.text
    assert "no-store" in answer.headers["Cache-Control"]
    assert TokenRequestLog.objects.count() == 1


@pytest.mark.parametrize("form", [{}, {"token": "x", "jti": "y"}, {"log_id": "-1"}, {"token": "x" * 20_000}])
def test_exactly_one_name_is_needed(world, form):
    answer = browser("view_issuedtoken").post(PAGE, form)

    assert answer.status_code == 200
    assert answer.context["found"] is None
    assert answer.context["form"].errors
    assert form.get("token", "none") * 2 not in answer.content.decode()


def test_a_link_may_name_a_row_but_never_a_token(world):
    web = browser("view_issuedtoken")

    page = web.get(PAGE, {"log_id": "5", "token": "abcdef", "proxy": "orders"}).content.decode()

    assert 'value="5"' in page
    assert "abcdef" not in page


def test_the_command_says_the_same_for_people_and_machines(world, monkeypatch):
    raw = issued(world.key_of(world.orders))
    deployment.undeploy(world.orders, world.test, by="eve")
    monkeypatch.setenv("TOKEN", raw)
    told, machine = io.StringIO(), io.StringIO()

    call_command("explain", proxy="orders", stdout=told)
    call_command("explain", proxy="orders", json=True, stdout=machine)

    assert "FAIL It was deployed all the time since" in told.getvalue()
    found = json.loads(machine.getvalue())
    assert (found["good"], found["reason"]) == (False, "holder_undeployed")
    assert next(each for each in found["checks"] if each["passed"] is False)["changed"]["by"] == "eve"
    assert raw not in told.getvalue() + machine.getvalue()


def test_the_command_takes_a_jti(world):
    issued(world.key_of(world.orders))
    out = io.StringIO()

    call_command("explain", jti=IssuedToken.objects.get().jti, stdout=out)

    assert "No check fails" in out.getvalue()
