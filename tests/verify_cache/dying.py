"""Writers that die by kill -9 in the middle of a commit, or come from elsewhere, each a fork of a clean process."""

import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils import timezone

from tests import databases
from tests.verify_cache.board import STOP, VERIFIERS, Board, wait_for
from tests.verify_cache.changes import Round, Scene
from tests.verify_cache.racing import ask, play, verify_in_a_loop
from tests.world import REQUEST
from tokens import lifecycle
from tokens.models import TokenFamily
from tokens.statements import revoke
from tokens.verify_cache import host
from tokens.verify_cache.words import SharedWords

JUDGE, MORTUARY = VERIFIERS, VERIFIERS + 1
ASKED, DONE, FAMILY, HOW, SESSION = 40, 41, 42, 43, 44
WAYS = ("after the commit", "before the commit", "within the commit", "from a stranger", "from another map")


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _prepare_to_die(way: str, board: Board) -> None:
    mark, clear = SharedWords.mark, SharedWords.clear

    def marked(words: SharedWords, word: int, session: int) -> int:
        slot = mark(words, word, session)
        if way == "before the commit":
            _die()
        # The server stops before it hears of the commit, and we die with the commit in its ears.
        board.numbers[SESSION] = session
        os.kill(session, signal.SIGSTOP)
        threading.Timer(0.1, _die).start()
        return slot

    def cleared(words: SharedWords, slot: int) -> None:
        _die()
        clear(words, slot)

    if way == "after the commit":
        SharedWords.clear = cleared  # type: ignore[assignment, method-assign]
    else:
        SharedWords.mark = marked  # type: ignore[assignment, method-assign]


def _end(way: str, board: Board, elsewhere: Path) -> None:
    """In the forked process."""
    family_id, turn = board.numbers[FAMILY], board.numbers[ASKED]
    if way == "from a stranger":
        settings.VERIFY_CACHE = "off"
    elif way == "from another map":
        host.FOLDER = elsewhere
    else:
        _prepare_to_die(way, board)
    if turn % 2 and way != "within the commit":  # alone a statement is prepared first, and would never be sent
        revoke.revoke_family(family_id=family_id, now=timezone.now(), by="test", because="test")
    else:
        family = TokenFamily.objects.get(pk=family_id)
        lifecycle.revoke_family(family, by="test", because="test", request=REQUEST)


def keep_dying(board: Board, elsewhere: Path) -> None:
    """Fork a writer for each that is asked for, and say when it is dead."""
    databases._disconnect()
    numbers = board.numbers
    while not numbers[STOP]:
        if numbers[ASKED] == numbers[DONE]:
            time.sleep(0.0005)
            continue
        numbers[SESSION] = 0
        child = os.fork()
        if not child:
            try:
                _end(WAYS[numbers[HOW]], board, elsewhere)
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        numbers[DONE] = numbers[ASKED]


def judge(board: Board, way: str, rounds: int, clients: dict[str, tuple[str, str]]) -> dict[str, int]:
    numbers, scene = board.numbers, Scene(clients)
    ask("orders", "nothing")  # the watch begins to look
    joined = host.joined(connection.settings_dict)
    assert joined is not None
    total = {"rounds": 0, "cold": 0, "stale": 0, "unrefused": 0, "early": 0, "left": 0}
    try:
        for _ in range(rounds):
            raw = scene.issued("orders", "orders")["access_token"]
            family_id = scene.family().pk

            def end(family_id: int = family_id) -> None:
                numbers[FAMILY], numbers[HOW] = family_id, WAYS.index(way)
                numbers[ASKED] += 1
                assert wait_for(lambda: numbers[DONE] == numbers[ASKED], 20)
                _aftermath(way, board, family_id, joined.words, total)

            for key, wrong in play(board, Round("orders", raw, end)).items():
                total[key] += wrong
            total["left"] += not wait_for(lambda: not joined.words.marked(), 10)
            total["rounds"] += 1
    finally:
        numbers[STOP] = 1
    return total


def _aftermath(way: str, board: Board, family_id: int, words: SharedWords, total: dict[str, int]) -> None:
    """Until the family is revoked for certain."""
    family = TokenFamily.objects.filter(pk=family_id)
    if way == "before the commit":
        assert family.get().revoked_at is None
        assert ask(*board.shown()) == 200
        assert wait_for(lambda: not words.marked(), 10)
        assert ask(*board.shown()) == ask(*board.shown()) == 200
        lifecycle.revoke_family(family.get(), by="test", because="test", request=REQUEST)
    if way == "within the commit":
        try:
            time.sleep(1.2)  # two looks of each verifier, and the session is there still
            total["early"] += not words.marked()
        finally:
            os.kill(board.numbers[SESSION], signal.SIGCONT)
        assert wait_for(lambda: family.get().revoked_at is not None, 10)


def die(index: int, folder: str, way: str, rounds: int, clients: dict[str, tuple[str, str]]) -> Any:
    path = Path(folder)
    board = Board(path / "board")
    if index < VERIFIERS:
        return verify_in_a_loop(index, board)
    if index == JUDGE:
        return judge(board, way, rounds, clients)
    return keep_dying(board, path / "elsewhere")
