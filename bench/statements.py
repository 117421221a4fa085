"""How many SQL statements each operation takes, without BEGIN, COMMIT and SAVEPOINT.

    python -m bench.statements

Works on a database of its own, made and dropped again: SQLite, or the PostgreSQL that DATABASE_URL names. A test holds
the numbers below the limits (tests/tokens/test_statements.py).
"""

import base64
import io
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

# The most that an operation of a client_secret client may take, the rate limiter apart.
LIMITS = {"verify": 2, "introspect": 3, "issue": 5, "refresh": 5}
FORMATS = ("opaque", "jwt")
_APART = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE")

# Path and form in, status and JSON out: how a door is called.
Ask = Callable[[str, dict[str, str], dict[str, str]], tuple[int, dict[str, Any]]]


@contextmanager
def counted() -> Iterator[list[str]]:
    """The statements that run inside, those of transactions apart."""
    from django.db import connection

    seen: list[str] = []

    def note(execute: Any, sql: str, parameters: Any, many: bool, context: Any) -> Any:
        if not sql.lstrip().upper().startswith(_APART):
            seen.append(sql)
        return execute(sql, parameters, many, context)

    with connection.execute_wrapper(note):
        yield seen


def door(path: str, form: dict[str, str], headers: dict[str, str]) -> tuple[int, dict[str, Any]]:
    """Call a door as a server would."""
    from tokens import doors

    body = urlencode(form).encode()
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "REMOTE_ADDR": "192.0.2.7",
        "CONTENT_TYPE": "application/x-www-form-urlencoded",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
        **headers,
    }
    found = doors.find(path)
    assert found is not None
    told: list[str] = []
    answer = b"".join(doors.serve(found, environ, lambda status, _: told.append(status)))
    return int(told[0].split()[0]), json.loads(answer) if answer else {}


def basic(client_id: str, secret: str) -> dict[str, str]:
    """The header of a client."""
    return {"HTTP_AUTHORIZATION": "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()}


def issue(header: dict[str, str], target: str) -> dict[str, Any]:
    """A token."""
    status, answer = door("/oauth2/token", {"grant_type": "client_credentials", "audience": target}, header)
    assert status == 200, answer
    return answer


def measure(client_id: str, secret: str, target: str) -> dict[str, list[str]]:
    """Operation -> its statements, each asked once before so that keys are in the process already."""
    header = basic(client_id, secret)

    def refresh(token: dict[str, Any]) -> dict[str, Any]:
        form = {"grant_type": "refresh_token", "refresh_token": token["refresh_token"]}
        status, answer = door("/oauth2/token", form, header)
        assert status == 200, answer
        return answer

    def introspect(token: dict[str, Any]) -> None:
        status, answer = door("/oauth2/introspect", {"token": token["access_token"]}, header)
        assert (status, answer.get("active")) == (200, True), answer

    def verify(token: dict[str, Any]) -> None:
        bearer = {"HTTP_AUTHORIZATION": f"Bearer {token['access_token']}", "HTTP_X_PROXY": target}
        assert door("/auth/verify", {}, bearer)[0] == 200

    def revoke(token: dict[str, Any]) -> None:
        assert door("/oauth2/revoke", {"token": token["refresh_token"]}, header)[0] == 200

    warm = refresh(issue(header, target))
    introspect(warm)
    verify(warm)
    found: dict[str, list[str]] = {}
    with counted() as found["issue"]:
        token = issue(header, target)
    with counted() as found["refresh"]:
        token = refresh(token)
    for name, operation in (("introspect", introspect), ("verify", verify), ("revoke", revoke)):
        with counted() as found[name]:
            operation(token)
    return found


def main() -> int:
    """Print the table; 1 where a limit is broken."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(DATA_DIR=folder, TOKEN_RATE_LIMIT_PER_MINUTE="0", DATABASE_POOL="0")
        os.environ["CLIENT_RATE_LIMIT_PER_MINUTE"] = "0"
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
        import django

        django.setup()
        from django.db import connection

        from tokens import sightings

        name = connection.settings_dict["NAME"]
        connection.creation.create_test_db(verbosity=0, serialize=False)
        try:
            return _report(connection.vendor)
        finally:
            # Nothing may come later to write into a database that is gone.
            sightings.flush()
            connection.creation.destroy_test_db(name, verbosity=0)


def _report(vendor: str) -> int:
    from tests import world as worlds

    world = worlds.build()
    broken = False
    print(f"SQL statements on {vendor}, without BEGIN, COMMIT and SAVEPOINT, rate limiter apart")
    print(f"{'operation':12}{'at most':>9}" + "".join(f"{each:>9}" for each in FORMATS))
    measured = {}
    for each in FORMATS:
        world.policy(world.orders, format=each)
        client = world.key_of(world.orders)
        measured[each] = measure(client.client_id, client.secret, "orders")
    for name in measured["opaque"]:
        limit = LIMITS.get(name)
        counts = [len(measured[each][name]) for each in FORMATS]
        broken |= limit is not None and max(counts) > limit
        print(f"{name:12}{'-' if limit is None else limit:>9}" + "".join(f"{count:>9}" for count in counts))
    if "--json" in sys.argv:
        print(json.dumps({name: len(found) for name, found in measured["opaque"].items()}))
    return int(broken)


if __name__ == "__main__":
    sys.exit(main())
