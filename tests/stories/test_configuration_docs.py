"""docs/configuration.md, as it stands there: its file is applied, its commands are run, its tables are complete."""

import re
import shlex
from pathlib import Path

import pytest

from proxies.models import ApiProxy
from tests.databases import PROJECT
from tests.tokens.commands.calling import run
from tokens.configuration import schema

TEXT = (PROJECT / "docs" / "configuration.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


def commands() -> list[list[str]]:
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    found = [shlex.split(line.split("||")[0].split(">")[0], comments=True) for line in lines]
    assert all(words[0] == "manage.py" for words in found)
    return [words[1:] for words in found]


def test_the_file_and_the_commands_do_what_is_said(db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "portal.yaml").write_text(blocks("yaml")[0])
    done = run("apply", "portal.yaml", "--yes", "--secrets-out", "first.json")
    assert done.status == 0, done.err
    assert ApiProxy.objects.count() == 2
    assert len(commands()) == 8
    for words in commands():
        (tmp_path / "secrets.json").unlink(missing_ok=True)
        assert run(*words).status == 0, words


def test_every_key_of_the_schema_is_in_the_tables() -> None:
    told = set(re.findall(r"`([a-z_]+)`", TEXT))
    for section in schema.SECTIONS:
        assert section in told
    keys = {*schema.POLICY, *schema.KEY, *schema.GRANT, *schema.HOLDER, *schema.ENVIRONMENT, *schema.CONNECTION}
    keys |= {*schema.PROXY, *schema.GROUP, *schema.CREDENTIAL, *schema.USER, *schema.PATH_RULE}
    assert not keys - told
