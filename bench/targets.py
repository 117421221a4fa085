"""What is measured side by side: the portal as more targets of the peers' harness, and the peers' paths that compare.

The harness reads TOML: its own file, and after it what is written here. A target of ours is `ours-...`, a peer's with
only those operations that are compared is `peer-...`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PEERS = {
    "peer-hello-gunicorn": ("limit-gunicorn-gthread", ("hello",)),
    "peer-hello-granian": ("limit-granian-wsgi", ("hello",)),
    "peer-dot-gunicorn": (
        "dot-gunicorn-gthread",
        ("ping-bearer", "introspect-bearer", "token-cc-plain", "refresh-plain", "revoke-plain"),
    ),
    "peer-dot-granian": (
        "dot-gunicorn-gthread",
        ("ping-bearer", "introspect-bearer", "token-cc-plain", "refresh-plain"),
    ),
    "peer-simplejwt": ("sjwt-gunicorn-gthread", ("verify", "refresh")),
    "peer-oidc-provider": ("oidcp-memory", ("introspect", "token-cc", "refresh", "revoke")),
}
# The harness' own target on this server has no protected view.
_STARTS = {
    "peer-dot-granian": "../../.venv-dot/bin/granian --interface wsgi --workers 2 --blocking-threads 2"
    " --host 127.0.0.1 --port {port} --no-ws --log-level error dotsite.wsgi:application"
}

# The toolkit over a SQLite file, beside our embedded installation: bench/toolkit, copied into the harness' site.
ON_SQLITE = "peer-dot-sqlite"
ON_SQLITE_OPERATIONS = ("ping-bearer", "introspect-bearer", "token-cc-plain", "refresh-plain")

_FORM = 'method = "POST", headers = { Authorization = "%s" }'
_REFRESH = "grant_type=refresh_token&refresh_token=@@"


@dataclass(frozen=True)
class Ours:
    """One way to run the portal: its server's command, its port, its database, what is asked of it."""

    name: str
    port: int
    start: str
    environment: Mapping[str, str]
    feeds: Path
    rows: int
    operations: tuple[str, ...]


def operations(feeds: Path, orders: str, billing: str) -> dict[str, str]:
    """Each operation in the harness' words. `orders` and `billing` are Basic headers."""

    def form(header: str, body: str, expect: str, more: str = "") -> str:
        said = f'path = "/oauth2/token", {_FORM % header}, body = "{body}", expect = "{expect}"'
        return said + more

    def feed(name: str, mode: str) -> str:
        return f'feed = "{feeds / name}.txt", mode = "{mode}"'

    verify = 'path = "/auth/verify", bearer = true, status = 200, headers = { X-Proxy = "%s" }'
    introspect = f'path = "/oauth2/introspect", {_FORM % orders}, body = "token=@@"'
    json_headers = 'method = "POST", headers = { Content-Type = "application/json" }'
    renew = f'path = "/api/auth/renew", {json_headers}, next = "refresh"'
    return {
        "verify": f"{verify % 'orders'}, {feed('access', 'rand')}",
        "verify-hit": f"{verify % 'orders'}, {feed('hot', 'rand')}",
        "introspect-hit": f"{introspect}, {feed('hot', 'rand')}, expect = '\"active\":true'",
        "verify-jwt": f"{verify % 'billing'}, {feed('jwt', 'rand')}",
        "introspect": f"{introspect}, {feed('access', 'rand')}, expect = '\"active\":true'",
        "token": form(orders, "grant_type=client_credentials&scope=read", "access_token"),
        "token-jwt": form(billing, "grant_type=client_credentials&scope=read", "access_token"),
        "refresh": form(orders, _REFRESH, "refresh_token", f", {feed('refresh', 'pool')}"),
        "revoke": f'path = "/oauth2/revoke", {_FORM % orders}, body = "token=@@", {feed("revoke", "seq")}',
        "renew": f"{renew}, body = '{{\"refresh\":\"@@\"}}', expect = 'refresh', {feed('sessions', 'pool')}",
    }


def toml_of(target: Ours, checkout: Path, python: str, said: Mapping[str, str]) -> str:
    """One target of ours."""
    environment = ", ".join(f"{name} = '{value}'" for name, value in target.environment.items())
    prepare = f"{python} -m bench.seeding --rows {target.rows} --feeds {target.feeds}"
    lines = [
        f"[target.{target.name}]",
        f"port = {target.port}",
        f"cwd = '{checkout}'",
        f"prepare = ['{prepare}']",
        f"start = '{target.start}'",
        'health = "/.well-known/oauth-authorization-server"',
        f"env = {{ {environment} }}",
        *(f"op.{name} = {{ {said[name]} }}" for name in target.operations),
    ]
    return "\n".join(lines) + "\n"


def toml_of_hello(name: str, port: int, start: str, checkout: Path) -> str:
    """The bare hello on a server set up as the portal's: what no path of ours can be faster than."""
    return (
        f"[target.{name}]\nport = {port}\ncwd = '{checkout}'\nstart = '{start}'\nop.hello = {{ path = \"/hello\" }}\n"
    )


def toml_on_sqlite(base: Mapping[str, Any], folder: Path, tokens: int, refreshed: int) -> str:
    """The toolkit's own target with another database, filled by bench/toolkit; `base` is the harness' table of it."""
    feeds, python = folder / "feeds", "../../.venv-dot/bin/python"
    environment = {"DJANGO_SETTINGS_MODULE": "sqlite_settings", "TOOLKIT_DATABASE": str(folder / "db.sqlite3")}
    operations = (
        (name, {**base["op"][name], "feed": str(feeds / Path(base["op"][name].get("feed", "access.txt")).name)})
        for name in ON_SQLITE_OPERATIONS
    )
    lines = [
        f"[target.{ON_SQLITE}]",
        "port = 9850",
        f"cwd = {_value(base['cwd'])}",
        f"start = {_value(base['start'])}",
        f"prepare = [{_value(f'{python} seed_sqlite.py {tokens} {refreshed} {feeds}')}]",
        f"env = {_value(environment)}",
        *(f"op.{name} = {_value(told)}" for name, told in operations),
    ]
    return "\n".join(lines) + "\n"


def _value(told: Any) -> str:
    """As TOML writes it, whose strings, numbers and truth values are JSON's."""
    if isinstance(told, Mapping):
        return "{ " + ", ".join(f"{json.dumps(name)} = {_value(each)}" for name, each in told.items()) + " }"
    return json.dumps(told)


def toml_of_peers() -> str:
    """The peers' targets under names of their own, so that no other target's name begins like them."""
    return "\n".join(
        f'[target.{name}]\nlike = "{base}"\nport = {9840 + turn}\nops = [{", ".join(f"{op!r}" for op in ops)}]\n'
        + (f"start = '{_STARTS[name]}'\n" if name in _STARTS else "")
        for turn, (name, (base, ops)) in enumerate(PEERS.items())
    )
