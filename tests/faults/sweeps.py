"""Run by the harness in a process of its own, with the environment of a database that background work sweeps.

python -m tests.faults.sweeps prepare         makes something to do for each job
python -m tests.faults.sweeps sweep           runs each job once, to its end
python -m tests.faults.sweeps standing        prints as JSON how many rows each table has
"""

import json
import sys
from datetime import timedelta
from typing import Any

import django


def prepare() -> None:
    """Also rows of the log that have settled: in the first run there would be none to seal."""
    from django.utils import timezone

    from tests.faults import test_jobs_killed
    from tokens import sealing

    test_jobs_killed.prepare()
    sealing.seal(at=timezone.now() - timedelta(minutes=5))


def sweep() -> None:
    from tests.faults import test_jobs_killed
    from tests.jobs import ran

    for name in test_jobs_killed.names():
        ran(name)


def standing() -> dict[str, Any]:
    """Without the sums by the hour, in which an hour may end between two looks: they are compared with the log."""
    from tests.faults import test_jobs_killed

    left_out = ("requests by the hour", "tokens_requestrollup")
    return {name: count for name, count in test_jobs_killed.standing().items() if name not in left_out}


if __name__ == "__main__":
    django.setup()
    print(json.dumps({"prepare": prepare, "sweep": sweep, "standing": standing}[sys.argv[1]]()))
