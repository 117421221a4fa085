"""The comparison says in one sentence what it lacks, and its targets are what the harness can read."""

import json
import tomllib
from typing import Any

import pytest

from bench import peers, targets


def test_without_the_harness_one_sentence_says_what_is_missing(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("BENCH_PEERS", str(tmp_path))

    assert peers.main([]) == 2

    said = capsys.readouterr().err
    assert said == f"The peers' harness is not in {tmp_path}: name its folder as BENCH_PEERS.\n"


def test_without_its_programs_one_sentence_names_them(tmp_path, monkeypatch):
    (tmp_path / "run.py").touch()
    (tmp_path / "targets.toml").touch()
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(peers.Missing, match="needs wrk, redis-server"):
        peers.harness(str(tmp_path))


def test_the_targets_are_toml_with_every_operation_and_no_name_begins_like_another(tmp_path):
    (tmp_path / "targets.toml").write_text("")
    found = peers.ours(tmp_path)
    for each in found:
        each.feeds.mkdir(parents=True, exist_ok=True)
        (each.feeds / "clients.json").write_text(json.dumps({"orders": "Basic YTpi", "billing": "Basic YzpK"}))

    read = tomllib.loads(peers.configuration(tmp_path, found).read_text())["target"]

    assert set(read["ours-gunicorn"]["op"]) == set(peers.ALL)
    introspect = read["ours-gunicorn"]["op"]["introspect"]
    assert (introspect["headers"], introspect["expect"]) == ({"Authorization": "Basic YTpi"}, '"active":true')
    assert read["ours-gunicorn"]["op"]["renew"]["body"] == '{"refresh":"@@"}'
    assert read["peer-dot-granian"]["like"] == "dot-gunicorn-gthread"
    assert set(targets.PEERS) < set(read)
    ports = [each["port"] for each in read.values()]
    assert len(set(ports)) == len(ports)
    assert not [(one, two) for one in read for two in read if one != two and two.startswith(one)]


def test_the_toolkit_on_sqlite_is_asked_as_on_postgresql_with_tokens_of_its_own(tmp_path):
    introspect = {
        "path": "/o/introspect/",
        "feed": "var/feeds/dot/access.txt",
        "expect": '"active": true',
        "bearer": True,
    }
    plain = {"path": "/o/token/", "method": "POST", "headers": {"Content-Type": "text/plain"}}
    named = ("ping-bearer", "introspect-bearer", "token-cc-plain", "refresh-plain", "revoke-plain")
    base: dict[str, Any] = {"cwd": "apps/dot_site", "start": "serve {port}", "op": dict.fromkeys(named, plain)}
    base["op"]["introspect-bearer"] = introspect

    text = targets.toml_on_sqlite(base, tmp_path, 100, 50)

    read = tomllib.loads(text)["target"]["peer-dot-sqlite"]
    assert read["op"]["introspect-bearer"] == {**introspect, "feed": str(tmp_path / "feeds" / "access.txt")}
    assert "revoke-plain" not in read["op"]
    assert read["prepare"] == [f"../../.venv-dot/bin/python seed_sqlite.py 100 50 {tmp_path}/feeds"]
    assert read["env"]["TOOLKIT_DATABASE"] == f"{tmp_path}/db.sqlite3"


def test_copying_the_harness_leaves_out_what_a_run_made_and_may_be_written(tmp_path):
    source, work = tmp_path / "source", tmp_path / "work"
    (source / "var").mkdir(parents=True)
    (source / "run.py").write_text("x")
    (source / "run.py").chmod(0o444)

    peers.copy(source, work)
    peers.copy(source, work)

    assert [each.name for each in work.iterdir()] == ["run.py"]
    assert (work / "run.py").stat().st_mode & 0o200


def test_the_page_of_the_last_whole_run_is_written_anew_and_nothing_is_measured(tmp_path, monkeypatch, capsys):
    (tmp_path / "var").mkdir()
    monkeypatch.setenv("BENCH_WORK", str(tmp_path))
    monkeypatch.setattr(peers, "harness", lambda named: tmp_path)
    monkeypatch.setattr(peers, "measured", lambda *_: pytest.fail("measured"))
    written: list[tuple[str, str]] = []
    monkeypatch.setattr(peers.page, "write_section", lambda name, text: written.append((name, text)))

    assert peers.main(["--again"]) == 2
    assert "run `make bench`" in capsys.readouterr().err

    found = {"results": '{"runs": []}', "machine": {"machine": "a box"}, "statements": {}, "rounds": 3, "secs": 4}
    (tmp_path / "var" / "whole.json").write_text(json.dumps(found))
    assert peers.main(["--again"]) == 0
    ((name, text),) = written
    assert name == "bench"
    assert "`make bench ROUNDS=3 SECS=4`" in text
    assert "* machine: a box" in text
