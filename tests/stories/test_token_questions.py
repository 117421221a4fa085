"""The questions that people ask about tokens, each answered end to end through the doors."""

from dataclasses import dataclass
from typing import Any

import pytest

from credentials import clients
from proxies import catalogue, deployment
from proxies.catalogue import Rule
from proxies.models import ApiProxy
from tests.world import START, Answered, World, call, later
from tokens import lifecycle, signing
from tokens.lifecycle import Client
from tokens.models import IssuedToken, TokenPolicy, TokenRequestLog


@dataclass
class Portal:
    """A client's view: it knows addresses and its own secrets, and time passes."""

    world: World
    clock: Any

    def at(self, seconds: float) -> None:
        self.clock.move_to(later(seconds), tick=False)

    def token(self, client: Client, **form: str) -> Answered:
        return call("/oauth2/token", {"grant_type": "client_credentials", **form}, client=client)

    def refresh(self, client: Client, answer: Answered, **form: str) -> Answered:
        given = {"grant_type": "refresh_token", "refresh_token": answer.json["refresh_token"], **form}
        return call("/oauth2/token", given, client=client)

    def opens(self, answer: Answered, proxy: ApiProxy, **environ: str) -> int:
        bearer = f"Bearer {answer.json['access_token']}"
        return call("/auth/verify", method="GET", HTTP_X_PROXY=proxy.slug, HTTP_AUTHORIZATION=bearer, **environ).status

    def why_not(self, answer: Answered, proxy: ApiProxy) -> str:
        bearer = f"Bearer {answer.json['access_token']}"
        told = call("/auth/verify", method="GET", HTTP_X_PROXY=proxy.slug, HTTP_AUTHORIZATION=bearer)
        assert told.status == 401
        return str(told.json["error_code"])


@pytest.fixture
def portal(world: World, time_machine: Any) -> Portal:
    made = Portal(world, time_machine)
    made.at(0)
    return made


FORMATS = pytest.mark.parametrize("token_format", ["opaque", "jwt"])


def test_may_i_give_each_method_of_my_proxy_a_jwt_policy_of_its_own(portal: Portal, settings: Any) -> None:
    """No: one policy stands for the whole proxy, and scopes say which methods a client may use (S0.1, S0.2)."""
    settings.TRUSTED_GATEWAYS = ["192.0.2.7"]
    world = portal.world
    world.policy(world.orders, format="jwt", access=600)
    assert TokenPolicy.objects.filter(proxy=world.orders).count() == 1
    rules = [Rule("GET", "/**", "read"), Rule("POST", "/**", "write")]
    catalogue.set_path_rules(world.orders, rules, by="test", at=START)
    reader = portal.token(world.key_of(world.orders), scope="read")
    writer = portal.token(world.key_of(world.orders))

    def answers(token: Answered, method: str) -> int:
        told = {"HTTP_X_FORWARDED_METHOD": method, "HTTP_X_FORWARDED_URI": "/invoices/7"}
        return portal.opens(token, world.orders, **told)

    assert (answers(reader, "GET"), answers(reader, "POST")) == (200, 403)
    assert (answers(writer, "GET"), answers(writer, "POST")) == (200, 200)


@FORMATS
def test_what_becomes_of_old_tokens_and_who_tidies_them_up(portal: Portal, token_format: str) -> None:
    """Expired ones are removed, never-expiring ones live on, the request log keeps all of it (S0.3-S0.6)."""
    world = portal.world
    world.policy(world.billing, never_expires=True, format=token_format)
    world.policy(world.orders, access=60, refresh=180, format=token_format)
    for_ever, short = portal.token(world.key_of(world.billing)), portal.token(world.key_of(world.orders))
    assert "expires_in" not in for_ever.json
    portal.at(86_400)
    assert portal.why_not(short, world.orders) == "token_expired"
    lifecycle.clean()
    assert IssuedToken.objects.count() == 1
    gone = "token_expired" if token_format == "jwt" else "token_not_found"
    assert portal.why_not(short, world.orders) == gone
    assert portal.opens(for_ever, world.billing) == 200
    portal.at(20 * 365 * 86_400)
    lifecycle.clean()
    assert portal.opens(for_ever, world.billing) == 200
    assert TokenRequestLog.objects.count() == 2


@FORMATS
def test_what_happens_when_i_refresh_more_often_than_the_refresh_count(portal: Portal, token_format: str) -> None:
    """It fails, the access token in hand lives on; and what each success did to the one before (S0.7-S0.11)."""
    world, client = portal.world, portal.world.key_of(portal.world.orders)
    world.policy(world.orders, access=60, refresh=180, count=2, format=token_format)
    answers = [portal.token(client)]
    for moment in (10, 20):
        portal.at(moment)
        answers.append(portal.refresh(client, answers[-1]))
    assert len({answer.json["access_token"] for answer in answers}) == 3
    earlier = 200 if token_format == "jwt" else 401
    assert [portal.opens(answer, world.orders) for answer in answers] == [earlier, earlier, 200]
    portal.at(30)
    refused = portal.refresh(client, answers[-1])
    assert (refused.status, refused.json["error"]) == (400, "invalid_grant")
    assert portal.opens(answers[-1], world.orders) == 200
    portal.at(79)
    assert [portal.opens(answer, world.orders) for answer in answers] == [401, 401, 200]
    portal.at(80)
    assert portal.opens(answers[-1], world.orders) == 401


@FORMATS
def test_can_i_still_refresh_when_my_token_has_expired_and_for_how_long_in_all(
    portal: Portal, token_format: str
) -> None:
    """Yes, while the refresh token lives; 180 seconds in the first example, 540 in the second (S0.12-S0.20)."""
    world, client = portal.world, portal.world.key_of(portal.world.orders)
    for start, refresh, lifetime in ((0, 60, 180), (10_000, 180, 540)):
        world.policy(world.orders, access=60, refresh=refresh, count=3, format=token_format)
        portal.at(start)
        answer = portal.token(client)
        late = portal.token(client)
        moment = 0.0
        for _ in range(3):
            moment += refresh - 0.001
            portal.at(start + moment)
            if refresh > 60:
                assert portal.why_not(answer, world.orders) in {"token_expired", "token_replaced"}
            answer = portal.refresh(client, answer)
            assert answer.status == 200
        assert moment == pytest.approx(lifetime, abs=0.01)
        portal.at(start + lifetime + 58)
        assert portal.opens(answer, world.orders) == 200
        portal.at(start + lifetime + 60)
        assert portal.opens(answer, world.orders) == 401
        portal.at(start + refresh)
        assert portal.refresh(client, late).json["error_code"] == "refresh_token_expired"


@FORMATS
def test_does_a_token_for_one_proxy_open_another(portal: Portal, token_format: str) -> None:
    """No; a group's token opens each proxy inside the group (S0.21, S0.22)."""
    world = portal.world
    outside = catalogue.add_proxy(name="Outside", slug="outside", by="test", at=START)
    deployment.deploy(outside, world.test, by="test", at=START)
    for holder in (world.orders, world.commerce):
        world.policy(holder, access=600, format=token_format)
    own, groups = portal.token(world.key_of(world.orders)), portal.token(world.key_of(world.commerce))
    places = (world.orders, world.billing, outside)
    assert [portal.opens(own, place) for place in places] == [200, 401, 401]
    assert [portal.opens(groups, place) for place in places] == [200, 200, 401]
    assert portal.why_not(own, world.billing) == portal.why_not(groups, outside) == "wrong_proxy"


@FORMATS
@pytest.mark.parametrize("mode", ["rotating", "static"])
def test_what_do_i_see_at_the_limit_step_by_step(portal: Portal, token_format: str, mode: str) -> None:
    """Exceeded, then not found for ever, while the last access token works to its end (S0.23-S0.26)."""
    world, client = portal.world, portal.world.key_of(portal.world.orders)
    world.policy(world.orders, access=60, refresh=180, count=3, format=token_format, mode=mode)
    answer = portal.token(client)
    for moment in (50, 100, 150):
        portal.at(moment)
        answer = portal.refresh(client, answer)
        assert (answer.status, answer.json["expires_in"]) == (200, 60)
    portal.at(151)
    refused = portal.refresh(client, answer)
    assert (refused.status, refused.json["error_code"]) == (400, "refresh_count_exceeded")
    assert "exceeded" in refused.json["error_description"]
    for moment in (152, 180, 209):
        portal.at(moment)
        refused = portal.refresh(client, answer)
        assert (refused.status, refused.json["error_code"]) == (400, "token_not_found")
        assert portal.opens(answer, world.orders) == 200
    portal.at(210)
    assert portal.opens(answer, world.orders) == 401
    said = [row.reason for row in world.log()]
    assert said == ["", "", "", "", "refresh_count_exceeded", *["token_not_found"] * 3]


@FORMATS
def test_is_a_refresh_token_mine_alone_and_what_if_i_lose_the_answer_that_brought_it(
    portal: Portal, token_format: str
) -> None:
    """It is unique, each answer shows it, and a lost answer can be asked for again (S0.27, S0.28, D1, D2)."""
    world, client = portal.world, portal.world.key_of(portal.world.orders)
    world.policy(world.orders, access=60, refresh=180, format=token_format)
    firsts = [portal.token(client) for _ in range(5)]
    assert len({answer.json["refresh_token"] for answer in firsts}) == 5
    lost = portal.refresh(client, firsts[0])
    portal.at(5)
    again = portal.refresh(client, firsts[0])
    assert again.json["refresh_token"] == lost.json["refresh_token"] != firsts[0].json["refresh_token"]
    assert portal.refresh(world.key_of(world.billing), firsts[1]).json["error_code"] == "token_not_found"
    portal.at(30)
    stolen = portal.refresh(client, firsts[0])  # somebody uses a copy of the old one
    assert stolen.json["error_code"] == "refresh_token_reused"
    assert portal.opens(again, world.orders) == 401
    world.policy(world.orders, access=60, refresh=180, format=token_format, mode="static")
    first = portal.token(client)
    assert portal.refresh(client, first).json["refresh_token"] == first.json["refresh_token"]


@FORMATS
def test_how_do_i_get_rid_of_a_token_that_never_expires(portal: Portal, token_format: str) -> None:
    """By undeploying or by changing a key: of the holder, and for JWTs of the environment (S0.29-S0.35)."""
    world = portal.world
    world.policy(world.orders, never_expires=True, format=token_format)
    world.policy(world.billing, never_expires=True, format=token_format)
    shop = world.credential("shop", world.commerce, never_expires=True, token_format=token_format)
    credential = world.credentials["shop"]

    by_undeploying = portal.token(world.key_of(world.orders))
    by_changing_the_key = portal.token(world.key_of(world.billing))
    of_credential = portal.token(shop)
    portal.at(10**8)
    assert portal.opens(by_undeploying, world.orders) == portal.opens(of_credential, world.billing) == 200

    deployment.undeploy(world.orders, world.test, by="test")
    assert portal.why_not(by_undeploying, world.orders) == "holder_undeployed"
    deployment.deploy(world.orders, world.test, by="test")
    assert portal.why_not(by_undeploying, world.orders) == "holder_undeployed"

    clients.change_key(world.credentials["billing"], by="test")
    assert portal.why_not(by_changing_the_key, world.billing) == "holder_key_changed"

    assert portal.opens(of_credential, world.billing) == 200
    clients.undeploy(credential, world.test, by="test")
    assert portal.why_not(of_credential, world.billing) == "holder_undeployed"
    clients.deploy(credential, world.test, by="test")
    again = portal.token(shop)
    assert portal.opens(again, world.billing) == 200

    signing.change(world.test, by="test")
    if token_format == "jwt":
        assert portal.why_not(again, world.billing) == "signing_key_changed"
        again = portal.token(shop)
    assert portal.opens(again, world.billing) == 200
    clients.change_key(credential, by="test")
    assert portal.why_not(again, world.billing) == "holder_key_changed"
