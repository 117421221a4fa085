"""What is kept of an introspection, for how long, and what is never kept."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from credentials import clients
from proxies import deployment
from tests.verify_cache.conftest import Clock
from tests.world import Answered, World, call
from tokens import policies, sightings
from tokens.lifecycle import Client, limiting
from tokens.verify_cache import kept
from tokens.verify_cache.words import EVERYTHING, SharedWords

pytestmark = pytest.mark.django_db
INTROSPECT = "/oauth2/introspect"
ISSUE = {"grant_type": "client_credentials"}


def issued(world: World, name: str = "orders") -> dict[str, Any]:
    answered: dict[str, Any] = call("/oauth2/token", ISSUE | {"audience": name}, client=world.clients[name]).json
    return answered


def ask(raw: str, client: Client, path: str = INTROSPECT, **more: Any) -> Answered:
    return call(path, {"token": raw}, client=client, **more)


def is_kept(raw: str, client: Client, **more: Any) -> bool:
    """Whether a second question is answered from memory; both answers are the same."""
    kept._kept.clear()
    first = ask(raw, client, **more)
    before = len(kept._kept)
    second = ask(raw, client, **more)
    assert (first.status, first.headers, first.body) == (second.status, second.headers, second.body)
    assert len(kept._kept) == before
    return before > 0


def test_what_was_told_of_an_active_token_is_kept_without_token_and_secret(world: World, words: SharedWords) -> None:
    raw, client = issued(world)["access_token"], world.clients["orders"]
    assert ask(raw, client).json["active"]
    assert is_kept(raw, client)
    assert raw not in repr(kept._kept)
    assert client.secret not in repr(kept._kept)


def test_a_kept_answer_asks_nothing_and_the_secrets_use_is_noted_all_the_same(
    world: World, words: SharedWords, django_assert_num_queries: Any
) -> None:
    raw, client = issued(world)["access_token"], world.clients["orders"]
    assert ask(raw, client).json["active"]
    sightings._secrets.clear()
    with django_assert_num_queries(0):
        assert ask(raw, client).json["active"]
    assert len(sightings._secrets) == 1


def test_nothing_is_kept_while_the_setting_is_off(world: World, words: SharedWords, settings: Any) -> None:
    settings.VERIFY_CACHE = "off"
    assert not is_kept(issued(world)["access_token"], world.clients["orders"])


def test_a_jwt_of_the_portals_own_is_kept(world: World, words: SharedWords) -> None:
    policies.set_policy(world.orders, by="test", token_format="jwt")
    assert is_kept(issued(world)["access_token"], world.clients["orders"])


def test_what_is_inactive_or_refused_is_not_kept(world: World, words: SharedWords) -> None:
    raw, client = issued(world)["access_token"], world.clients["orders"]
    assert not is_kept(raw, world.clients["billing"])
    assert not is_kept(raw[:-1] + ("x" if raw[-1] != "x" else "y"), client)
    assert ask(raw, Client(client.client_id, "wrong")).status == 401
    assert not kept._kept


def test_a_refresh_token_is_not_kept(world: World, words: SharedWords) -> None:
    raw = issued(world)["refresh_token"]
    assert ask(raw, world.clients["orders"]).json["active"]
    assert not is_kept(raw, world.clients["orders"])


def test_a_wrong_secret_is_refused_whatever_is_kept(world: World, words: SharedWords) -> None:
    raw, client = issued(world)["access_token"], world.clients["orders"]
    assert is_kept(raw, client)
    assert ask(raw, Client(client.client_id, "wrong")).status == 401
    assert call(INTROSPECT, {"token": raw}).status == 401
    assert ask(raw, world.clients["billing"]).json == {"active": False}
    assert ask(raw, client, path="/env/test/oauth2/introspect").json["active"]
    assert call(INTROSPECT, {"token": raw}, client=client, REQUEST_METHOD="PUT").status == 405


def test_another_address_is_another_question(world: World, words: SharedWords) -> None:
    raw, client = issued(world)["access_token"], world.clients["orders"]
    assert ask(raw, client, REMOTE_ADDR="198.51.100.7").json["active"]
    before = len(kept._kept)
    assert ask(raw, client, REMOTE_ADDR="198.51.100.8").json["active"]
    assert len(kept._kept) == before + 1


def test_a_caller_past_its_limit_is_refused_whatever_is_kept(
    world: World, words: SharedWords, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.TOKEN_RATE_LIMIT_PER_MINUTE = 5
    raw, client = issued(world)["access_token"], world.clients["orders"]
    assert is_kept(raw, client)
    monkeypatch.setattr(limiting, "_full", {})
    for _ in range(6):
        ask(raw, Client(client.client_id, "wrong"))
    refused = ask(raw, client)
    assert refused.status == 429
    assert "Retry-After" in refused.headers


def test_who_proves_itself_with_an_edge_is_asked_each_time(world: World, words: SharedWords) -> None:
    raw, client = issued(world)["access_token"], world.clients["orders"]
    assert not is_kept(raw, client, HTTP_X_GATEWAY_TOKEN="whatever")


def test_an_answer_ends_with_its_token_and_with_a_secret_that_retires(
    world: World, words: SharedWords, clock: Clock, settings: Any
) -> None:
    settings.VERIFY_CACHE_MAX_SECONDS = 5
    clock.at = datetime(2026, 5, 4, 12, tzinfo=UTC).timestamp()
    raw, client = issued(world)["access_token"], world.clients["orders"]
    now = timezone.now()
    ends = now + timedelta(seconds=40)
    clients.rotate_secret(world.credentials["orders"], by="test", retire_old_at=ends)
    clock.at = now.timestamp()
    assert is_kept(raw, client)
    (found,) = kept._kept.values()
    assert found.ends_at == pytest.approx(ends.timestamp(), abs=1)


def test_a_moved_word_ends_the_answer(world: World, words: SharedWords) -> None:
    raw, client = issued(world)["access_token"], world.clients["orders"]
    for word in (EVERYTHING, None):
        assert is_kept(raw, client)
        (entry,) = kept._kept
        assert kept.found(entry) is not None
        (found,) = kept._kept.values()
        moved = found.stamp.bucket if word is None else word
        words.clear(words.mark(moved, 1))
        assert kept.found(entry) is None


def test_an_undeployed_proxy_is_told_at_once(world: World, words: SharedWords) -> None:
    raw, client = issued(world)["access_token"], world.clients["orders"]
    assert ask(raw, client).json["active"]
    deployment.undeploy(world.orders, world.test, by="test")
    words.clear(words.mark(EVERYTHING, 1))  # what the connection does, where it is the portal's own
    assert ask(raw, client).json == {"active": False}


def test_a_body_that_cannot_be_read_is_said_so(world: World, words: SharedWords) -> None:
    client = world.clients["orders"]
    answered = call(INTROSPECT, b"token=x", client=client, CONTENT_LENGTH="700")
    assert answered.status == 400
    assert answered.json["error"] == "invalid_request"


class Chunked:
    """A body without a told length, as servers hand it on: piece by piece, and broken where a piece is None."""

    def __init__(self, *pieces: bytes | None) -> None:
        self._pieces = list(pieces)

    def read(self, size: int = -1) -> bytes:
        piece = self._pieces.pop(0) if self._pieces else b""
        if piece is None:
            raise OSError("broken")
        return piece


@pytest.mark.parametrize("begun", [b"x" * 65_537, None], ids=["too large", "broken"])
def test_the_rest_of_a_refused_body_is_never_taken_for_the_form(
    world: World, words: SharedWords, begun: bytes | None
) -> None:
    form = f"token={issued(world)['access_token']}".encode()
    chunked = {"CONTENT_LENGTH": "", "wsgi.input_terminated": True}
    client = world.clients["orders"]
    whole = call(INTROSPECT, b"", client=client, **chunked, **{"wsgi.input": Chunked(form)})
    assert whole.json["active"]
    refused = call(INTROSPECT, b"", client=client, **chunked, **{"wsgi.input": Chunked(begun, form)})
    assert (refused.status, refused.json["error"]) == (400, "invalid_request")


@pytest.mark.parametrize(
    "facts", [{"REQUEST_METHOD": "PUT"}, {"CONTENT_TYPE": "text/plain"}, {"QUERY_STRING": "token=abc"}], ids=str
)
def test_the_body_of_what_is_refused_anyway_is_not_read(
    world: World, words: SharedWords, facts: dict[str, Any]
) -> None:
    unread = Chunked(None)
    answered = call(INTROSPECT, b"", client=world.clients["orders"], **facts, **{"wsgi.input": unread})
    assert answered.status in {400, 405}
    assert unread._pieces == [None]
