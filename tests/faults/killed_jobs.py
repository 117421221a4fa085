"""Jobs that are killed with -9 before each of their statements in turn, each time by themselves.

Called in a process of its own (tests/databases.py), with Django set up.
"""

import os
import signal
from datetime import datetime, timedelta
from typing import Any

AT_MOST = 400


def killed_everywhere(_index: int, name: str, at: datetime) -> int:
    """Start the job again and again, each time killed one statement later, until a run ends by itself.

    Between two runs the lease of the killed one runs out. How often it was killed.
    """
    from proxies import jobs

    for number in range(1, AT_MOST):
        at += jobs.LEASE + timedelta(seconds=1)
        if _forked(name, at, number):
            return number - 1
    raise AssertionError(f"{name} does not come to an end")


def _forked(name: str, at: datetime, number: int) -> bool:
    """Run the job in a child that kills itself before its statement of this number; whether it came to the end."""
    child = os.fork()
    if child == 0:
        try:
            _run(name, at, number)
        except BaseException:  # noqa: BLE001 - a fork must never go back into the caller's code
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return False
    assert os.WEXITSTATUS(status) == 0, f"{name} failed"
    return True


def _run(name: str, at: datetime, number: int) -> None:
    from django.db import connection, connections

    from proxies import jobs

    connections.close_all()
    left = [number]

    def count(execute: Any, *statement: Any) -> Any:
        left[0] -= 1
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)
        return execute(*statement)

    jobs.request(name, by="test", at=at)
    with connection.execute_wrapper(count):
        run = jobs.run(name, at=at)
    assert run is not None, "another has it"
    assert run.outcome == "done", run.trouble
    connections.close_all()
