"""REST of token policies: one for each owner, edited at a version, suspended and resumed."""

import pytest

from proxies import catalogue
from tests.api import caller, issued, problem
from tests.world import REQUEST, START
from tokens import lifecycle
from tokens.errors import GrantNotAllowed
from tokens.models import TokenPolicy

pytestmark = pytest.mark.django_db
BASE = "/api/v1/policies/"
ANY = {"If-Match": "*"}


@pytest.fixture
def editor(db):
    return caller("view_tokenpolicy", "add_tokenpolicy", "change_tokenpolicy")


def one(policy: TokenPolicy, tail: str = "") -> str:
    return f"{BASE}{policy.pk}/{tail}"


def test_a_policy_is_added_once_with_what_its_terms_come_to(editor, world):
    catalogue.add_proxy(name="Mail", slug="mail", by="test", at=START)
    terms = {"access_token_lifetime_secs": 60, "refresh_token_lifetime_secs": 180, "refresh_count": 3}

    answer = editor.post(BASE, {"proxy": "mail", **terms})

    assert answer.status_code == 201
    assert answer.json()["preview"] == {"horizon": 540, "last_possible_end": 600, "gapless": 240}
    assert (answer.json()["token_format"], answer.json()["warnings"]) == ("opaque", [])
    assert problem(editor.post(BASE, {"proxy": "mail"})) == (409, "policy_exists")
    assert TokenPolicy.objects.filter(proxy__slug="mail").count() == 1


def test_odd_terms_are_400_and_nothing_is_made(editor, world):
    catalogue.add_proxy(name="Mail", slug="mail", by="test", at=START)
    for body in [
        {},
        {"proxy": "mail", "group": "commerce"},
        {"proxy": "nothing"},
        {"credential": "nobody"},
        {"proxy": "mail", "access_token_lifetime_secs": 0},
        {"proxy": "mail", "access_token_lifetime_secs": 10**30},
        {"proxy": "mail", "access_token_lifetime_secs": None},
        {"proxy": "mail", "refresh_count": 1.5},
        {"proxy": "mail", "never_expires": "sometimes"},
        {"proxy": "mail", "refresh_mode": "spinning"},
        {"proxy": "mail", "suspended_at": None},
        {"proxy": "mail", "owner": "orders"},
    ]:
        assert problem(editor.post(BASE, body))[0] == 400
        assert not TokenPolicy.objects.filter(proxy__slug="mail").exists()


def test_d5_an_edit_is_made_to_a_version_and_changes_only_what_is_sent(editor, world):
    policy = world.orders.policy
    first = editor.get(one(policy))
    assert editor.patch(one(policy), {"refresh_count": 9}).status_code == 428

    done = editor.patch(one(policy), {"refresh_count": 9}, headers={"If-Match": first.headers["ETag"]})

    assert (done.json()["refresh_count"], done.json()["access_token_lifetime_secs"]) == (9, 60)
    assert (
        editor.patch(one(policy), {"refresh_count": 1}, headers={"If-Match": first.headers["ETag"]}).status_code == 412
    )
    assert problem(editor.patch(one(policy), {"proxy": "billing"}, headers=ANY))[0] == 400
    never = editor.patch(one(policy), {"never_expires": True}, headers=ANY)
    assert (never.json()["access_token_lifetime_secs"], never.json()["refresh_allowed"]) == (None, False)
    assert never.json()["warnings"]
    assert problem(editor.patch(one(policy), {"never_expires": False}, headers=ANY)) == (400, "invalid_policy")


def test_d5_suspending_refuses_new_tokens_until_it_is_resumed(editor, world):
    client = world.key_of(world.orders)
    assert editor.post(one(world.orders.policy, "suspend/"), {}).json()["suspended_at"]
    with pytest.raises(GrantNotAllowed):
        lifecycle.issue(client, request=REQUEST)
    assert editor.get(BASE, {"suspended": "true"}).json()["results"][0]["proxy"] == "orders"
    assert editor.post(one(world.orders.policy, "resume/"), {}).json()["suspended_at"] is None
    assert issued(client)
    assert problem(editor.post(one(world.orders.policy, "resume/"), {"x": 1}))[0] == 400
