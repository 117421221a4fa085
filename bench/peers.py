"""The portal beside its peers: sets everything up, measures, and writes the table of docs/performance.md.

    make bench                              all of it, about a quarter of an hour
    make bench ROUNDS=1 SECS=1              to see that it works
    BENCH_PEERS=FOLDER make bench           where the peers' harness is; ../shared/bench by default

The harness starts the peers (django-oauth-toolkit, simplejwt, Node's oidc-provider, a bare hello), a PostgreSQL and a
Redis of its own, and wrk. It is copied into .bench first and never changed where it is. Needed on the machine:
PostgreSQL 15, Redis, wrk, Node and npm, a package index; Linux, since CPU times are read from /proc.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any

from bench import page, reporting, targets, wording
from bench.targets import Ours

CHECKOUT = Path(__file__).resolve().parent.parent
PROGRAMS = ("wrk", "redis-server", "redis-cli", "psql", "createdb", "node", "npm", "taskset")
VENVS = ("dot", "sjwt", "limits")
PORT_OF_POSTGRESQL, PORT_OF_REDIS = "55832", "58379"
MILLION = 1_000_000
# Everything counts, nobody is turned away.
NO_LIMIT = "1000000000"
ALL = ("verify", "verify-jwt", "introspect", "token", "token-jwt", "refresh", "revoke", "renew")
GROWTH = ("verify", "introspect", "refresh")
HITS = ("verify-hit", "introspect-hit")
ON_SQLITE_ROWS = 10_000


class Missing(Exception):
    """Something that the comparison needs is not there; the message is one sentence about it."""


def harness(given: str) -> Path:
    """The folder of the peers' harness. Raises Missing."""
    folder = Path(given) if given else CHECKOUT.parent / "shared" / "bench"
    if not (folder / "run.py").is_file() or not (folder / "targets.toml").is_file():
        raise Missing(f"The peers' harness is not in {folder}: name its folder as BENCH_PEERS.")
    missing = [each for each in PROGRAMS if shutil.which(each) is None]
    if missing:
        raise Missing(f"The comparison needs {', '.join(missing)} on this machine.")
    return folder


def copy(source: Path, work: Path) -> None:
    """The harness' own files into a folder that may be written."""
    for found in sorted(source.rglob("*")):
        place = work / found.relative_to(source)
        if {"var", "node_modules"} & set(place.parts[len(work.parts) :]) or "/.venv-" in str(found):
            continue
        if found.is_dir():
            place.mkdir(parents=True, exist_ok=True)
        else:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.unlink(missing_ok=True)
            shutil.copyfile(found, place)
            place.chmod(found.stat().st_mode | 0o200)


def set_up(source: Path, work: Path) -> None:
    """Copy the harness and install the peers, each into an environment of its own; quick where that is done."""
    copy(source, work)
    for name, place in (("sqlite_settings", "sqlite_settings"), ("seed", "seed_sqlite")):
        shutil.copyfile(CHECKOUT / f"bench/toolkit/{name}.py", work / f"apps/dot_site/{place}.py")
    for name in VENVS:
        environment = work / f".venv-{name}"
        wanted = (work / f"requirements-{name}.txt").read_text()
        done = environment / "done"
        if done.is_file() and done.read_text() == wanted:
            continue
        print(f"Installing {', '.join(wanted.split())} ...", flush=True)
        subprocess.run([sys.executable, "-m", "venv", environment], check=True)
        subprocess.run(
            [environment / "bin/pip", "install", "-q", "-r", f"requirements-{name}.txt"], cwd=work, check=True
        )
        done.write_text(wanted)
    if not (work / "apps/oidc_provider/node_modules").is_dir():
        subprocess.run(
            ["npm", "install", "--no-audit", "--no-fund", "--silent"], cwd=work / "apps/oidc_provider", check=True
        )


def services(work: Path, verb: str) -> None:
    """Start or stop the harness' PostgreSQL and Redis."""
    # The answer goes nowhere: a server that is started here would keep a pipe of ours open.
    subprocess.run([work / "services.sh", verb], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def databases(*names: str) -> None:
    """Empty databases of these names; the peers' are made once and filled by their own scripts."""
    at = ["-h", "127.0.0.1", "-p", PORT_OF_POSTGRESQL, "-U", "postgres"]
    for name in ("bench_dot", "bench_sjwt"):
        subprocess.run(["createdb", *at, name], check=False, capture_output=True)
    for name in names:
        subprocess.run(["dropdb", *at, "--if-exists", "--force", name], check=True)
        subprocess.run(["createdb", *at, name], check=True)


def ours(work: Path, million: int = MILLION) -> list[Ours]:
    """Every way in which the portal is run; `ours-million` holds so many tokens."""
    bin_ = Path(sys.executable).parent
    gunicorn = f"{bin_}/gunicorn -c python:config.webserver config.wsgi"
    granian = (
        f"{bin_}/granian --interface wsgi --workers 1 --blocking-threads 4 --host 127.0.0.1 --port {{port}} --no-ws"
        " --log-level error config.wsgi:application"
    )

    def one(
        name: str,
        port: int,
        database: str,
        *,
        rows: int,
        operations: tuple[str, ...] = ALL,
        start: str = gunicorn,
        cache: str = "off",
    ) -> Ours:
        folder = work / "var" / "ours" / (database or "sqlite")
        environment = {
            "DATA_DIR": str(folder),
            "PORT": str(port),
            "WEB_CONCURRENCY": "2",
            "WEB_THREADS": "4",
            "TOKEN_RATE_LIMIT_PER_MINUTE": NO_LIMIT,
            "CLIENT_RATE_LIMIT_PER_MINUTE": NO_LIMIT,
            "VERIFY_CACHE": cache,
        }
        if database:
            environment["DATABASE_URL"] = f"postgres://postgres@127.0.0.1:{PORT_OF_POSTGRESQL}/{database}"
            environment["REDIS_URL"] = f"redis://127.0.0.1:{PORT_OF_REDIS}/1"
        return Ours(name, port, start, environment, folder / "feeds", rows, operations)

    small, large = "bench_latchkey_10k", "bench_latchkey_1m"
    return [
        one("ours-gunicorn", 9821, small, rows=10_000),
        one("ours-granian", 9822, small, rows=10_000, start=granian),
        one("ours-cache-gunicorn", 9825, small, rows=10_000, operations=HITS, cache="host"),
        one("ours-cache-granian", 9826, small, rows=10_000, operations=HITS, start=granian, cache="host"),
        one("ours-sqlite", 9823, "", rows=500, operations=("verify", "introspect", "token", "refresh")),
        one("ours-million", 9824, large, rows=million, operations=GROWTH),
    ]


def configuration(work: Path, found: list[Ours]) -> Path:
    """The harness' own targets and ours, in one file."""
    text = [(work / "targets.toml").read_text(), targets.toml_of_peers()]
    hello = f"{Path(sys.executable).parent}/gunicorn -w 2 -k gthread --threads 4 --keep-alive 15 -b 127.0.0.1:{{port}}"
    text.append(targets.toml_of_hello("ours-hello-gunicorn", 9831, f"{hello} bench.hello:application", CHECKOUT))
    for each in found:
        clients = json.loads((each.feeds / "clients.json").read_text())
        said = targets.operations(each.feeds, clients["orders"], clients["billing"])
        text.append(targets.toml_of(each, CHECKOUT, sys.executable, said))
    theirs = tomllib.loads(text[0]).get("target", {}).get("dot-gunicorn-gthread")
    if theirs is not None:
        text.append(targets.toml_on_sqlite(theirs, work / "var" / "toolkit", ON_SQLITE_ROWS, ON_SQLITE_ROWS // 2))
    written = work / "latchkey.toml"
    written.touch(mode=0o600)
    written.write_text("\n".join(text))
    return written


def seed(target: Ours) -> None:
    """Fill a target's database for the first time."""
    target.feeds.mkdir(parents=True, exist_ok=True)
    print(f"Filling {target.name} with {target.rows:,} tokens ...", flush=True)
    environment = {**os.environ, **target.environment, "DATABASE_STATEMENT_TIMEOUT_MS": "0"}
    command = [sys.executable, "-m", "bench.seeding", "--rows", str(target.rows), "--feeds", str(target.feeds)]
    subprocess.run(command, cwd=CHECKOUT, env=environment, check=True)


def measure(work: Path, config: Path, names: list[str], rounds: int, seconds: int) -> Path:
    """Run the harness; the file of its results."""
    out = work / "var" / "latchkey.json"
    command = [sys.executable, "run.py", *names, "--config", config.name, "--out", str(out.relative_to(work))]
    command += ["--rounds", str(rounds), "--secs", str(seconds), "--warm", "1", "--lat", "0", "--calib", "0"]
    subprocess.run(command, cwd=work, check=True)
    return out


def machine(work: Path) -> dict[str, str]:
    """What was measured on, and with which versions."""
    info = Path("/proc/cpuinfo").read_text()
    model = next((line.split(":")[1].strip() for line in info.splitlines() if line.startswith("model name")), "unknown")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**30

    def said(*command: str) -> str:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()

    def of(environment: str, package: str) -> str:
        line = said(f"{work}/.venv-{environment}/bin/pip", "show", package)
        return next((each.split()[1] for each in line.splitlines() if each.startswith("Version:")), "?")

    node = json.loads((work / "apps/oidc_provider/node_modules/oidc-provider/package.json").read_text())["version"]
    mine = [f"{each} {metadata.version(each)}" for each in ("django", "psycopg", "gunicorn", "granian", "redis")]
    return {
        "machine": f"{os.cpu_count()} cores, {model}, {memory} GiB, Linux {platform.release().split('-')[0]}",
        "services": f"{said('psql', '--version')}, {said('redis-server', '--version').split(' sha')[0]}",
        "portal": f"Python {platform.python_version()}, {', '.join(mine)}",
        "peers": f"django-oauth-toolkit {of('dot', 'django-oauth-toolkit')}, simplejwt"
        f" {of('sjwt', 'djangorestframework-simplejwt')}, oidc-provider {node} on Node {said('node', '--version')}",
    }


def statements(work: Path, target: Ours) -> dict[str, int]:
    """SQL statements of each operation: ours by bench/statements.py, the peers' by the harness."""
    command = [sys.executable, "-m", "bench.statements", "--json"]
    environment = {**os.environ, **target.environment}
    found = subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=True)
    counted = {"token" if name == "issue" else name: n for name, n in json.loads(found.stdout.splitlines()[-1]).items()}
    said = [
        subprocess.run(
            [work / f".venv-{which}/bin/python", "micro/queries.py", which],
            cwd=work, capture_output=True, text=True, check=False,
        ).stdout
        for which in ("dot", "sjwt")
    ]  # fmt: skip
    ours_ = {f"ours-{server} {name}": n for server in ("gunicorn", "granian") for name, n in counted.items()}
    return ours_ | reporting.counted_by_peers("\n".join(said))


def run(arguments: argparse.Namespace) -> None:
    """All of it; with `again` only the page, from what the last whole run found. Raises Missing, CalledProcessError."""
    source = harness(os.environ.get("BENCH_PEERS", ""))
    work = Path(os.environ.get("BENCH_WORK", "") or CHECKOUT / ".bench").resolve()
    kept = work / "var" / "whole.json"
    is_whole = not arguments.only and arguments.million == MILLION
    if arguments.again and not kept.is_file():
        raise Missing("No whole run has been made here: run `make bench`.")
    found = json.loads(kept.read_text()) if arguments.again else measured(source, work, arguments)
    told = found["rounds"], found["secs"]
    text = wording.text(
        reporting.read(found["results"]), found["machine"], found["statements"], rounds=told[0], secs=told[1]
    )
    if not is_whole:
        print(text)
        return
    kept.write_text(json.dumps(found))
    page.write_section("bench", text)
    print(f"Written into {page.FILE.relative_to(CHECKOUT)}.")


def measured(source: Path, work: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """Set up, fill, load: the harness' results as its JSON, and what the page tells beside them."""
    os.environ.update(BENCH_PGPORT=PORT_OF_POSTGRESQL, BENCH_REDIS_PORT=PORT_OF_REDIS)
    set_up(source, work)
    services(work, "start")
    try:
        found = ours(work, arguments.million)
        for made in ("ours", "toolkit"):
            shutil.rmtree(work / "var" / made, ignore_errors=True)
        databases("bench_latchkey_10k", "bench_latchkey_1m")
        # Two targets share a database: it is filled once. Where only some targets are asked for, one of ours is enough.
        wanted = [each for each in found if not arguments.only or each.name in arguments.only] or found[:1]
        for each in {target.feeds: target for target in wanted}.values():
            seed(each)
        config = configuration(work, wanted)
        all_names = [*targets.PEERS, targets.ON_SQLITE, "ours-hello-gunicorn", *(each.name for each in found)]
        out = measure(work, config, arguments.only or all_names, arguments.rounds, arguments.secs)
        return {
            "results": out.read_text(),
            "machine": machine(work),
            "statements": statements(work, wanted[0]),
            "rounds": arguments.rounds,
            "secs": arguments.secs,
        }
    finally:
        services(work, "stop")


def main(argv: list[str] | None = None) -> int:
    """Set up, measure, write; 2 where something is missing."""
    parser = argparse.ArgumentParser(prog="bench.peers", description="The portal beside its peers.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--secs", type=int, default=3, help="seconds for each operation in each round")
    parser.add_argument("--million", type=int, default=MILLION, help="how many tokens `ours-million` holds")
    parser.add_argument("--again", action="store_true", help="measure nothing: write the last whole run's page anew")
    parser.add_argument("--only", nargs="+", help="targets by name: prints, and leaves the page as it is")
    try:
        run(parser.parse_args(argv))
    except Missing as missing:
        print(missing, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
