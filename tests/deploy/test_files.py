"""The files of deploy/ say what the product understands, and each other."""

import os
import re
import shlex
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

import manage
from config import keyfiles, probe
from tests.databases import PROJECT

DEPLOY = PROJECT / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
PORTAL = [name for name, service in SERVICES.items() if service.get("image") == "latchkey"]
# What settings, gunicorn's configuration and manage.py read.
READ = "\n".join((PROJECT / name).read_text() for name in (
    "config/settings.py", "config/environment.py", "config/webserver.py", "config/logs.py", "manage.py"
))  # fmt: skip


def is_read(name: str) -> bool:
    return f'"{name.removesuffix("_FILE")}' in READ


def test_every_service_of_the_issue_is_there() -> None:
    assert set(SERVICES) == {"database", "redis", "migrate", "web-1", "web-2", "worker", "beat", "edge"}
    assert SERVICES["web-1"] == SERVICES["web-2"]


@pytest.mark.parametrize("name", PORTAL)
def test_a_container_of_the_portal_has_no_rights_it_does_not_need(name) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["user"] == "10001:10001"
    assert service["cap_drop"] == ["ALL"]
    assert "ports" not in service


@pytest.mark.parametrize("name", PORTAL)
def test_its_settings_are_ones_that_are_read_and_its_secrets_are_mounted(name) -> None:
    service = SERVICES[name]
    for variable, value in service["environment"].items():
        assert is_read(variable), variable
        if str(value).startswith("/run/secrets/"):
            assert Path(value).name in service["secrets"], variable
    assert set(service["secrets"]) <= set(COMPOSE["secrets"])


def test_only_the_migration_knows_the_owner_s_password() -> None:
    assert [name for name in PORTAL if "migration_database_url" in SERVICES[name]["secrets"]] == ["migrate"]


def test_every_dependency_and_every_secret_exists(tmp_path) -> None:
    for service in SERVICES.values():
        assert set(service.get("depends_on", {})) <= set(SERVICES)
    made = subprocess.run(
        [DEPLOY / "secrets.sh", tmp_path / "made", "https://portal.example.com"], check=True, capture_output=True
    )
    assert made.stdout == b""
    files = {path.name for path in (tmp_path / "made").iterdir()}
    wanted = {Path(secret["file"]).name for secret in COMPOSE["secrets"].values()}
    assert wanted - files == {"certificate.pem", "certificate.key"}, "these two are the operator's"


def test_secrets_are_made_once_and_are_as_the_settings_want_them(tmp_path) -> None:
    command = [DEPLOY / "secrets.sh", tmp_path / "s", "https://portal.example.com", "db.internal:5433"]
    subprocess.run(command, check=True)
    first = {path.name: path.read_text() for path in (tmp_path / "s").iterdir()}
    subprocess.run(command, check=True)
    assert first == {path.name: path.read_text() for path in (tmp_path / "s").iterdir()}
    assert stat.S_IMODE((tmp_path / "s").stat().st_mode) == 0o700
    assert len(keyfiles.hash_keys(first["token_hash_keys"])[0]) == 32
    assert len(keyfiles.encryption_keys(first["key_encryption_keys"])[0][1]) == 32
    assert len(set(first.values())) == len(first)
    password = first["portal_password"].strip()
    assert first["database_url"].strip() == f"postgres://latchkey:{password}@db.internal:5433/latchkey"


def test_the_image_takes_what_exists_and_nothing_secret() -> None:
    text = (DEPLOY / "Dockerfile").read_text()
    let_in = {line[1:] for line in (PROJECT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {line.split()[1] for line in text.splitlines() if line.startswith("COPY") and "--from" not in line}
    assert copied <= let_in
    assert all((PROJECT / name).exists() for name in copied)
    floors = {"config", "proxies", "credentials", "tokens", "templates"}
    assert floors <= copied
    assert re.search(r"^USER 10001:10001$", text, re.MULTILINE)
    assert "var" not in let_in


@pytest.mark.parametrize("unit", sorted(path.name for path in (DEPLOY / "systemd").glob("*.service")))
def test_systemd_understands_the_unit(unit, tmp_path) -> None:
    text = (DEPLOY / "systemd" / unit).read_text()
    (started,) = re.findall(r"^ExecStart=(.*)$", text, re.MULTILINE)
    command = shlex.split(started)
    service = {"latchkey-web.service": "web-1"}.get(unit, unit.removeprefix("latchkey-").removesuffix(".service"))
    assert [Path(command[0]).name, *command[1:]] == [str(word) for word in SERVICES[service]["command"]]
    for variable in re.findall(r"([A-Z_]+)=", "".join(re.findall(r"^Environment=(.*)$", text, re.MULTILINE))):
        assert is_read(variable) or variable.startswith("PYTHON"), variable
    if shutil.which("systemd-analyze"):
        here = tmp_path / unit
        here.write_text(text.replace(command[0], sys.executable))
        said = subprocess.run(["systemd-analyze", "verify", here], capture_output=True, text=True, check=False)
        # What it says of other units of this machine is not about ours.
        about_us = [line for line in said.stderr.splitlines() if unit in line and "latchkey.env" not in line]
        assert about_us == []


def test_the_settings_of_the_units_are_ones_that_are_read() -> None:
    for line in (DEPLOY / "systemd" / "latchkey.env").read_text().splitlines():
        if line and not line.startswith("#"):
            assert is_read(line.partition("=")[0]), line


@pytest.mark.parametrize(
    ("arguments", "given", "url"),
    [
        (["manage.py", "migrate"], {"MIGRATION_DATABASE_URL": "owner"}, "owner"),
        (["manage.py", "migrate", "--plan"], {"MIGRATION_DATABASE_URL": "owner"}, "owner"),
        (["manage.py", "protect_log"], {"MIGRATION_DATABASE_URL": "owner"}, "owner"),
        (["manage.py", "migrate"], {}, "portal"),
        (["manage.py", "doctor"], {"MIGRATION_DATABASE_URL": "owner"}, "portal"),
        (["manage.py"], {"MIGRATION_DATABASE_URL": "owner"}, "portal"),
    ],
)
def test_i8_only_what_changes_tables_comes_as_their_owner(arguments, given, url) -> None:
    environment = {"DATABASE_URL": "portal", **given}
    manage.come_as_owner(arguments, environment)
    assert environment["DATABASE_URL"] == url
    assert ("DATABASE_STATEMENT_TIMEOUT_MS" in environment) is (arguments[1:2] in (["migrate"], ["protect_log"]))


def test_i8_the_owner_s_address_may_come_by_file() -> None:
    environment = {"DATABASE_URL": "portal", "MIGRATION_DATABASE_URL_FILE": "/run/secrets/x"}
    manage.come_as_owner(["manage.py", "migrate"], environment)
    assert environment["DATABASE_URL_FILE"] == "/run/secrets/x"
    assert "DATABASE_URL" not in environment


def test_the_probe_says_no_where_nobody_answers(monkeypatch) -> None:
    monkeypatch.setenv("PORT", "1")
    monkeypatch.delenv("MONITORING_PORT", raising=False)
    assert probe.main() == 1


def test_the_scripts_can_be_run() -> None:
    assert os.access(DEPLOY / "secrets.sh", os.X_OK)
    for script in ("secrets.sh", "database/roles.sh"):
        subprocess.run(["sh", "-n", DEPLOY / script], check=True)
