"""Last use of access tokens: many at once, each to its own, forward only, and no two writers in each other's way."""

from datetime import datetime, timedelta

from tests import world as worlds
from tests.world import START
from tokens.models import IssuedToken
from tokens.statements import sightings

Used = tuple[datetime | None, str, str | None]


def issued(number: int) -> list[int]:
    world = worlds.build()
    client = world.key_of(world.orders)
    for _ in range(number):
        world.issue(client)
    return list(IssuedToken.objects.order_by("id").values_list("pk", flat=True))


def used() -> list[Used]:
    names = "last_used_at", "last_used_proxy", "last_used_address"
    return list(IssuedToken.objects.order_by("id").values_list(*names))


def test_d25_many_uses_are_written_each_to_its_token(db) -> None:
    first, second, third, fourth = issued(4)
    late = START + timedelta(hours=1)
    IssuedToken.objects.filter(pk=third).update(last_used_at=late, last_used_proxy="billing")
    seen = {
        second: (START, "billing", "2001:db8::1"),
        fourth + 1000: (START, "orders", "192.0.2.1"),
        first: (START, "orders", "192.0.2.1"),
        third: (late + timedelta(seconds=59), "orders", "192.0.2.1"),
    }
    assert sightings.record(seen) == 2
    assert used()[:2] == [(START, "orders", "192.0.2.1"), (START, "billing", "2001:db8::1")]
    assert used()[2:] == [(late, "billing", None), (None, "", None)]
    assert sightings.record({fourth: (START, "orders", "")}) == 1
    assert used()[-1] == (START, "orders", None)
    assert sightings.record({}) == 0


def test_d25_more_than_one_batch_is_written_whole(db, monkeypatch) -> None:
    monkeypatch.setattr(sightings, "_BATCH", 2)
    ids = issued(5)
    assert sightings.record(dict.fromkeys(ids, (START, "orders", ""))) == 5
    assert {at for at, _, _ in used()} == {START}


def test_d25_processes_that_saw_the_same_tokens_do_not_block_each_other(own_database) -> None:
    ids = issued(40)
    rounds = 20

    def write(index: int) -> int:
        order = ids if index % 2 else ids[::-1]
        return sum(
            sightings.record({each: (START + timedelta(hours=hour, seconds=index), "orders", "") for each in order})
            for hour in range(rounds)
        )

    moved = [outcome.get() for outcome in own_database.run_in_threads(4, write)]
    assert len(ids) <= sum(moved) <= rounds * len(ids)
    assert {at for at, _, _ in used()} <= {START + timedelta(hours=rounds - 1, seconds=index) for index in range(4)}
