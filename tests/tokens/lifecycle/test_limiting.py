"""Limit: how often one caller may ask, and what is left of those turned away."""

from typing import Any

import pytest
from django.db import connection

from credentials import secrets
from tests import world as worlds
from tests.databases import OwnDatabase
from tests.tokens.doors.asking import ask_refresh, ask_token, tokens_of
from tests.world import World, call, later
from tokens import errors, lifecycle, redis_counts, sightings
from tokens.lifecycle import Client, Count, limiting
from tokens.models import RateLimitWindow, TokenRequestLog

CALLERS = 25


@pytest.fixture(params=["redis where there is one", "database"], autouse=True)
def counter(request: pytest.FixtureRequest, settings: Any) -> Any:
    """Every rule holds whoever counts."""
    if request.param == "database":
        settings.REDIS_URL = ""
    redis_counts.close()
    yield
    redis_counts.close()


def ask(address: str = "192.0.2.1", at: float = 10) -> None:
    lifecycle.limit(lifecycle.by_address(address), at=later(at))


def test_d24_an_address_past_the_limit_is_turned_away_until_the_minute_ends(db: None, settings) -> None:
    settings.TOKEN_RATE_LIMIT_PER_MINUTE = 3
    for _ in range(3):
        ask()
    for _ in range(2):
        with pytest.raises(errors.RateLimited) as refused:
            ask()
        assert refused.value.retry_after == 50
    ask("192.0.2.2")
    ask(at=60)


def test_a_limit_of_0_is_off(db: None, settings) -> None:
    settings.TOKEN_RATE_LIMIT_PER_MINUTE = 0
    for _ in range(20):
        ask()
    assert not RateLimitWindow.objects.exists()


@pytest.mark.parametrize(
    ("one", "another", "same"),
    [
        ("2001:db8:1:2::3", "2001:db8:1:2:ffff::4", True),
        ("2001:db8:1:2::3", "2001:db8:1:3::3", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.3", False),
    ],
)
def test_d24_an_ipv6_caller_is_counted_by_its_network(db: None, settings, one, another, same) -> None:
    settings.TOKEN_RATE_LIMIT_PER_MINUTE = 1
    ask(one)
    if same:
        with pytest.raises(errors.RateLimited):
            ask(another)
    else:
        ask(another)


def test_a_bucket_has_a_limit_and_a_window_of_its_own(db: None) -> None:
    login = Count("login", "alice 192.0.2.1", allowed=2, seconds=900, hidden=True)
    for at in (0, 600):
        lifecycle.limit(login, at=later(at))
    with pytest.raises(errors.RateLimited) as refused:
        lifecycle.limit(login, at=later(899))
    assert refused.value.retry_after == 1
    lifecycle.limit(Count("other", "alice 192.0.2.1", allowed=2, seconds=900), at=later(899))
    lifecycle.limit(login, at=later(900))


@pytest.mark.parametrize("typed", ["correct horse battery staple", "lk_cs_" + "0" * 72, "x" * 65, "1' OR '1'='1"])
def test_i5_what_a_person_may_have_typed_into_the_wrong_field_is_counted_by_its_fingerprint(db: None, typed) -> None:
    count = Count("client", typed, allowed=1)
    lifecycle.limit(count, at=later(0))
    with pytest.raises(errors.RateLimited):
        lifecycle.limit(count, at=later(0))
    assert RateLimitWindow.objects.get().caller == secrets.fingerprint(typed)


def test_d24_what_is_turned_away_leaves_no_log_row_but_one_counting_row_per_address_and_minute(
    world: World, settings, time_machine
) -> None:
    settings.TOKEN_RATE_LIMIT_PER_MINUTE, settings.CLIENT_RATE_LIMIT_PER_MINUTE = 2, 0
    time_machine.move_to(later(5), tick=False)
    client = world.key_of(world.orders)
    answers = [ask_token(client) for _ in range(5)]
    assert [answer.status for answer in answers] == [200, 200, 429, 429, 429]
    assert answers[-1].headers["Retry-After"] == "55"
    assert answers[-1].json["error"] == "temporarily_unavailable"
    assert answers[-1].json["error_code"] == "rate_limited"
    assert TokenRequestLog.objects.count() == 2
    # The row is there at once; those that the process turned away by itself are added in bulk.
    assert RateLimitWindow.objects.get().refused == 1
    sightings.flush()
    window = RateLimitWindow.objects.get()
    assert (window.bucket, window.caller, window.requests, window.refused) == ("token", "192.0.2.7", 5, 3)
    time_machine.move_to(later(60), tick=False)
    assert ask_token(client).status == 200


def test_a_flood_past_the_limit_asks_nobody(world: World, settings, django_assert_num_queries) -> None:
    settings.TOKEN_RATE_LIMIT_PER_MINUTE = 1
    client = world.key_of(world.orders)
    ask(at=0)
    with pytest.raises(errors.RateLimited):
        ask(at=0)
    with django_assert_num_queries(0):
        for _ in range(50):
            with pytest.raises(errors.RateLimited):
                ask(at=0)
    assert client


def test_a_client_past_its_limit_is_turned_away_from_wherever_it_asks(world: World, settings, time_machine) -> None:
    settings.CLIENT_RATE_LIMIT_PER_MINUTE = 3
    time_machine.move_to(later(5), tick=False)
    client = world.key_of(world.orders)
    statuses = [ask_token(client, more={"REMOTE_ADDR": f"192.0.2.{n}"}).status for n in range(5)]
    assert statuses == [200, 200, 200, 429, 429]
    assert ask_token(world.key_of(world.billing)).status == 200
    turned = RateLimitWindow.objects.filter(refused__gt=0).values_list("bucket", "caller")
    assert set(turned) == {("client", client.client_id), ("token", "192.0.2.3"), ("token", "192.0.2.4")}


@pytest.mark.parametrize("refreshing", [False, True])
def test_who_only_claims_to_be_a_client_does_not_use_up_its_limit(
    world: World, settings, time_machine, refreshing
) -> None:
    settings.CLIENT_RATE_LIMIT_PER_MINUTE = 3
    time_machine.move_to(later(5), tick=False)
    client, _, refresh = tokens_of(world)
    stranger = Client(client.client_id, "wrong")
    for _ in range(10):
        refused = ask_refresh(stranger, refresh) if refreshing else ask_token(stranger)
        assert (refused.status, refused.json["error_code"]) == (401, "client_auth_failed")
    assert [ask_token(client).status for _ in range(3)] == [200, 200, 429]


def test_an_address_past_its_limit_does_not_use_up_the_limit_of_the_client_it_names(
    world: World, settings, time_machine
) -> None:
    settings.TOKEN_RATE_LIMIT_PER_MINUTE = settings.CLIENT_RATE_LIMIT_PER_MINUTE = 2
    time_machine.move_to(later(5), tick=False)
    client = world.key_of(world.orders)
    for _ in range(6):
        ask_token(Client(client.client_id, "wrong"), more={"REMOTE_ADDR": "198.51.100.1"})
    assert [ask_token(client).status for _ in range(3)] == [200, 200, 429]


def test_verify_is_never_limited(world: World, settings, time_machine) -> None:
    settings.TOKEN_RATE_LIMIT_PER_MINUTE = 1
    time_machine.move_to(later(5), tick=False)
    token = world.issue(world.key_of(world.orders), at=5)
    bearer = f"Bearer {token.access_token}"
    answers = [call("/auth/verify", method="GET", HTTP_X_PROXY="orders", HTTP_AUTHORIZATION=bearer) for _ in range(5)]
    assert {answer.status for answer in answers} == {200}
    assert not RateLimitWindow.objects.exists()


def test_introspection_is_limited_by_its_refusals_alone(
    world: World, settings, time_machine, django_assert_num_queries
) -> None:
    time_machine.move_to(later(5), tick=False)
    client, access, _ = tokens_of(world)
    settings.TOKEN_RATE_LIMIT_PER_MINUTE = 2

    def introspect(as_client: Client) -> int:
        return call("/oauth2/introspect", {"token": access}, client=as_client).status

    with django_assert_num_queries(5):  # one for each: nothing is counted
        assert [introspect(client) for _ in range(5)] == [200] * 5
    logged = TokenRequestLog.objects.count()
    assert [introspect(Client(client.client_id, "wrong")) for _ in range(5)] == [401, 401, 429, 429, 429]
    assert TokenRequestLog.objects.count() == logged + 2, "what is turned away leaves no row"
    assert introspect(client) == 429, "from this address, for the rest of the minute"


def test_cleaning_forgets_counts_of_hours_past_and_keeps_those_of_now(db: None, settings) -> None:
    settings.REDIS_URL, settings.TOKEN_RATE_LIMIT_PER_MINUTE = "", 10
    ask(at=0)
    ask(at=7_200)
    lifecycle.clean(at=later(7_200))
    assert [window.starts_at for window in RateLimitWindow.objects.all()] == [later(7_200)]


def let_through(index: int, allowed: int) -> bool:
    """One caller in a process of its own."""
    count = Count("race", "one", allowed=allowed)
    try:
        lifecycle.limit(count, Count("race by client", f"client-{index}", allowed=1), at=later(0))
    except errors.RateLimited:
        return False
    return True


def test_r30_exactly_so_many_of_parallel_callers_are_let_through(own_database: OwnDatabase) -> None:
    outcomes = own_database.run_in_threads(CALLERS, let_through, 10)
    assert sum(outcome.get() for outcome in outcomes) == 10
    # In transactions of their own that do not wait for the disk, and yet all of them are there.
    window = RateLimitWindow.objects.get(bucket="race")
    sightings.flush()
    window.refresh_from_db()
    assert window.refused == CALLERS - 10


def test_i7_counting_does_not_make_the_transaction_of_another_forget_to_wait(own_database: OwnDatabase) -> None:
    if connection.vendor != "postgresql":
        return
    from django.db import transaction

    def setting() -> str:
        with connection.cursor() as cursor:
            cursor.execute("SHOW synchronous_commit")
            return str(cursor.fetchone()[0])

    with transaction.atomic():
        let_through(1, 10)
        assert setting() == "on"
    let_through(2, 10)
    assert setting() == "on"


def test_the_memory_of_full_windows_is_bounded(db: None, monkeypatch) -> None:
    monkeypatch.setattr(limiting, "_MOST_REMEMBERED", 5)
    for n in range(20):
        for _ in range(2):
            try:
                lifecycle.limit(Count("b", f"c{n}", allowed=1), at=later(0))
            except errors.RateLimited:
                pass
    assert 1 <= len(limiting._full) <= 5


def test_i5_a_secret_in_the_place_of_the_client_id_is_not_kept(world: World) -> None:
    client = world.key_of(world.orders)
    worlds.call("/oauth2/token", {"grant_type": "client_credentials"}, client=Client(client.secret, client.client_id))
    for model in (RateLimitWindow, TokenRequestLog):
        assert client.secret not in str(list(model.objects.values()))
