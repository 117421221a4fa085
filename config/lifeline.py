"""A child that must not outlive its parent, even where the parent was killed with -9 and could not say goodbye.

Linux tells the child by a signal (PR_SET_PDEATHSIG). Everywhere else, and where the signal was missed, the child looks
once a second whether its parent is still the one it started with. A graceful stop gets its time; then the process
ends, whatever it was doing.
"""

import ctypes
import os
import signal
import sys
import threading
import time

VARIABLE = "LATCHKEY_PARENT"
PR_SET_PDEATHSIG = 1
LOOK_EVERY_SECONDS = 1.0
GRACE_SECONDS = 10.0


def environment() -> dict[str, str]:
    """For a child of this process: our own environment and the name of the parent to live with."""
    return {**os.environ, VARIABLE: str(os.getpid())}


def parent() -> int | None:
    """The process to live with, or None where nobody asked for that."""
    given = os.environ.get(VARIABLE, "")
    return int(given) if given.isdigit() else None


def live_with_parent(*, watch: bool = True) -> None:
    """End by SIGTERM when the parent ends. `watch=False` leaves the looking out, for a process that forks and so must
    have no threads.
    """
    expected = parent()
    if expected is None:
        return
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != expected:  # it died before we could ask for the signal
        raise SystemExit("the parent process is gone")
    if watch or sys.platform != "linux":
        threading.Thread(target=_watch, args=(expected,), name="lifeline", daemon=True).start()


def _watch(expected: int) -> None:
    while os.getppid() == expected:
        time.sleep(LOOK_EVERY_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    os._exit(1)
