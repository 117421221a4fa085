"""Programs of a test: started, waited for until they listen, and ended by their process id."""

import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

START_SECONDS = 60.0
STOP_SECONDS = 20.0


def listens(port: int) -> bool:
    """True where somebody accepts on the loopback port."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


@contextmanager
def running(
    command: Sequence[str | Path],
    port: int,
    log: Path,
    *,
    environment: Mapping[str, str],
    folder: Path,
    ready: Callable[[int], bool] = listens,
    end: signal.Signals = signal.SIGTERM,
) -> Iterator[subprocess.Popen[bytes]]:
    """The program, from the moment it is ready on its port until it is told to end."""
    with log.open("ab") as out:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=out, stderr=out)
    try:
        deadline = time.monotonic() + START_SECONDS
        while not ready(port):
            assert process.poll() is None, f"{command[0]} ended:\n{log.read_text(errors='replace')}"
            assert time.monotonic() < deadline, f"{command[0]} is not ready:\n{log.read_text(errors='replace')}"
            time.sleep(0.02)
        yield process
    finally:
        process.send_signal(end)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
