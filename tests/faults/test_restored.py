"""A backup is restored while clients hold tokens of before and after it; each floor's tables go a step back and on."""

import subprocess
from collections import Counter
from pathlib import Path

import psycopg
import pytest

from tests.databases import PROJECT
from tests.faults import checks
from tests.faults.honest import Honest, ask, verify
from tests.faults.installation import Installation
from tests.faults.processes import postgresql_binaries, wait_for

pytestmark = [pytest.mark.fault, pytest.mark.slow, pytest.mark.timeout(180)]
APPS = ("proxies", "credentials", "tokens")
PROXIES = ("orders", "billing")  # opaque tokens, JWT


def someone(portal: Installation, proxy: str) -> Honest:
    """A client that holds a token."""
    client_id, secret = portal.clients[proxy]
    made = Honest(proxy, (client_id, secret), list(portal.nodes))
    assert made.issue() == 200
    return made


def seen(portal: Installation, holders: dict[str, Honest]) -> dict[str, int | str | None]:
    """What both nodes say of each holder's access token; where they differ, what each of them says."""
    told: dict[str, int | str | None] = {}
    for name, holder in holders.items():
        answers = {verify(node, holder.proxy, holder.access) for node in portal.nodes}
        told[name] = answers.pop() if len(answers) == 1 else str(answers)
    return told


def on_cluster(portal: Installation, command: str, *words: str) -> None:
    """One of PostgreSQL's own commands."""
    where = ["-h", "127.0.0.1", "-p", str(portal.database.port), "-U", "portal"]
    subprocess.run([str(postgresql_binaries() / command), *where, *words], cwd="/", check=True, timeout=60)


def wait_until_ready(portal: Installation) -> None:
    for node in portal.nodes:
        wait_for("the node is not ready", node.is_ready, 20)


def test_d11_i24_after_a_backup_was_restored_and_generations_were_raised_no_token_of_before_or_after_it_is_good(
    portal: Installation, tmp_path: Path
) -> None:
    wait_until_ready(portal)
    holders = {f"before, {proxy}": someone(portal, proxy) for proxy in PROXIES}
    revoked = {f"revoked after, {proxy}": someone(portal, proxy) for proxy in PROXIES}
    backup = str(tmp_path / "portal.dump")
    on_cluster(portal, "pg_dump", "--format=custom", f"--file={backup}", "portal")
    holders |= {f"after, {proxy}": someone(portal, proxy) for proxy in PROXIES}
    for name, holder in revoked.items():
        access, refresh = holder.access, holder.refresh
        assert holder.revoke() == 200
        holder.access, holder.refresh = access, refresh
        holders[name] = holder
    assert seen(portal, holders) == {name: 401 if "revoked" in name else 200 for name in holders}

    portal.database.ask("DROP DATABASE portal WITH (FORCE)", name="postgres")
    portal.database.ask("CREATE DATABASE portal", name="postgres")
    on_cluster(portal, "pg_restore", "--exit-on-error", "--dbname=portal", backup)
    wait_until_ready(portal)
    revived = seen(portal, {name: holders[name] for name in revoked})
    assert set(revived.values()) == {200}, "what was revoked after the backup is good again: hence what comes now"

    portal.run("manage.py", "migrate", "--verbosity", "0")
    portal.run("manage.py", "check_log")
    portal.run("manage.py", "raise_generations", "--yes")
    assert seen(portal, holders) == dict.fromkeys(holders, 401)
    for name, holder in holders.items():
        assert holder.use_refresh() in (400, 401), name
    for proxy in PROXIES:
        new = someone(portal, proxy)
        assert new.use_refresh() == 200
        assert seen(portal, {proxy: new}) == {proxy: 200}
    assert checks.violations(portal.database) == []


def last_step(app: str) -> str:
    """The migration before the last one."""
    return sorted(path.stem for path in (PROJECT / app / "migrations").glob("0*.py"))[-2]


def contents(portal: Installation) -> dict[str, Counter[str]]:
    """Every row of every table as text, Django's own notes on what it has migrated apart."""
    tables = portal.database.ask(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
    )
    found = {}
    with psycopg.connect(portal.database.url()) as wire:
        for (table,) in tables:
            if table != "django_migrations":
                rows = wire.execute(f'SELECT to_jsonb(each)::text FROM "{table}" each').fetchall()
                found[str(table)] = Counter(row for (row,) in rows)
    return found


@pytest.mark.parametrize("app", APPS)
def test_i24_a_step_back_and_forward_of_each_floor_s_tables_loses_nothing(portal: Installation, app: str) -> None:
    wait_until_ready(portal)
    holders = {proxy: someone(portal, proxy) for proxy in PROXIES}
    gone = {f"revoked, {proxy}": someone(portal, proxy) for proxy in PROXIES}
    for holder in gone.values():
        access = holder.access
        assert holder.revoke() == 200
        holder.access = access
    # What a node notes from time to time would count as a difference.
    for node in portal.nodes:
        node.stop()
    before = contents(portal)
    assert sum(before["tokens_issuedtoken"].values()) >= len(PROXIES)

    portal.run("manage.py", "migrate", app, last_step(app), "--verbosity", "0")
    shown = portal.run("manage.py", "showmigrations", app)
    assert "[ ]" in shown, "nothing went back"
    portal.run("manage.py", "migrate", "--verbosity", "0")
    assert "[ ]" not in portal.run("manage.py", "showmigrations", app)

    after = contents(portal)
    assert {table: rows - after[table] for table, rows in before.items() if rows - after[table]} == {}
    portal.run("manage.py", "makemigrations", "--check", "--dry-run")
    for node in portal.nodes:
        node.start()
    assert seen(portal, holders | gone) == dict.fromkeys(holders, 200) | dict.fromkeys(gone, 401)
    for holder in holders.values():
        assert holder.use_refresh() == 200
    status, _ = ask(portal.nodes[0], "GET", "/readyz", {})
    assert status == 200
