"""Whoever runs the portal is told why nothing is kept."""

from pathlib import Path
from typing import Any

import pytest

from tokens.verify_cache import host
from tokens.verify_cache.obstacles import obstacles


@pytest.fixture
def folder(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    settings.VERIFY_CACHE = "host"
    monkeypatch.setattr(host, "FOLDER", tmp_path)
    return tmp_path


@pytest.mark.django_db
def test_nothing_is_said_where_it_is_off() -> None:
    assert list(obstacles()) == []


@pytest.mark.django_db
def test_shared_memory_that_cannot_be_had_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "FOLDER", folder / "nowhere")
    ((what, _),) = obstacles()
    assert "cannot share memory" in what
    assert "nowhere" in what


@pytest.mark.on_postgresql
@pytest.mark.django_db
def test_sessions_that_take_no_part_are_named(folder: Path) -> None:
    ((what, _),) = obstacles()  # this process' own session began without the setting
    assert what.endswith("take no part in it: latchkey.")


def test_each_database_and_each_user_has_a_map_of_its_own(folder: Path) -> None:
    one = {"HOST": "db", "PORT": "5432", "NAME": "a"}
    assert host.path_for(one) != host.path_for({**one, "NAME": "b"})
    assert host.path_for(one) != host.path_for({**one, "HOST": "other"})
    assert host.joined(one) is host.joined(dict(one))


def test_nothing_is_joined_where_it_is_off(settings: Any) -> None:
    settings.VERIFY_CACHE = "off"
    assert host.joined({"NAME": "a"}) is None
