"""Each gateway as its file in deploy/ makes it: names and ports put in, started, asked, ended."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.databases import PROJECT
from tests.gateways.certificates import self_signed
from tests.gateways.processes import running
from tests.wire import Heard, ask, free_port

if TYPE_CHECKING:
    from tokens.lifecycle import Client

DEPLOY = PROJECT / "deploy"


@dataclass(frozen=True)
class Names:
    """What somebody who copies an example has to change."""

    portal: int
    api: int
    slug: str
    token: str
    key: Client | None
    folder: Path
    # True where the gateway names the API proxy by a header, as the guide says.
    by_header: bool = False
    listen: int = field(default_factory=free_port)

    def naming(self, kind: str, line: str) -> dict[str, str]:
        """The line that names the API proxy by its path, and what stands in its place."""
        changed = guide_lines(kind).replace("orders", self.slug)
        return {line: changed if self.by_header else line.replace("/auth/verify/orders", f"/auth/verify/{self.slug}")}


@dataclass
class Gateway:
    """A running one, in front of the API."""

    port: int
    log: Path
    pid: int

    def ask(
        self, raw: str | None, path: str = "/items", *headers: tuple[str, str], method: str = "GET", body: bytes = b""
    ) -> Heard:
        """A call of the API, with this token where there is one."""
        bearer = [] if raw is None else [("Authorization", f"Bearer {raw}")]
        return ask(self.port, method, path, [*bearer, *headers], body)


def guide_lines(kind: str) -> str:
    """What docs/gateways.md says for the header mode, without the indentation of its first line."""
    text = (PROJECT / "docs" / "gateways.md").read_text(encoding="utf-8")
    found = re.search(rf"^```{kind}\n\s+(.*?)\n```$", text, re.MULTILINE | re.DOTALL)
    assert found, kind
    return found[1]


def configured(example: str, replaced: Mapping[str, Any]) -> str:
    """The example with other names. Each has to occur in it: else the test would run something else than it says."""
    text = (DEPLOY / example).read_text(encoding="utf-8")
    for name, value in replaced.items():
        assert name in text, f"{name!r} is not in deploy/{example}"
        text = text.replace(name, str(value))
    return text


def program(name: str) -> str:
    """Where a program is; a machine without it is told what to install."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    if found is None:
        pytest.skip(f"{name} is not installed (PACKAGES in .ci/run)")
    return found


def _written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@contextmanager
def nginx(names: Names) -> Iterator[Gateway]:
    proof = configured("nginx/gateway-token.conf", {"PASTE-THE-CONNECTION-TOKEN": names.token})
    token = _written(names.folder, "gateway-token.conf", proof)
    _written(
        names.folder,
        "orders.conf",
        configured(
            "nginx/orders.conf",
            {
                "server portal.internal:8000;": f"server 127.0.0.1:{names.portal};",
                "server api.internal:9000;": f"server 127.0.0.1:{names.api};",
                **names.naming("nginx", "proxy_pass http://latchkey_portal/auth/verify/orders;"),
                "listen 8080;": f"listen 127.0.0.1:{names.listen};",
                "/etc/nginx/latchkey/gateway-token.conf": token,
            },
        ),
    )
    with nginx_running(names.folder, names.listen, "orders.conf") as gateway:
        yield gateway


@contextmanager
def nginx_running(folder: Path, port: int, *files: str) -> Iterator[Gateway]:
    """nginx with these files in its http block, and everything it writes in the folder."""
    user = "user root;" if os.geteuid() == 0 else ""
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    included = "".join(f"include {folder}/{name};" for name in files)
    main = f"{user} daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx.log info;"
    text = f"{main} events {{}} http {{ access_log off; {temporary} {included} }}"
    configuration = _written(folder, "nginx.conf", text)
    log = folder / "nginx.log"
    command = [program("nginx"), "-c", configuration, "-p", folder, "-e", log]
    with running(command, port, log, environment=os.environ, folder=folder) as process:
        yield Gateway(port, log, process.pid)


@contextmanager
def caddy(names: Names) -> Iterator[Gateway]:
    text = configured(
        "caddy/Caddyfile",
        {
            "forward_auth portal.internal:8000": f"forward_auth 127.0.0.1:{names.portal}",
            "reverse_proxy api.internal:9000": f"reverse_proxy 127.0.0.1:{names.api}",
            **names.naming("caddyfile", "uri /auth/verify/orders"),
            "\n:8080 {": f"\n:{names.listen} {{",
        },
    )
    # Nothing of Caddy's that another one on this machine may have, and no port but one of loopback.
    own = "{\n\tadmin off\n\tdefault_bind 127.0.0.1\n}\n"
    configuration = _written(names.folder, "Caddyfile", own + text)
    environment = {**os.environ, "HOME": str(names.folder), "LATCHKEY_GATEWAY_TOKEN": names.token}
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        environment[name] = str(names.folder)
    command = [program("caddy"), "run", "--config", configuration, "--adapter", "caddyfile"]
    log = names.folder / "caddy.log"
    with running(command, names.listen, log, environment=environment, folder=names.folder) as process:
        yield Gateway(names.listen, log, process.pid)


_ENVOY_QUESTION = """path_prefix: /auth/verify/orders
                authorization_request:
                  headers_to_add:"""


@contextmanager
def envoy(names: Names) -> Iterator[Gateway]:
    def at(host: str, port: int) -> str:
        return f"{{ address: {host}, port_value: {port} }}"

    configuration = _written(
        names.folder,
        "envoy.yaml",
        configured(
            "envoy/envoy.yaml",
            {
                at("portal.internal", 8000): at("127.0.0.1", names.portal),
                at("api.internal", 9000): at("127.0.0.1", names.api),
                at("0.0.0.0", 8080): at("127.0.0.1", names.listen),
                **names.naming("yaml", _ENVOY_QUESTION),
                "PASTE-THE-CONNECTION-TOKEN": names.token,
            },
        ),
    )
    package = importlib.util.find_spec("envoy")
    assert package is not None
    assert package.submodule_search_locations is not None
    binary = Path(package.submodule_search_locations[0]) / "_bin" / "envoy"
    command = [binary, "-c", configuration, "--disable-hot-restart", "--concurrency", "1", "--log-level", "warning"]
    log = names.folder / "envoy.log"
    with running(command, names.listen, log, environment=os.environ, folder=names.folder) as process:
        yield Gateway(names.listen, log, process.pid)


def fetch_keys(portal: int, folder: Path, *words: str) -> str:
    """What deploy/haproxy/fetch_keys.py says, run as an operator's timer does."""
    address = f"http://127.0.0.1:{portal}/.well-known/jwks.json"
    command = [sys.executable, DEPLOY / "haproxy" / "fetch_keys.py", address, folder, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.strip()


@contextmanager
def haproxy(names: Names) -> Iterator[Gateway]:
    keys = names.folder / "keys"
    fetch_keys(names.portal, keys)
    text = configured(
        "haproxy/haproxy.cfg",
        {
            "https://orders.example/api": f"https://{names.slug}.example/api",
            "server api api.internal:9000": f"server api 127.0.0.1:{names.api}",
            "bind :8080": f"bind 127.0.0.1:{names.listen}",
            "/etc/haproxy/latchkey/": f"{keys}/",
        },
    )
    configuration = _written(names.folder, "haproxy.cfg", text)
    log = names.folder / "haproxy.log"
    command = [program("haproxy"), "-W", "-db", "-f", configuration]
    with running(command, names.listen, log, environment=os.environ, folder=names.folder) as process:
        yield Gateway(names.listen, log, process.pid)


@contextmanager
def secured(portal: int, folder: Path) -> Iterator[int]:
    """The port of the portal's TLS edge, whose certificate, portal.crt in the folder, signed itself."""
    self_signed("portal.example.com", folder)
    port = free_port()
    replaced = {
        "listen 443 ssl;": f"listen 127.0.0.1:{port} ssl;",
        "http://127.0.0.1:8000;": f"http://127.0.0.1:{portal};",
        "/etc/nginx/latchkey/": f"{folder}/",
    }
    _written(folder, "portal.conf", configured("nginx/portal.conf", replaced))
    with nginx_running(folder, port, "portal.conf"):
        yield port


_APACHE_MODULES = "mpm_event authn_core authz_core authz_user env headers rewrite proxy proxy_http"


@contextmanager
def apache(names: Names, folder: Path, example: str, module: str, replaced: Mapping[str, Any]) -> Iterator[Gateway]:
    """Apache with one example and the module that it is about, and everything it writes in the folder."""
    own = {
        "*:8080": f"127.0.0.1:{names.listen}",
        "http://api.internal:9000": f"http://127.0.0.1:{names.api}",
    }
    _written(folder, "site.conf", configured(example, {**own, **replaced}))
    log = folder / "apache.log"
    loaded = [f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so" for name in _APACHE_MODULES.split()]
    lines = [
        *loaded,
        f"LoadModule {module}_module /usr/lib/apache2/modules/mod_{module}.so",
        *(["User www-data", "Group www-data"] if os.geteuid() == 0 else []),
        f"ServerRoot {folder}",
        f"DefaultRuntimeDir {folder}",
        f"PidFile {folder}/apache.pid",
        f"ErrorLog {log}",
        "ServerName localhost",
        f"Listen 127.0.0.1:{names.listen}",
        f"Include {folder}/site.conf",
    ]
    configuration = _written(folder, "apache.conf", "\n".join(lines) + "\n")
    command = [program("apache2"), "-f", configuration, "-DFOREGROUND"]
    with running(command, names.listen, folder / "out.log", environment=os.environ, folder=folder) as process:
        yield Gateway(names.listen, log, process.pid)


@contextmanager
def _open_folder() -> Iterator[Path]:
    """Apache's children are another user's, who cannot read what pytest keeps to itself."""
    with tempfile.TemporaryDirectory() as made:
        Path(made).chmod(0o755)
        yield Path(made)


@contextmanager
def mod_auth_openidc(names: Names) -> Iterator[Gateway]:
    proof = configured("apache/gateway-token.conf", {"PASTE-THE-CONNECTION-TOKEN": names.token})
    with _open_folder() as folder, secured(names.portal, folder) as port:
        replaced = {
            "https://orders.example/api": f"https://{names.slug}.example/api",
            "https://portal.example.com/": f"https://localhost:{port}/",
            "/etc/apache2/latchkey/gateway-token.conf": _written(folder, "gateway-token.conf", proof),
            "#OIDCCABundlePath /etc/apache2/latchkey/portal-ca.pem": f"OIDCCABundlePath {folder}/portal.crt",
        }
        with apache(names, folder, "apache/mod_auth_openidc.conf", "auth_openidc", replaced) as gateway:
            yield gateway


@contextmanager
def mod_oauth2(names: Names) -> Iterator[Gateway]:
    replaced = {
        "jwks_uri https://portal.example.com/": f"jwks_uri http://127.0.0.1:{names.portal}/",
        "https://orders.example/api": f"https://{names.slug}.example/api",
    }
    with _open_folder() as folder, apache(names, folder, "apache/mod_oauth2.conf", "oauth2", replaced) as gateway:
        yield gateway


@contextmanager
def mod_oauth2_introspection(names: Names) -> Iterator[Gateway]:
    assert names.key is not None
    key = {"PASTE-THE-CLIENT-ID": names.key.client_id, "PASTE-THE-CLIENT-SECRET": names.key.secret}
    with _open_folder() as folder:
        replaced = {
            "https://portal.example.com/": f"http://127.0.0.1:{names.portal}/",
            "/etc/apache2/latchkey/proxy-key.conf": _written(
                folder, "proxy-key.conf", configured("apache/proxy-key.conf", key)
            ),
        }
        with apache(names, folder, "apache/mod_oauth2_introspection.conf", "oauth2", replaced) as gateway:
            yield gateway


KINDS: dict[str, Callable[[Names], AbstractContextManager[Gateway]]] = {
    "nginx": nginx,
    "caddy": caddy,
    "envoy": envoy,
    "haproxy": haproxy,
    "mod_auth_openidc": mod_auth_openidc,
    "mod_oauth2": mod_oauth2,
    "mod_oauth2_introspection": mod_oauth2_introspection,
}
