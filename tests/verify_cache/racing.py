"""Two processes verify, or introspect, in loops while a third ends what they find good, in every way there is."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.verify_cache.board import ENDED, NOW, OVER, STOP, VERIFIERS, Board, wait_for
from tests.verify_cache.changes import CHANGES, Round, Scene
from tests.world import call
from tokens.lifecycle import Client
from tokens.verify_cache import kept
from tokens.verify_cache.marking import MarkingConnection

WRITER = VERIFIERS


def ask(proxy: str, token: str) -> int:
    return call("/auth/verify", method="GET", HTTP_AUTHORIZATION=f"Bearer {token}", HTTP_X_PROXY=proxy).status


class Introspecting:
    """Asks the introspection endpoint in the name of a client that may know; 200 means active, as it was at first."""

    def __init__(self, clients: dict[str, tuple[str, str]]) -> None:
        self._clients = [Client(*pair) for pair in clients.values()]
        self._known: dict[str, tuple[Client, object]] = {}

    def __call__(self, proxy: str, token: str) -> int:
        if (known := self._known.get(token)) is not None:
            status, audience = self._asked(known[0], token)
            return 205 if status == 200 and audience != known[1] else status
        for client in self._clients:
            status, audience = self._asked(client, token)
            if status == 200:
                self._known = {token: (client, audience)}
                break
        return status

    def _asked(self, client: Client, token: str) -> tuple[int, object]:
        answered = call("/oauth2/introspect", {"token": token}, client=client)
        if answered.status != 200:
            return answered.status, None
        return 200 if answered.json["active"] else 204, answered.json.get("aud")


Question = Callable[[str, str], int]


def question(door: str, clients: dict[str, tuple[str, str]]) -> Question:
    return Introspecting(clients) if door == "introspect" else ask


def _counting() -> list[int]:
    """How many answers were taken from memory, counted from now on."""
    count, found = [0], kept.found

    def counted(asked: bytes) -> Any:
        answer = found(asked)
        count[0] += answer is not None
        return answer

    kept.found = counted
    return count


def verify_in_a_loop(index: int, board: Board, ask: Question = ask) -> dict[str, int]:
    numbers, count = board.numbers, _counting()
    statuses: dict[int, int] = {}
    known, warm = 0, 0
    while not numbers[STOP]:
        now, ended = numbers[NOW], numbers[ENDED]
        if now != known:
            known, warm, before = now, 0, count[0]
        if numbers[OVER] >= now:
            numbers[board.of(index, 3)] = now
            time.sleep(0.0005)
            continue
        shown = board.shown() if now else None
        if shown is None or numbers[NOW] != now:
            continue
        status = ask(*shown)
        statuses[status] = statuses.get(status, 0) + 1
        if ended >= now:
            numbers[board.of(index, 2 if status == 200 else 1)] = (
                now if status != 200 else numbers[board.of(index, 2)] + 1
            )
        elif status == 200:
            warm = count[0] - before
            if warm >= 2:
                numbers[board.of(index, 0)] = now
    return {"kept": count[0], "stale": numbers[board.of(index, 2)], **{str(key): n for key, n in statuses.items()}}


def play(board: Board, round_: Round, ask: Question = ask) -> dict[str, int]:
    """One round; what was wrong with it."""
    numbers = board.numbers
    board.show(round_.proxy, round_.token)
    now = numbers[NOW]
    warm = ask(round_.proxy, round_.token) == 200 and wait_for(lambda: board.all_at(0, now), 3)
    round_.end()
    numbers[ENDED] = now
    stale = ask(round_.proxy, round_.token) == 200
    refused = wait_for(lambda: board.all_at(1, now), 5)
    numbers[OVER] = now
    assert wait_for(lambda: board.all_at(3, now), 10)
    return {"cold": not warm, "stale": stale, "unrefused": not refused}


def write(
    board: Board, names: list[str], rounds: int, clients: dict[str, tuple[str, str]], ask: Question = ask
) -> dict[str, int]:
    from django.conf import settings

    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    scene = Scene(clients)
    total = {"rounds": 0, "cold": 0, "stale": 0, "unrefused": 0}
    try:
        for turn in range(rounds):
            with CHANGES[names[turn % len(names)]](scene) as round_:
                wrong = play(board, round_, ask)
            total = {key: total[key] + wrong.get(key, 1) for key in total}
    finally:
        board.numbers[STOP] = 1
    return total


def race(
    index: int,
    path: str,
    names: list[str],
    rounds: int,
    clients: dict[str, tuple[str, str]],
    door: str = "verify",
) -> dict[str, int]:
    board, ask = Board(Path(path)), question(door, clients)
    if index < VERIFIERS:
        return verify_in_a_loop(index, board, ask)
    return write(board, names, rounds, clients, ask)


@contextmanager
def _never(_connection: MarkingConnection, _word: int) -> Iterator[None]:
    yield


@contextmanager
def _without_a_slot(connection: MarkingConnection, word: int) -> Iterator[None]:
    """The word moves before the commit, and nothing says that the commit is still to come."""
    words = connection.map.words
    words.clear(words.mark(word, connection.info.backend_pid))
    time.sleep(0.01)  # as if it were not scheduled for a moment
    yield


FAULTS = {"never marks": _never, "names no slot": _without_a_slot}


def race_with_a_fault(
    index: int, path: str, fault: str, rounds: int, clients: dict[str, tuple[str, str]], door: str = "verify"
) -> dict[str, int]:
    """As `race`, with a writer that has this fault."""
    if index == WRITER:
        MarkingConnection._marked = FAULTS[fault]  # type: ignore[assignment, method-assign]
    return race(index, path, ["revoke_by_client"], rounds, clients, door)
