"""manage.py apply and export: plan, question, exit codes, and secrets that end in one file or nowhere."""

import json
import stat
from pathlib import Path

import pytest
import yaml
from django.db import OperationalError

from proxies.models import ApiProxy, ChangeRecord, Environment
from tests import world as worlds
from tests.tokens.commands.calling import run
from tests.world import REQUEST, World, call
from tokens import demo, lifecycle
from tokens.lifecycle import Client

SMALL = """
environments: {test: {}}
proxies:
  orders: {deployed_in: [test], policy: {}, key: {client_id: orders-key}}
connections:
  - {name: edge, environment: test, deployment_type: other}
"""


@pytest.fixture
def file(db: None, tmp_path: Path) -> Path:
    path = tmp_path / "portal.yaml"
    path.write_text(SMALL)
    return path


@pytest.fixture
def world(db: None) -> World:
    return worlds.build()


def written(folder: Path, text: str) -> str:
    path = folder / "changes.yaml"
    path.write_text(text)
    return str(path)


def test_from_nothing_to_a_token(file: Path, tmp_path: Path) -> None:
    out = tmp_path / "secrets.json"
    done = run("apply", str(file), "--yes", "--secrets-out", str(out))
    assert done.status == 0, done.err
    assert done.out.splitlines() == ["Done: 6 steps.", f"The secrets are in {out}. They are not shown again."]
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    kept = json.loads(out.read_text())
    assert kept["connections"]["test/edge"]["token"].startswith("lk_ct_")
    client = kept["clients"]["orders-key"]
    asked = Client(client["client_id"], client["client_secret"])
    assert call("/oauth2/token", {"grant_type": "client_credentials"}, client=asked).status == 200
    for secret in (client["client_secret"], kept["connections"]["test/edge"]["token"]):
        assert secret not in done.out + done.err
    assert set(ChangeRecord.objects.values_list("actor", flat=True)) == {"command line"}
    again = run("apply", str(file))
    assert (again.status, again.out) == (0, "Everything is as the file says (3 things).\n")


def test_check_changes_nothing_and_its_exit_code_tells(file: Path, tmp_path: Path) -> None:
    found = run("apply", str(file), "--check")
    assert found.status == 2
    assert "- Deploy the API proxy orders in test." in found.out
    assert "It differs in 6 steps. Nothing was done." in found.out
    assert not Environment.objects.exists()
    run("apply", str(file), "--yes", "--secrets-out", str(tmp_path / "s"))
    assert run("apply", str(file), "--check").status == 0


def test_machines_get_the_plan_as_json(file: Path, tmp_path: Path) -> None:
    told = run("apply", str(file), "--check", "--json")
    assert told.status == 2
    assert [step["verb"] for step in told.json["steps"]][:2] == ["add", "add"]
    assert (told.json["new_secrets"], told.json["applied"]) == (2, False)
    done = run("apply", str(file), "--yes", "--json", "--secrets-out", str(tmp_path / "s"))
    assert done.json["applied"] is True
    assert done.json["secrets_file"] == str(tmp_path / "s")
    assert done.json["fingerprint"] == told.json["fingerprint"]


@pytest.mark.parametrize("typed", ["", "y\n", "orders\n"])
def test_what_only_adds_wants_a_yes(file: Path, tmp_path: Path, typed: str) -> None:
    out = tmp_path / "s"
    assert run("apply", str(file), "--secrets-out", str(out), typed=typed).status == 3
    assert not Environment.objects.exists()
    assert not out.exists()
    asked = run("apply", str(file), "--secrets-out", str(out), typed="yes\n")
    assert asked.status == 0
    assert "Type yes to confirm: " in asked.err


def test_without_a_terminal_nobody_can_answer(file: Path, tmp_path: Path) -> None:
    done = run("apply", str(file), "--secrets-out", str(tmp_path / "s"))
    assert done.status == 3
    assert "Add --yes" in done.err


def test_d12_what_ends_tokens_wants_each_name_typed(world: World, tmp_path: Path) -> None:
    world.policy(world.orders, access=600, refresh=600)
    token = lifecycle.issue(world.key_of(world.orders), request=REQUEST).access_token
    text = written(tmp_path, "proxies: {orders: {deployed_in: [live]}, billing: {mode: credentials}}")
    asked = run("apply", text, typed="orders\nbilling\n")
    assert asked.status == 3, "in the order of the plan"
    assert lifecycle.verify(token, proxy="orders").good
    assert "! Undeploy the API proxy orders in test: its tokens there end at once and for good." in asked.err
    assert "     1  Live OAuth2 (opaque) tokens in Test" in asked.err
    assert run("apply", text, typed="billing\norders\n").status == 0
    assert not lifecycle.verify(token, proxy="orders").good


def test_secrets_want_a_place_before_anybody_is_asked(file: Path, tmp_path: Path) -> None:
    missing = run("apply", str(file), "--yes")
    assert missing.status == 1
    assert "--secrets-out" in missing.err
    taken = tmp_path / "there"
    taken.write_text("older secrets")
    assert "is there already" in run("apply", str(file), "--yes", "--secrets-out", str(taken)).err
    assert "no folder" in run("apply", str(file), "--yes", "--secrets-out", str(tmp_path / "no" / "s")).err
    assert taken.read_text() == "older secrets"
    assert not Environment.objects.exists()


def test_a_place_that_cannot_be_written_undoes_all(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr("json.dump", full)
    done = run("apply", str(file), "--yes", "--secrets-out", str(tmp_path / "s"))
    assert done.status == 1
    assert "no space left on device" in done.err
    assert not (tmp_path / "s").exists()
    assert not Environment.objects.exists()


def test_where_the_answer_to_the_commit_is_lost_the_secrets_are_not(file: Path, tmp_path: Path, monkeypatch) -> None:
    """They may count already, and nobody could show them again."""
    from tokens.management.commands import apply as command

    write = command._Keeper.write

    def then_fail(self: object, made: object) -> None:
        write(self, made)
        raise OperationalError("the database went away")

    monkeypatch.setattr(command._Keeper, "write", then_fail)
    with pytest.raises(OperationalError):
        run("apply", str(file), "--yes", "--secrets-out", str(tmp_path / "s"))
    assert "orders-key" in (tmp_path / "s").read_text()


def test_a_secret_file_is_looked_for_beside_the_yaml(db: None, tmp_path: Path) -> None:
    (tmp_path / "orders.secret").write_text("0123456789abcdef0123456789abcdef\n")
    text = written(tmp_path, "proxies: {orders: {key: {client_secret_file: orders.secret}}}")
    assert run("apply", text, "--yes").status == 0
    assert run("apply", text, "--check").status == 0
    (tmp_path / "orders.secret").unlink()
    gone = run("apply", text, "--check")
    assert gone.status == 1
    assert "orders.secret cannot be read" in gone.err


def test_a_fault_is_one_sentence_with_its_path_and_exit_code_1(db: None, tmp_path: Path) -> None:
    done = run("apply", written(tmp_path, "proxies: {orders: {scpoes: []}}"), "--json")
    assert (done.status, done.json["error"]) == (1, "invalid_configuration")
    assert "proxies.orders.scpoes: there is no such key. Did you mean scopes?" in done.err
    assert run("apply", str(tmp_path / "nothing.yaml")).status == 1
    assert run("apply", "-", "--check", piped="proxies: {x1: {}}").status == 2


def test_export_writes_what_apply_reads(file: Path, tmp_path: Path) -> None:
    run("apply", str(file), "--yes", "--secrets-out", str(tmp_path / "s"))
    text = run("export").out
    assert yaml.safe_load(text)["proxies"]["orders"]["deployed_in"] == ["test"]
    assert run("apply", "-", "--check", piped=text).status == 0
    assert run("apply", "-", "--check", piped=run("export", "--json").out).status == 0
    run("export", "--output", str(tmp_path / "kept.yaml"))
    assert (tmp_path / "kept.yaml").read_text() == text
    assert run("export", "--output", str(tmp_path / "no" / "kept.yaml")).status == 1


def test_export_says_what_it_leaves_out(world: World) -> None:
    run("archive", "billing", "--yes")
    done = run("export")
    assert done.err == "Left out: proxies.billing is archived.\n"
    assert "billing" not in yaml.safe_load(done.out)["proxies"]


def test_the_demo_is_what_its_file_says(db: None, settings, tmp_path: Path) -> None:
    """`make run` makes it from the file that anybody can apply; nothing but its administrator comes on top."""
    settings.DATA_DIR = tmp_path
    run("demo", "--quiet")
    assert run("apply", str(demo.FILE), "--check").status == 0
    assert ApiProxy.objects.count() == 3
