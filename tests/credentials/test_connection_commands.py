"""The commands of connection configurations: one core function each, answers for people and machines."""

import io
import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from credentials import rotation, secrets
from credentials.models import ConnectionConfiguration, ConnectionToken
from tests.credentials.connections import active, beat, environment, opened, verbs
from tests.databases import PROJECT


def run(*words: str) -> Any:
    out = io.StringIO()
    call_command(*words, "--json", stdout=out, stderr=io.StringIO())
    return json.loads(out.getvalue())


@pytest.mark.django_db
def test_a_whole_rotation_by_commands():
    environment()
    first = run("connection", "open", "EU edge", "--type", "kubernetes", "--environment", "test")
    second = run("connection", "generate", "EU edge")
    revoked = run("connection", "revoke", str(first["token_id"]), "--because", "rotated")

    configuration = ConnectionConfiguration.objects.get()
    assert active(configuration) == [second["token_id"]]
    assert revoked["status"] == "revoked"
    assert run("connection", "reveal", str(second["token_id"]))["token"] == second["token"]
    assert [verb for verb, _ in verbs(configuration)] == ["open", "generate token", "revoke token", "show token"]
    shown = run("connection", "show", "EU edge")
    assert [token["status"] for token in shown["tokens"]] == ["active", "revoked"]
    assert run("connection", "list")["connections"][0]["active_tokens"] == 1


@pytest.mark.django_db
def test_refusals_are_one_sentence_and_exit_code_1():
    made = opened(at=timezone.now())
    with pytest.raises(CommandError, match="only active token") as refused:
        run("connection", "revoke", str(made.token.pk))
    assert refused.value.returncode == 1

    rotation.generate(made.token.configuration, by="ada")
    beat(made.raw, instance="edge-7", at=timezone.now())
    with pytest.raises(CommandError, match="edge-7"):
        run("connection", "revoke", str(made.token.pk))
    run("connection", "revoke", str(made.token.pk), "--even-if-in-use")
    assert len(active(made.token.configuration)) == 1


@pytest.mark.django_db
def test_replace_extend_and_close():
    made = opened(licence_ends_at=timezone.now() + timedelta(days=1))
    key = str(made.token.configuration_id)
    new = run("connection", "replace", str(made.token.pk), "--because", "leaked")
    assert active(made.token.configuration) == [new["token_id"]]
    assert run("connection", "extend", key, "2100-01-01")["licence_ends_at"].startswith("2100-01-01")
    assert run("connection", "extend", key, "never")["licence_ends_at"] is None
    assert run("connection", "close", key, "--yes")["active_tokens"] == 0


@pytest.mark.django_db
@pytest.mark.parametrize("words", [("show", "nobody"), ("revoke", "77"), ("revoke", "x"), ("show", "9" * 30)])
def test_unknown_words_are_told(words):
    with pytest.raises(CommandError, match=r"[Tt]here is no"):
        run("connection", *words)


@pytest.mark.django_db
def test_expire_licences_reports_the_numbers_of_the_core():
    opened(at=timezone.now() - timedelta(days=9), licence_ends_at=timezone.now() - timedelta(days=1))
    assert run("expire_licences") == {"configurations": 1, "tokens": 1}
    assert run("expire_licences") == {"configurations": 0, "tokens": 0}


@pytest.mark.django_db
def test_rotate_encryption_key_says_which_keys_may_go(settings):
    opened(at=timezone.now())
    old = settings.KEY_ENCRYPTION_KEYS[0][0]
    settings.KEY_ENCRYPTION_KEYS = [("new", os.urandom(32)), *settings.KEY_ENCRYPTION_KEYS]

    told = run("rotate_encryption_key", "--batch-size", "1")

    assert (told["newest"], told["removable"]) == ("new", [old])
    assert told["sealed_again"]["credentials_connectiontoken.sealed"] == 1
    assert secrets.sealed_with(bytes(ConnectionToken.objects.get().sealed)) == "new"


@pytest.mark.django_db
def test_rotate_encryption_key_with_a_missing_key_changes_nothing(settings):
    opened(at=timezone.now())
    before = bytes(ConnectionToken.objects.get().sealed)
    settings.KEY_ENCRYPTION_KEYS = [("new", os.urandom(32))]
    with pytest.raises(CommandError, match="cannot be opened"):
        run("rotate_encryption_key")
    assert bytes(ConnectionToken.objects.get().sealed) == before


def test_a_portal_with_the_wrong_key_refuses_to_start_and_changes_nothing(own_database):
    made = opened(at=timezone.now())
    (Path(own_database.data_dir) / "secrets" / "key_encryption_keys").write_text(f"other:{os.urandom(32).hex()}\n")

    found = subprocess.run(
        [sys.executable, "manage.py", "migrate"],
        cwd=PROJECT, env=own_database.environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert found.returncode == 1
    assert "credentials.E001" in found.stderr
    assert "Put the key back that sealed it. Nothing was changed." in found.stderr
    assert rotation.reveal(ConnectionToken.objects.get(), by="") == made.raw
