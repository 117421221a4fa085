"""Races with real threads and processes: the row count of one statement decides (I2, I4, B01-B05, B12)."""

from collections import Counter
from datetime import timedelta

import pytest

from proxies import deployment
from tests import world as worlds
from tests.databases import OwnDatabase
from tests.world import REQUEST, World
from tokens import lifecycle
from tokens.errors import TokenError
from tokens.lifecycle import Client, TokenAnswer
from tokens.models import RefreshKey, TokenFamily, TokenRequestLog

CALLERS = 50


@pytest.fixture
def raced(own_database: OwnDatabase) -> World:
    return worlds.build()


def refresh(_index: int, client: Client, raw: str, seconds: float = 1) -> tuple[str, str | None]:
    """What one caller gets: an access and a refresh token, or the code of a refusal."""
    try:
        answer = lifecycle.refresh(client, raw, request=REQUEST, at=worlds.later(seconds))
    except TokenError as refused:
        return refused.code, None
    return answer.access_token, answer.refresh_token


def refresh_as(index: int, client_id: str, secret: str, raw: str) -> tuple[str, str | None]:
    """The same with arguments that another process can be handed."""
    return refresh(index, Client(client_id, secret), raw)


def outcomes(own: OwnDatabase, *args: object, callers: int = CALLERS) -> list[tuple[str, str | None]]:
    return [outcome.get() for outcome in own.run_in_threads(callers, refresh, *args)]


@pytest.mark.parametrize("form", ["opaque", "jwt"])
def test_i2_fifty_callers_inside_the_window_get_one_successor_and_equal_answers(
    raced: World, own_database: OwnDatabase, form: str
) -> None:
    raced.policy(raced.orders, access=60, refresh=180, count=3, window=10, format=form)
    client = raced.key_of(raced.orders)
    first = raced.issue(client)
    answers = outcomes(own_database, client, first.refresh_token)
    assert len(set(answers)) == 1, Counter(code for code, refresh_token in answers if refresh_token is None)
    assert answers[0][1] is not None
    assert TokenFamily.objects.get().sequence == 1
    assert RefreshKey.objects.count() == 2
    assert raced.good(answers[0][0], at=2)
    assert TokenRequestLog.objects.filter(action="refresh", outcome="granted").count() == CALLERS


def test_i2_without_a_window_one_caller_wins_and_the_reuse_ends_the_family(
    raced: World, own_database: OwnDatabase
) -> None:
    raced.policy(raced.orders, access=60, refresh=180, count=3, window=0)
    client = raced.key_of(raced.orders)
    answers = outcomes(own_database, client, raced.issue(client).refresh_token)
    won = [answer for answer in answers if answer[1] is not None]
    codes = Counter(code for code, refresh_token in answers if refresh_token is None)
    assert len(won) == 1, codes
    # Those that read before the first reuse ended the family say reused as well; none of them succeeds.
    assert codes["refresh_token_reused"] >= 1
    assert codes["refresh_token_reused"] + codes["refresh_token_revoked"] == CALLERS - 1
    assert TokenFamily.objects.get().revoked_at is not None
    assert RefreshKey.objects.count() == 2


def test_i2_processes_race_as_threads_do(raced: World, own_database: OwnDatabase) -> None:
    client = raced.key_of(raced.orders)
    raw = raced.issue(client).refresh_token
    proof = (client.client_id, client.secret)
    found = own_database.run_in_processes(6, "tests.tokens.lifecycle.test_races.refresh_as", *proof, raw)
    assert len({outcome.get() for outcome in found}) == 1
    assert TokenFamily.objects.get().sequence == 1


def test_i4_the_successes_of_a_family_are_exactly_the_count_with_fifty_callers_at_each_step(
    raced: World, own_database: OwnDatabase
) -> None:
    count = 3
    raced.policy(raced.orders, access=60, refresh=180, count=count, window=10)
    client = raced.key_of(raced.orders)
    raw = raced.issue(client).refresh_token
    for step in range(count):
        answers = set(outcomes(own_database, client, raw, step + 1.0))
        assert len(answers) == 1
        raw = answers.pop()[1]
    codes = Counter(code for code, _ in outcomes(own_database, client, raw, 10.0))
    assert codes == {"refresh_count_exceeded": 1, "token_not_found": CALLERS - 1}
    assert TokenFamily.objects.get().sequence == count


def test_i4_in_static_mode_each_accepted_call_counts_and_never_more_than_the_count(
    raced: World, own_database: OwnDatabase
) -> None:
    raced.policy(raced.orders, access=60, refresh=180, count=7, mode="static")
    client = raced.key_of(raced.orders)
    raw = raced.issue(client).refresh_token
    answers = outcomes(own_database, client, raw)
    won = [answer for answer in answers if answer[1] is not None]
    assert len(won) == 7
    assert len({access for access, _ in won}) == 7
    assert {refresh_token for _, refresh_token in won} == {raw}
    assert Counter(code for code, token in answers if token is None)["refresh_count_exceeded"] == 1


def refresh_or_revoke(index: int, client: Client, raw: str) -> str | None:
    if index % 2:
        lifecycle.revoke(client, raw, request=REQUEST, at=worlds.later(1))
        return None
    return refresh(index, client, raw)[1]


def test_b04_after_refresh_raced_with_revoke_nothing_is_refreshable_and_nothing_verifies(
    raced: World, own_database: OwnDatabase
) -> None:
    client = raced.key_of(raced.orders)
    for _ in range(10):
        first = raced.issue(client)
        assert first.refresh_token is not None
        found = own_database.run_in_threads(8, refresh_or_revoke, client, first.refresh_token)
        held = {outcome.get() for outcome in found} - {None} | {first.refresh_token}
        for raw in held:
            assert refresh(0, client, str(raw), 2)[0] == "refresh_token_revoked"
    assert not TokenFamily.objects.filter(revoked_at=None).exists()


def undeploy(_index: int, slug: str) -> bool:
    from proxies.errors import NotDeployed
    from proxies.models import ApiProxy, Environment

    try:
        deployment.undeploy(ApiProxy.objects.get(slug=slug), Environment.objects.get(slug="test"), by="race")
    except NotDeployed:
        return False
    return True


def test_d11_parallel_undeployments_raise_the_generation_once(raced: World, own_database: OwnDatabase) -> None:
    found = own_database.run_in_threads(20, undeploy, "orders")
    assert sum(outcome.get() for outcome in found) == 1
    assert raced.orders.deployments.get(environment=raced.test).generation == 2


def issue_or_undeploy(index: int, client: Client) -> TokenAnswer | None:
    if index == 0:
        undeploy(index, "orders")
        return None
    try:
        return lifecycle.issue(client, request=REQUEST, at=worlds.later(0))
    except TokenError:
        return None


def test_s0_29_no_token_issued_beside_an_undeployment_outlives_it(raced: World, own_database: OwnDatabase) -> None:
    client = raced.key_of(raced.orders)
    found = own_database.run_in_threads(20, issue_or_undeploy, client)
    for answer in (outcome.get() for outcome in found):
        assert answer is None or not raced.good(answer, at=1)


def test_i17_each_token_opens_its_own_proxy_or_its_groups_members_and_nothing_else(db: None) -> None:
    world = worlds.build()
    tokens = {
        holder.slug: world.issue(world.key_of(holder)) for holder in (world.orders, world.billing, world.commerce)
    }
    opened = {
        (name, proxy.slug): world.good(token, proxy, at=1)
        for name, token in tokens.items()
        for proxy in (world.orders, world.billing)
    }
    assert opened == {
        ("orders", "orders"): True,
        ("orders", "billing"): False,
        ("billing", "orders"): False,
        ("billing", "billing"): True,
        ("commerce", "orders"): True,
        ("commerce", "billing"): True,
    }


def test_i19_time_going_backwards_revives_nothing(db: None) -> None:
    world = worlds.build()
    world.policy(world.orders, access=60, refresh=180, count=3, window=0)
    client = world.key_of(world.orders)
    first = world.issue(client, at=3600)
    second = world.refresh(client, first.refresh_token, at=3601)
    back = timedelta(hours=-1).total_seconds()
    assert not world.good(first, at=back), "a replaced token"
    assert refresh(0, client, str(first.refresh_token), back)[0] == "refresh_token_reused"
    assert refresh(0, client, str(second.refresh_token), back)[0] == "refresh_token_revoked"
