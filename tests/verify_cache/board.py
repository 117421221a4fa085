"""What the processes of a race tell each other: a few numbers and the token of the round, in a file that they map."""

import mmap
import time
from collections.abc import Callable
from pathlib import Path

_NUMBERS, _SIZE = 64, 8192
NOW, ENDED, STOP, OVER = range(4)
VERIFIERS = 2


class Board:
    """NOW: the round. ENDED: the last round whose token must be refused by whoever asks from now on.

    OVER: the last round that nobody is to ask about any more; what ended its token may be undone.
    """

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(bytes(_SIZE))
        with path.open("r+b") as file:
            memory = memoryview(mmap.mmap(file.fileno(), _SIZE))
        self.numbers = memory[: 8 * _NUMBERS].cast("Q")
        self._text = memory[8 * _NUMBERS :]

    def show(self, proxy: str, token: str) -> None:
        """The token of the next round, and then the round."""
        said = f"{proxy} {token}\n".encode()
        self._text[: len(said)] = said
        self.numbers[NOW] += 1

    def shown(self) -> tuple[str, str]:
        proxy, token = bytes(self._text).split(b"\n", 1)[0].decode().split(" ")
        return proxy, token

    def of(self, verifier: int, what: int) -> int:
        """Where a verifier says: the round it was last warm in (0), refused in (1), left (3); stale ones (2)."""
        return 8 + 4 * verifier + what

    def all_at(self, what: int, least: int) -> bool:
        return all(self.numbers[self.of(verifier, what)] >= least for verifier in range(VERIFIERS))


def wait_for(happened: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > end:
            return False
        time.sleep(0.0002)
    return True
