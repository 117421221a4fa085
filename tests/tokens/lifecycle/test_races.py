"""Races, with real threads and processes and real commits. Each test works on a database of its own."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from credentials import clients
from proxies import deployment
from proxies.errors import NotDeployed
from proxies.models import Deployment
from tests import world as worlds
from tests.databases import Outcome, OwnDatabase
from tests.world import REQUEST, START, World, later
from tokens import errors, lifecycle, policies, signing
from tokens.lifecycle import Client
from tokens.models import IssuedToken, RefreshKey, SigningKey, TokenFamily, TokenRequestLog

CALLERS = 50
FORMATS = pytest.mark.parametrize("token_format", ["opaque", "jwt"])


def refresh_once(_index: int, client_id: str, secret: str, raw: str, at: float = 1) -> tuple[str, str | None]:
    """Named by its path from other processes: everything it gets and gives can be pickled."""
    answer = lifecycle.refresh(Client(client_id, secret), raw, request=REQUEST, at=later(at))
    return answer.access_token, answer.refresh_token


def built(token_format: str = "opaque", **terms: Any) -> tuple[World, Client, str]:
    """A world and a first refresh token in it. ES256 is quick to sign with."""
    world = worlds.build()
    signing.rotate(world.test, by="test", algorithm="ES256", at=START)
    world.policy(world.orders, **{"format": token_format, "access": 60, "refresh": 180, "count": 3, **terms})
    client = world.key_of(world.orders)
    raw = world.issue(client).refresh_token
    assert raw is not None
    return world, client, raw


def codes(outcomes: list[Outcome]) -> Counter[str]:
    """How many were granted and how many were refused, by code. Anything else than a refusal fails the test."""
    counted: Counter[str] = Counter()
    for outcome in outcomes:
        if outcome.error is None:
            counted["granted"] += 1
        elif isinstance(outcome.error, errors.TokenError):
            counted[outcome.error.code] += 1
        else:
            raise outcome.error
    return counted


def one_successor_each() -> bool:
    parents = list(RefreshKey.objects.exclude(parent=None).values_list("parent", flat=True))
    return len(parents) == len(set(parents))


# ---------------------------------------------------------------------------------------------- one successor (I2)


@FORMATS
def test_i2_d2_fifty_parallel_refreshes_of_one_token_get_equal_answers_inside_the_window(
    own_database: OwnDatabase, token_format: str
) -> None:
    world, client, raw = built(token_format)
    outcomes = own_database.run_in_threads(CALLERS, refresh_once, client.client_id, client.secret, raw)
    assert codes(outcomes) == {"granted": CALLERS}
    answers = {outcome.get() for outcome in outcomes}
    assert len({refresh for _, refresh in answers}) == 1
    unsigned = {access.rpartition(".")[0] if token_format == "jwt" else access for access, _ in answers}
    assert len(unsigned) == 1
    family = TokenFamily.objects.get()
    assert (family.sequence, family.revoked_at) == (1, None)
    assert (IssuedToken.objects.count(), RefreshKey.objects.count()) == (2, 2)
    assert TokenRequestLog.objects.filter(action="refresh").count() == CALLERS
    assert TokenRequestLog.objects.filter(action="refresh", reason="").count() == 1
    assert all(world.good(access, at=2) for access, _ in answers)


@FORMATS
def test_i2_without_a_window_one_refresh_succeeds_and_the_others_end_the_family(
    own_database: OwnDatabase, token_format: str
) -> None:
    world, client, raw = built(token_format, window=0)
    outcomes = own_database.run_in_threads(CALLERS, refresh_once, client.client_id, client.secret, raw)
    counted = codes(outcomes)
    assert counted["granted"] == 1
    assert counted["refresh_token_reused"] >= 1
    assert counted["refresh_token_reused"] + counted["refresh_token_revoked"] == CALLERS - 1
    assert (IssuedToken.objects.count(), RefreshKey.objects.count()) == (2, 2)
    family = TokenFamily.objects.get()
    assert (family.sequence, family.revoked_because) == (1, "refresh_token_reused")
    for outcome in outcomes:
        if outcome.error is None:
            assert not world.good(outcome.value[0], at=2)


def test_i2_processes_race_as_threads_do(own_database: OwnDatabase) -> None:
    _, client, raw = built()
    dotted = "tests.tokens.lifecycle.test_races.refresh_once"
    outcomes = own_database.run_in_processes(4, dotted, client.client_id, client.secret, raw)
    assert codes(outcomes) == {"granted": 4}
    assert len({outcome.get() for outcome in outcomes}) == 1
    assert (TokenFamily.objects.get().sequence, RefreshKey.objects.count()) == (1, 2)


# ---------------------------------------------------------------------------------------------- the count (I4)


def test_i4_r30_rotating_the_successes_of_a_family_are_n_with_fifty_callers_at_every_step(
    own_database: OwnDatabase,
) -> None:
    _, client, raw = built(window=3_600)
    values = {raw}
    for step in range(1, 4):
        outcomes = own_database.run_in_threads(CALLERS, refresh_once, client.client_id, client.secret, raw, step)
        assert codes(outcomes) == {"granted": CALLERS}
        answers = {outcome.get() for outcome in outcomes}
        assert len(answers) == 1
        raw = answers.pop()[1] or ""
        values.add(raw)
    assert len(values) == 4
    before = TokenFamily.objects.values().get()
    past = codes(own_database.run_in_threads(CALLERS, refresh_once, client.client_id, client.secret, raw, 4))
    assert past == {"refresh_count_exceeded": 1, "token_not_found": CALLERS - 1}
    after = TokenFamily.objects.values().get()
    assert {name for name in after if after[name] != before[name]} == {"exhausted_at"}
    assert IssuedToken.objects.count() == 4
    assert one_successor_each()
    granted = TokenRequestLog.objects.filter(action="refresh", outcome="granted", reason="")
    assert granted.count() == 3


@FORMATS
def test_i4_r30_static_fifty_callers_get_n_successes_and_one_is_told_exceeded(
    own_database: OwnDatabase, token_format: str
) -> None:
    world, client, raw = built(token_format, mode="static", count=7)
    outcomes = own_database.run_in_threads(CALLERS, refresh_once, client.client_id, client.secret, raw)
    assert codes(outcomes) == {"granted": 7, "refresh_count_exceeded": 1, "token_not_found": CALLERS - 8}
    tokens = {outcome.value[0] for outcome in outcomes if outcome.error is None}
    assert len(tokens) == 7
    assert {outcome.value[1] for outcome in outcomes if outcome.error is None} == {raw}
    family = TokenFamily.objects.get()
    assert (family.sequence, family.revoked_at) == (7, None)
    assert sorted(IssuedToken.objects.values_list("sequence", flat=True)) == list(range(8))
    good = [token for token in tokens if world.good(token, at=2)]
    assert len(good) == (1 if token_format == "opaque" else 7)


@pytest.mark.parametrize("mode", ["rotating", "static"])
def test_s0_23_d3_parallel_refreshes_past_the_count_say_exceeded_once(own_database: OwnDatabase, mode: str) -> None:
    world, client, raw = built(count=1, mode=mode)
    last = world.refresh(client, raw, at=1)
    assert last.refresh_token is not None
    outcomes = own_database.run_in_threads(
        CALLERS, refresh_once, client.client_id, client.secret, last.refresh_token, 2
    )
    assert codes(outcomes) == {"refresh_count_exceeded": 1, "token_not_found": CALLERS - 1}
    assert world.good(last, at=3)
    reasons = Counter(TokenRequestLog.objects.filter(outcome="refused").values_list("reason", flat=True))
    assert reasons == {"refresh_count_exceeded": 1, "token_not_found": CALLERS - 1}


# ---------------------------------------------------------------------------------------------- against each other


def _raced_with(
    own_database: OwnDatabase, act: Callable[[], object], client: Client, raw: str, refreshers: int = 8
) -> list[Outcome]:
    """Callers that refresh, each on with what it got, and one in the middle that acts. What the refreshers got."""
    middle = refreshers // 2

    def call(index: int) -> list[tuple[str, str | None]]:
        if index == middle:
            act()
            return []
        got: list[tuple[str, str | None]] = []
        current: str | None = raw
        try:
            for step in range(3):
                assert current is not None
                got.append(refresh_once(index, client.client_id, client.secret, current, 1 + step))
                current = got[-1][1]
        except errors.TokenError:
            pass
        return got

    return own_database.run_in_threads(refreshers + 1, call)


def _nothing_is_left(world: World, client: Client, raw: str, outcomes: list[Outcome], at: float = 6) -> None:
    held = [pair for outcome in outcomes for pair in outcome.get()]
    for access, refresh in [*held, ("nothing", raw)]:
        assert not world.good(access, at=at)
        with pytest.raises(errors.TokenError):
            world.refresh(client, refresh, at=at)


@FORMATS
@pytest.mark.parametrize("mode", ["rotating", "static"])
@pytest.mark.parametrize("attempt", range(3))
def test_refresh_against_revoke_leaves_nothing_refreshable_and_nothing_that_verifies(
    own_database: OwnDatabase, token_format: str, mode: str, attempt: int
) -> None:
    world, client, raw = built(token_format, count=None, mode=mode)

    def revoke() -> None:
        lifecycle.revoke(client, raw, request=REQUEST, at=later(5))

    outcomes = _raced_with(own_database, revoke, client, raw)
    assert TokenFamily.objects.get().revoked_at is not None
    _nothing_is_left(world, client, raw, outcomes)


@FORMATS
@pytest.mark.parametrize("event", ["undeploy", "change the key", "change the environment's key", "revoke the holder"])
def test_d11_refresh_against_an_event_of_the_holder_leaves_nothing_that_verifies(
    own_database: OwnDatabase, token_format: str, event: str
) -> None:
    world, client, raw = built(token_format, count=None)
    changed: list[str] = []
    acts: dict[str, Callable[[], object]] = {
        "undeploy": lambda: deployment.undeploy(world.orders, world.test, by="test", at=later(5)),
        "change the key": lambda: changed.append(
            clients.change_key(world.credentials["orders"], by="test", at=later(5))
        ),
        "change the environment's key": lambda: signing.change(world.test, by="test", at=later(5)),
        "revoke the holder": lambda: lifecycle.revoke_holder(
            world.orders, by="test", because="test", request=REQUEST, at=later(5)
        ),
    }
    if event == "change the environment's key" and token_format == "opaque":
        event = "revoke the holder"  # an opaque token has nothing to do with that key (S0.35)
    outcomes = _raced_with(own_database, acts[event], client, raw)
    now = Client(client.client_id, changed[0]) if changed else client
    for outcome in outcomes:
        if outcome.error is not None and type(outcome.error).__name__ == "ClientAuthenticationFailed":
            outcome.error, outcome.value = None, []  # its secret was replaced meanwhile
    _nothing_is_left(world, now, raw, outcomes)


@FORMATS
def test_issue_against_undeploy_leaves_no_token_that_outlives_it(own_database: OwnDatabase, token_format: str) -> None:
    world, client, _ = built(token_format)

    def call(index: int) -> str:
        if index == 10:
            deployment.undeploy(world.orders, world.test, by="test", at=later(1))
            return ""
        return lifecycle.issue(client, request=REQUEST, at=later(1)).access_token

    outcomes = own_database.run_in_threads(20, call)
    codes(outcomes)
    deployment.deploy(world.orders, world.test, by="test", at=later(2))
    for outcome in outcomes:
        if outcome.value:
            assert world.verify(outcome.value, at=3).reason == "holder_undeployed"
    assert world.good(world.issue(client, at=3), at=3)


def test_d11_parallel_undeploys_raise_the_generation_once(own_database: OwnDatabase) -> None:
    world, _, _ = built()

    def undeploy(_index: int) -> None:
        deployment.undeploy(world.orders, world.test, by="test", at=later(1))

    outcomes = own_database.run_in_threads(12, undeploy)
    refused = [outcome.error for outcome in outcomes if outcome.error is not None]
    assert len(refused) == 11
    assert all(isinstance(error, NotDeployed) for error in refused)
    assert Deployment.objects.get(proxy=world.orders, environment=world.test).generation == 2


def test_parallel_first_jwts_of_an_environment_make_one_key(own_database: OwnDatabase) -> None:
    world = worlds.build()
    policies.set_policy(world.orders, by="test", at=START, token_format="jwt")
    client = world.key_of(world.orders)

    def issue(_index: int) -> str:
        return lifecycle.issue(client, request=REQUEST, at=START).access_token

    outcomes = own_database.run_in_threads(12, issue)
    assert codes(outcomes) == {"granted": 12}
    assert SigningKey.objects.count() == 1
    assert all(world.good(outcome.get()) for outcome in outcomes)


def test_d13_parallel_rotations_leave_one_key_that_signs(own_database: OwnDatabase) -> None:
    world, client, _ = built("jwt")

    def call(index: int) -> str:
        if index % 4 == 0:
            signing.rotate(world.test, by="test", at=later(1))
            return ""
        return lifecycle.issue(client, request=REQUEST, at=later(1)).access_token

    outcomes = own_database.run_in_threads(12, call)
    for outcome in outcomes:
        raw = outcome.get()
        assert not raw or world.good(raw, at=2)
    signs = SigningKey.objects.filter(signing_since__isnull=False, verify_only_since=None, ended_at=None)
    assert signs.count() == 1
    assert SigningKey.objects.count() == 4


@FORMATS
def test_i11_cleaning_beside_itself_and_beside_refreshes_gives_the_same_end(
    own_database: OwnDatabase, token_format: str
) -> None:
    world, client, _ = built(token_format, count=None)
    old = [world.issue(client) for _ in range(20)]
    for answer in old[:10]:
        world.refresh(client, answer.refresh_token, at=1)
    at = 100_000.0
    live = [world.issue(client, at=at - 70) for _ in range(8)]  # the access token is past, the refresh token is not

    def call(index: int) -> tuple[int, int] | tuple[str, str | None]:
        if index < 4:
            done = lifecycle.clean(at=later(at), window=3)
            return done.tokens, done.refresh_keys
        return refresh_once(index, client.client_id, client.secret, live[index - 4].refresh_token or "", at)

    outcomes = own_database.run_in_threads(12, call)
    removed = [outcome.get() for outcome in outcomes[:4]]
    assert sum(tokens for tokens, _ in removed) == 31  # with the first one of the world
    assert sum(keys for _, keys in removed) == 31
    for outcome in outcomes[4:]:
        assert world.good(outcome.get()[0], at=at + 1)
    assert (IssuedToken.objects.count(), TokenFamily.objects.count()) == (16, 8)
    assert lifecycle.clean(at=later(at)).tokens == 0
