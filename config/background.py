"""Background work of the embedded installation: one process with Celery's worker (threads) and beat.

    python -m config.background

Its broker is a folder in DATA_DIR, so there is nothing to install. A message lost by kill -9 does no harm: every task
is a sweep over what is due, and the next tick does it. Production runs `celery -A config worker` and `celery -A config
beat` instead; a beat inside `celery worker -B` lives on as an orphan after kill -9 and is not used.
"""

import fcntl
import os
import sys
import time
from pathlib import Path
from typing import IO, Any

WAIT_FOR_LOCK_SECONDS = 15.0


def only_one(path: Path, wait: float = WAIT_FOR_LOCK_SECONDS) -> IO[str] | None:
    """The lock on `path`, held as long as the returned file is open and by the kernel given back when we die; None:
    another has it.

    It waits a little, since the predecessor of a portal that was killed needs a second to notice.
    """
    file = path.open("a+", encoding="ascii")
    path.chmod(0o600)
    end = time.monotonic() + wait
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= end:
                file.close()
                return None
            time.sleep(0.2)
        else:
            file.truncate(0)
            file.write(f"{os.getpid()}\n")
            file.flush()
            return file


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

    import django
    from celery.beat import EmbeddedService
    from django.conf import settings

    from config import lifeline
    from config.celery import app

    os.umask(0o077)
    lifeline.live_with_parent()
    django.setup()
    lock = only_one(settings.DATA_DIR / "background.lock")
    if lock is None:
        print("Background work for this data folder runs already.", file=sys.stderr)
        return 75
    beat: Any = EmbeddedService(app, thread=True)
    beat.start()
    try:
        worker = app.Worker(
            pool="threads",
            concurrency=2,
            loglevel="WARNING",
            without_mingle=True,
            without_gossip=True,
            without_heartbeat=True,
            quiet=True,
        )
        worker.start()
        return int(worker.exitcode or 0)
    finally:
        beat.stop()
        lock.close()


if __name__ == "__main__":
    sys.exit(main())
