"""One act ends everything of a client, person, proxy, group or environment (D12, R33)."""

from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client as Browser

from credentials import personal_tokens
from credentials.models import User
from proxies.adminkit import act_url
from tests import world as worlds
from tests.world import REQUEST, World
from tokens import lifecycle
from tokens.models import TokenFamily


@pytest.fixture
def world(db: None) -> World:
    made = worlds.build()
    for holder in (made.orders, made.billing, made.commerce):
        made.policy(holder, never_expires=True)  # live whenever the test is run
    return made


@pytest.fixture
def operator(db: None) -> Browser:
    user = User.objects.create_user("olga", password="x", is_staff=True)
    user.groups.add(Group.objects.get(name="Operator"))
    browser = Browser()
    browser.force_login(user)
    return browser


def end(browser: Browser, subject: Any, **more: str) -> Any:
    asked = {"typed_name": str(subject), "because": "leak", **more}
    return browser.post(act_url(subject, "end-everything"), asked, follow=True)


@pytest.mark.parametrize("of", ["credential", "proxy", "group", "environment"])
def test_d12_everything_of_it_ends_with_one_row_in_the_log_and_nothing_else(
    world: World, operator: Browser, of: str
) -> None:
    mine = world.issue(world.key_of(world.commerce if of == "group" else world.orders))
    other = world.issue(world.key_of(world.billing), environment="live")
    subject = {
        "credential": world.credentials["orders"], "proxy": world.orders, "group": world.commerce,
        "environment": world.test,
    }[of]  # fmt: skip

    page = operator.get(act_url(subject, "end-everything")).content.decode()
    assert "Live OAuth2 (opaque) tokens" in page
    assert "Milder: " in page
    assert "not the exact name" in end(operator, subject, typed_name="wrong").content.decode()
    assert world.good(mine)

    done = end(operator, subject).content.decode()

    assert f"1 family of {subject} ended, with all its tokens." in done
    assert not world.good(mine)
    assert world.verify(other, world.billing, environment="live").good
    (row,) = [row for row in world.log() if row.action == "revoke"]
    assert (row.actor, row.reason) == ("olga", "revoked_1_families")
    assert {"environment": row.environment == "test", "proxy": row.proxy == "orders"}.get(of, True)


def test_r33_of_a_person_the_personal_tokens_end_as_well(world: World, operator: Browser) -> None:
    clara = User.objects.create_user("clara", password="x")
    lifecycle.mint(clara, audience="https://example.com", lifetime=600, request=REQUEST)
    personal_tokens.make(clara, name="nightly script", scopes=["read"], by="clara")

    page = operator.get(act_url(clara, "end-everything")).content.decode()
    assert "nightly script" in page
    done = end(operator, clara).content.decode()

    assert "1 family of clara ended, and 1 personal access token." in done
    assert TokenFamily.objects.get().revoked_by == "olga"
    assert clara.personal_tokens.get().revoked_because == "leak"
    assert "0 families of clara ended, and 0 personal access tokens." in end(operator, clara).content.decode()
