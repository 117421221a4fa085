"""The least of each other edge that speaks TLS with clients: a few lines, and the one line of docs/clients.md."""

from __future__ import annotations

import importlib.util
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.databases import PROJECT
from tests.gateways.gateways import program
from tests.gateways.processes import running


def line_of(edge: str) -> str:
    """What the page's table says to write for an edge."""
    text = (PROJECT / "docs" / "clients.md").read_text(encoding="utf-8")
    found = re.search(rf"^\| {edge} \| `(.+)` \|$", text, re.MULTILINE)
    assert found is not None, f"docs/clients.md has no line for {edge}"
    return found[1]


def caddy(folder: Path, port: int, portal: int) -> tuple[list[str | Path], Path]:
    text = f"""
{{
    admin off
    default_bind 127.0.0.1
    auto_https disable_redirects
}}
https://localhost:{port} {{
    tls {folder}/portal.crt {folder}/portal.key {{
        client_auth {{
            mode request
        }}
    }}
    reverse_proxy 127.0.0.1:{portal} {{
        {line_of("Caddy")}
    }}
}}
"""
    (folder / "Caddyfile").write_text(text)
    return [program("caddy"), "run", "--config", folder / "Caddyfile", "--adapter", "caddyfile"], folder / "caddy.log"


def haproxy(folder: Path, port: int, portal: int) -> tuple[list[str | Path], Path]:
    both = (folder / "portal.crt").read_text() + (folder / "portal.key").read_text()
    (folder / "both.pem").write_text(both)
    tls = f"ssl crt {folder}/both.pem verify optional ca-file {folder}/portal.crt crt-ignore-err all ca-ignore-err all"
    text = f"""
defaults
    mode http
    timeout connect 5s
    timeout client 20s
    timeout server 20s
frontend edge
    bind 127.0.0.1:{port} {tls}
    {line_of("HAProxy")}
    default_backend portal
backend portal
    server portal 127.0.0.1:{portal}
"""
    (folder / "haproxy.cfg").write_text(text)
    return [program("haproxy"), "-db", "-f", folder / "haproxy.cfg"], folder / "haproxy.log"


def apache(folder: Path, port: int, portal: int) -> tuple[list[str | Path], Path]:
    modules = ("mpm_event", "authz_core", "ssl", "socache_shmcb", "headers", "proxy", "proxy_http")
    lines = [
        *(f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so" for name in modules),
        *(["User www-data", "Group www-data"] if os.geteuid() == 0 else []),
        f"ServerRoot {folder}",
        f"DefaultRuntimeDir {folder}",
        f"PidFile {folder}/apache.pid",
        f"ErrorLog {folder}/apache.log",
        "ServerName localhost",
        f"Listen 127.0.0.1:{port}",
        "SSLEngine on",
        f"SSLCertificateFile {folder}/portal.crt",
        f"SSLCertificateKeyFile {folder}/portal.key",
        "SSLVerifyClient optional_no_ca",
        line_of("Apache"),
        f"ProxyPass / http://127.0.0.1:{portal}/",
    ]
    (folder / "apache.conf").write_text("\n".join(lines) + "\n")
    return [program("apache2"), "-f", folder / "apache.conf", "-DFOREGROUND"], folder / "out.log"


def envoy(folder: Path, port: int, portal: int) -> tuple[list[str | Path], Path]:
    text = f"""
static_resources:
  listeners:
  - address: {{ socket_address: {{ address: 127.0.0.1, port_value: {port} }} }}
    filter_chains:
    - transport_socket:
        name: envoy.transport_sockets.tls
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext
          common_tls_context:
            tls_certificates:
            - certificate_chain: {{ filename: {folder}/portal.crt }}
              private_key: {{ filename: {folder}/portal.key }}
            validation_context:
              trusted_ca: {{ filename: {folder}/portal.crt }}
              trust_chain_verification: ACCEPT_UNTRUSTED
      filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: edge
          http_filters:
          - name: envoy.filters.http.router
            typed_config: {{ "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router }}
          route_config:
            request_headers_to_add:
            - {line_of("Envoy")}
            virtual_hosts:
            - name: portal
              domains: ["*"]
              routes:
              - match: {{ prefix: / }}
                route: {{ cluster: portal }}
  clusters:
  - name: portal
    load_assignment:
      cluster_name: portal
      endpoints:
      - lb_endpoints:
        - endpoint: {{ address: {{ socket_address: {{ address: 127.0.0.1, port_value: {portal} }} }} }}
"""
    (folder / "envoy.yaml").write_text(text)
    package = importlib.util.find_spec("envoy")
    assert package is not None
    assert package.submodule_search_locations is not None
    binary = Path(package.submodule_search_locations[0]) / "_bin" / "envoy"
    words = ["--disable-hot-restart", "--concurrency", "1", "--log-level", "warning"]
    return [binary, "-c", folder / "envoy.yaml", *words], folder / "envoy.log"


Kind = Callable[[Path, int, int], tuple[list[str | Path], Path]]
KINDS: dict[str, Kind] = {"caddy": caddy, "haproxy": haproxy, "apache": apache, "envoy": envoy}


@contextmanager
def started(kind: str, folder: Path, port: int, portal: int) -> Iterator[None]:
    """The edge, with `portal.crt` and `portal.key` of the folder."""
    command, log = KINDS[kind](folder, port, portal)
    environment = {**os.environ, "HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "XDG_DATA_HOME": str(folder)}
    with running(command, port, log, environment=environment, folder=folder):
        yield
