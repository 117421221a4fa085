"""What is kept of a verification, for how long, and what is never kept."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from credentials import clients
from proxies import catalogue
from proxies.catalogue import Rule
from tests.verify_cache.conftest import Clock
from tests.world import Answered, World, call
from tokens import policies, sightings
from tokens.verify_cache import kept
from tokens.verify_cache.words import EVERYTHING, SharedWords

pytestmark = pytest.mark.django_db


def token(world: World, name: str = "orders") -> str:
    form = {"grant_type": "client_credentials", "audience": name}
    raw: str = call("/oauth2/token", form, client=world.clients[name]).json["access_token"]
    return raw


def ask(raw: str, proxy: str = "orders", **more: Any) -> Answered:
    return call("/auth/verify", method="GET", HTTP_AUTHORIZATION=f"Bearer {raw}", HTTP_X_PROXY=proxy, **more)


def is_kept(raw: str, **more: Any) -> bool:
    """Whether a second question is answered from memory; both answers are the same."""
    kept._kept.clear()
    first = ask(raw, **more)
    before = len(kept._kept)
    second = ask(raw, **more)
    assert (first.status, first.headers, first.body) == (second.status, second.headers, second.body)
    assert first.status == 200
    return before == 1


def test_a_good_answer_is_kept_and_the_same_and_without_the_token(world: World, words: SharedWords) -> None:
    raw = token(world)
    assert is_kept(raw)
    assert raw not in repr(kept._kept)
    assert raw[8:24] not in repr(kept._kept)


def test_a_kept_answer_asks_nothing_and_is_a_sighting_all_the_same(
    world: World, words: SharedWords, django_assert_num_queries: Any
) -> None:
    raw = token(world)
    ask(raw)
    sightings._seen.clear()
    with django_assert_num_queries(0):
        assert ask(raw, REMOTE_ADDR="192.0.2.99").status == 200
    assert [(proxy, address) for _, proxy, address in sightings._seen.values()] == [("orders", "192.0.2.99")]
    sightings._seen.clear()


def test_nothing_is_kept_while_the_setting_is_off(world: World, words: SharedWords, settings: Any) -> None:
    settings.VERIFY_CACHE = "off"
    assert not is_kept(token(world))


@pytest.mark.parametrize("seconds", [5.0, 6.0])
def test_an_answer_counts_for_five_seconds(world: World, words: SharedWords, clock: Clock, seconds: float) -> None:
    raw = token(world)
    ask(raw)
    (asked,) = kept._kept
    clock.move(4.99)
    assert kept.found(asked) is not None
    clock.move(seconds - 4.99)
    assert kept.found(asked) is None


def test_an_answer_ends_with_its_token(world: World, words: SharedWords, clock: Clock) -> None:
    policies.set_policy(world.orders, by="test", access_token_lifetime_secs=2)
    ask(token(world))
    (asked,) = kept._kept
    clock.at += 60  # the wall clock's word, by which the token ends
    assert kept.found(asked) is None


def test_an_answer_ends_with_the_day_in_which_it_was_asked_for(words: SharedWords, clock: Clock) -> None:
    clock.at += 86_400 - clock.at % 86_400 - 1
    chance = kept.Chance()
    clock.at += 0.5
    chance.keep(b"before midnight", "answer", kept.Basis(1, None))
    assert kept.found(b"before midnight") == "answer"
    clock.at += 0.5
    assert kept.found(b"before midnight") is None


def test_an_answer_asked_for_before_midnight_and_found_after_it_is_not_used(words: SharedWords, clock: Clock) -> None:
    clock.at += 86_400 - clock.at % 86_400 - 1
    chance = kept.Chance()
    clock.at += 2
    chance.keep(b"x", "answer", kept.Basis(1, None))
    assert kept.found(b"x") is None


def test_a_look_too_old_or_a_gap_between_looks_ends_every_answer(
    world: World, words: SharedWords, clock: Clock
) -> None:
    ask(token(world))
    (asked,) = kept._kept
    kept.watch.counts_until = clock.monotonic
    assert kept.found(asked) is None
    kept.watch.counts_until = clock.monotonic + 1
    assert kept.found(asked) is not None
    kept.watch.period = object()
    assert kept.found(asked) is None


def test_a_moved_word_ends_every_answer_under_it(world: World, words: SharedWords) -> None:
    ask(token(world))
    (asked,) = kept._kept
    words.clear(words.mark(EVERYTHING, 1))
    assert kept.found(asked) is None


def test_another_proxy_scope_environment_or_token_is_another_question(world: World, words: SharedWords) -> None:
    raw = token(world)
    ask(raw)
    assert ask(raw, proxy="billing").status == 401
    assert ask(raw, HTTP_X_REQUIRED_SCOPE="admin").status == 403
    assert ask(raw + "x").status == 401
    elsewhere = call("/env/live/auth/verify", method="GET", HTTP_AUTHORIZATION=f"Bearer {raw}", HTTP_X_PROXY="orders")
    assert elsewhere.status == 401
    assert ask(f"{raw}, Bearer {raw}").status == 401
    assert ask(raw, proxy="orders, billing").status == 400


def test_parts_of_a_question_never_run_into_each_other() -> None:
    asked = [("a", "b"), ("ab", ""), ("", "ab"), ("a', 'b", ""), (None, "b"), ("None", "b"), ("\udce9", ""), ("é", "")]
    assert len({kept.key(*parts) for parts in asked}) == len(asked)


def test_refusals_are_not_kept(world: World, words: SharedWords) -> None:
    ask("nothing")
    ask(token(world), proxy="billing")
    assert not kept._kept


def test_a_bad_gateway_is_refused_whatever_is_kept(world: World, words: SharedWords) -> None:
    raw = token(world)
    assert is_kept(raw)
    assert ask(raw, HTTP_X_GATEWAY_TOKEN="wrong").status == 403


def test_where_the_path_has_a_say_nothing_is_kept(world: World, words: SharedWords, settings: Any) -> None:
    settings.TRUSTED_GATEWAYS = ["192.0.2.0/24"]
    raw = token(world)
    told = {"HTTP_X_ORIGINAL_METHOD": "GET", "HTTP_X_ORIGINAL_URI": "/a"}
    assert is_kept(raw, **told)
    catalogue.set_path_rules(world.orders, [Rule("POST", "/", "write", "all")], by="test")
    assert not is_kept(raw, **told)


def test_where_a_token_may_stand_in_the_url_nothing_is_kept(world: World, words: SharedWords) -> None:
    catalogue.change_proxy(world.orders, accept_token_in_url=True, by="test")
    assert not is_kept(token(world))


def test_where_a_grant_disallows_methods_nothing_is_kept(world: World, words: SharedWords, settings: Any) -> None:
    settings.TRUSTED_GATEWAYS = ["192.0.2.0/24"]
    client = world.credential("shop", world.billing)
    policies.set_policy(world.credentials["shop"], by="test", access_token_lifetime_secs=3600)
    form = {"grant_type": "client_credentials", "audience": "billing"}
    raw = call("/oauth2/token", form, client=client).json["access_token"]
    told = {"HTTP_X_ORIGINAL_METHOD": "GET", "HTTP_X_ORIGINAL_URI": "/a", "proxy": "billing"}
    assert is_kept(raw, **told)
    clients.grant(to=world.credentials["shop"], target=world.billing, disallowed_methods="POST", by="test")
    assert not is_kept(raw, **told)


def test_inside_somebody_elses_transaction_nothing_is_kept(
    world: World, words: SharedWords, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "connection", type("Inside", (), {"in_atomic_block": True}))
    assert not is_kept(token(world))


def test_memory_is_bounded(world: World, words: SharedWords, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "_MOST", 3)
    raw = token(world)
    for number in range(9):
        ask(raw, HTTP_X_REQUIRED_SCOPE="read" + " " * number)
    assert 0 < len(kept._kept) <= 3


def test_the_end_of_an_answer_is_the_first_of_all_ends(words: SharedWords, clock: Clock) -> None:
    chance = kept.Chance()
    soon = datetime.fromtimestamp(clock.at, UTC) + timedelta(seconds=1)
    chance.keep(b"x", "answer", kept.Basis(1, soon))
    assert kept._kept[b"x"].ends_at <= soon.timestamp()
