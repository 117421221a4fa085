"""docs/importing.md, as it stands there, against databases made by the real packages."""

import re
import shlex
from pathlib import Path

import pytest

from tests.databases import PROJECT
from tests.tokens.commands.calling import run
from tests.tokens.importing import simplejwt_project, sources
from tests.tokens.importing.toolkit import MODULE, verified

TEXT = (PROJECT / "docs" / "importing.md").read_text(encoding="utf-8")


def commands(title: str) -> list[list[str]]:
    """The commands of one section, in order."""
    section = TEXT.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]
    lines = "\n".join(re.findall(r"^```sh\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)).splitlines()
    return [shlex.split(line)[1:] for line in lines if line.startswith("manage.py ")]


def test_from_django_oauth_toolkit(db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("add_environment", "test").status == 0
    other = sources.made(MODULE, f"sqlite:///{tmp_path}/db.sqlite3")
    monkeypatch.setenv("SOURCE_DATABASE_URL", other.url)
    found = commands("From django-oauth-toolkit")
    assert len(found) == 5
    for words in found:
        assert run(*words).status == 0, words
    assert verified(other.told["ada"]["access_token"]).status == 200
    for words in commands("The end of the old tokens"):
        assert run(*words).status == 0, words
    assert verified(other.told["ada"]["access_token"]).status == 401


def test_from_simplejwt(db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("add_environment", "test").status == 0
    other = sources.made(simplejwt_project.MODULE, f"sqlite:///{tmp_path}/db.sqlite3")
    monkeypatch.setenv("SOURCE_DATABASE_URL", other.url)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "old.key").write_text(simplejwt_project.KEY)
    found = commands("From djangorestframework-simplejwt")
    assert len(found) == 4
    for words in found:
        assert run(*words).status == 0, words
    assert verified(other.told["ada"]["access"]).status == 200
