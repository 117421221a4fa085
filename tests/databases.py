"""A database of one's own, and callers that race on it.

The request log refuses UPDATE, DELETE and TRUNCATE, so a test that commits can't be cleaned up after. It works on a
copy of the migrated test database instead, and the copy is thrown away. See the fixture `own_database` in conftest.py.
"""

import importlib
import os
import pickle
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

PROJECT = Path(__file__).resolve().parent.parent
RACE_SECONDS = 90


@dataclass
class Outcome:
    """What one caller of a race came back with."""

    value: Any = None
    error: BaseException | None = None

    def get(self) -> Any:
        if self.error is not None:
            raise self.error
        return self.value


def close_connections() -> None:
    """Give back what this thread holds; a thread that ends without it would keep its connection open."""
    from django.db import connections

    connections.close_all()


def _disconnect() -> None:
    """No connection of this process is left on the default database, the pool's included."""
    from django.db import connection

    close_connections()
    if connection.vendor == "postgresql":
        connection.close_pool()  # type: ignore[attr-defined]


@dataclass
class OwnDatabase:
    """The clone: where it is, and what it takes to work with it."""

    name: str
    data_dir: Path
    extra: dict[str, str] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        """For a process that works on this database: a whole installation of its own, with the secrets of the tests."""
        return {**os.environ, "DATA_DIR": str(self.data_dir), **self.extra}

    def run_in_threads(self, n: int, function: Callable[..., Any], *args: Any) -> list[Outcome]:
        return run_in_threads(n, function, *args)

    def run_in_processes(self, n: int, dotted: str, *args: Any) -> list[Outcome]:
        return run_in_processes(n, dotted, *args, environment=self.environment())


@contextmanager
def cloned(folder: Path) -> Iterator[OwnDatabase]:
    """Point Django's default connection at a fresh copy of the migrated test database, and back again."""
    from django.conf import settings
    from django.db import connection

    # One dictionary: connections that other threads open later are made from it as well.
    stated = connection.settings_dict
    template = stated["NAME"]
    _disconnect()
    shutil.copytree(settings.DATA_DIR / "secrets", folder / "secrets", dirs_exist_ok=True)
    if connection.vendor == "postgresql":
        clone = f"{template[:40]}_{uuid.uuid4().hex[:12]}"
        own = OwnDatabase(clone, folder, {"DATABASE_URL": _renamed(os.environ["DATABASE_URL"], clone)})
        _create_postgresql(template, clone)
    else:
        # The name the settings give it, so that another process finds it by DATA_DIR alone.
        clone = str(folder / "latchkey.sqlite3")
        own = OwnDatabase(clone, folder)
        with closing(sqlite3.connect(template)) as source, closing(sqlite3.connect(clone)) as target:
            source.backup(target)
    try:
        stated["NAME"] = clone
        yield own
    finally:
        _disconnect()
        stated["NAME"] = template
        if connection.vendor == "postgresql":
            with _maintenance() as cursor:
                cursor.execute(f'DROP DATABASE IF EXISTS "{clone}" WITH (FORCE)')


@contextmanager
def _maintenance() -> Iterator[Any]:
    from django.db import connection

    with connection._nodb_cursor() as cursor:
        yield cursor


def _create_postgresql(template: str, clone: str) -> None:
    """A template must have no other session: those that a test left behind are ended first."""
    with _maintenance() as cursor:
        for attempt in range(20):
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()",
                [template],
            )
            try:
                cursor.execute(f'CREATE DATABASE "{clone}" TEMPLATE "{template}"')
            except Exception:
                if attempt == 19:
                    raise
                time.sleep(0.1)
            else:
                return


def _renamed(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path="/" + quote(name)))


def run_in_threads(n: int, function: Callable[..., Any], *args: Any) -> list[Outcome]:
    """Call `function(index, *args)` from n threads that start together. The outcomes come in the order of the index."""
    outcomes = [Outcome() for _ in range(n)]
    start = threading.Barrier(n)

    def call(index: int) -> None:
        try:
            start.wait(RACE_SECONDS)
            outcomes[index].value = function(index, *args)
        except BaseException as error:  # noqa: BLE001 - handed back to the test, which judges it
            outcomes[index].error = error
        finally:
            close_connections()

    threads = [threading.Thread(target=call, args=(index,), name=f"caller {index}", daemon=True) for index in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(RACE_SECONDS)
    if late := [thread.name for thread in threads if thread.is_alive()]:
        raise TimeoutError(f"no answer after {RACE_SECONDS} seconds from {', '.join(late)}")
    return outcomes


def run_in_processes(n: int, dotted: str, *args: Any, environment: dict[str, str] | None = None) -> list[Outcome]:
    """Call `function(index, *args)`, named as "package.module.function", from n processes that start together.

    Arguments, results and exceptions must be picklable. Each process has Django set up and connects by its environment.
    """
    command = [sys.executable, "-m", "tests.databases"]
    callers = [
        subprocess.Popen(command, cwd=PROJECT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for _ in range(n)
    ]
    killer = threading.Timer(RACE_SECONDS, _kill, [callers])
    killer.start()
    try:
        for index, caller in enumerate(callers):
            assert caller.stdin is not None
            pickle.dump((dotted, index, args), caller.stdin)
            caller.stdin.flush()
        ready = [_read(caller) for caller in callers]
        for caller in callers:
            assert caller.stdin is not None
            try:
                caller.stdin.write(b"go\n")
                caller.stdin.flush()
            except BrokenPipeError:
                pass  # it died already; _read says so
        return [
            first if first.error is not None else _read(caller) for first, caller in zip(ready, callers, strict=True)
        ]
    finally:
        killer.cancel()
        for caller in callers:
            if caller.stdin is not None:
                with suppress(BrokenPipeError):  # it died; what it left unread is nobody's concern
                    caller.stdin.close()
            if caller.poll() is None:
                try:
                    caller.wait(10)
                except subprocess.TimeoutExpired:
                    caller.kill()
            caller.wait()
            if caller.stdout is not None:
                caller.stdout.close()


def _kill(callers: "list[subprocess.Popen[bytes]]") -> None:
    for caller in callers:
        caller.kill()


def _read(caller: "subprocess.Popen[bytes]") -> Outcome:
    assert caller.stdout is not None
    try:
        outcome: Outcome = pickle.load(caller.stdout)
    except (EOFError, pickle.UnpicklingError):
        return Outcome(error=RuntimeError(f"the process ended without an answer (status {caller.wait()})"))
    return outcome


def _caller() -> None:
    """The other end of run_in_processes. What the function prints goes to stderr: stdout carries the answers."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)

    import django

    dotted, index, args = pickle.load(sys.stdin.buffer)
    django.setup()

    from django.db import connection

    # The module by its own name: this one runs as __main__, and a pickled Outcome must be found again at the other end.
    databases = importlib.import_module("tests.databases")

    def answer(outcome: Any) -> None:
        try:
            data = pickle.dumps(outcome)
        except Exception:  # noqa: BLE001 - whatever can't be pickled is told in words
            data = pickle.dumps(databases.Outcome(error=RuntimeError(repr(outcome))))
        answers.write(data)
        answers.flush()

    try:
        module, _, name = dotted.rpartition(".")
        function = getattr(importlib.import_module(module), name)
        connection.ensure_connection()
    except BaseException as error:  # noqa: BLE001
        answer(databases.Outcome(error=error))
        return
    answer(databases.Outcome())
    sys.stdin.buffer.readline()
    try:
        answer(databases.Outcome(value=function(index, *args)))
    except BaseException as error:  # noqa: BLE001
        answer(databases.Outcome(error=error))
    finally:
        _disconnect()


if __name__ == "__main__":
    _caller()
