"""Secrets that were not handed over are made once, for the owner's eyes only, whoever starts first."""

import base64
import stat

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from config import keyfiles
from tests.databases import run_in_threads


def test_a_secret_is_made_once_and_for_its_owner_alone(tmp_path):
    path = tmp_path / "secrets" / "key"

    first = keyfiles.kept_secret(path, keyfiles.new_secret_key)

    assert keyfiles.kept_secret(path, keyfiles.new_secret_key) == first
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert list(path.parent.iterdir()) == [path]


def test_all_that_start_at_once_read_the_same_secret(tmp_path):
    path = tmp_path / "secrets" / "key"

    outcomes = run_in_threads(20, lambda _: keyfiles.kept_secret(path, keyfiles.new_secret_key))

    assert len({outcome.get() for outcome in outcomes}) == 1


def test_hash_keys_are_read_as_hex_or_base64_newest_first():
    text = f"# newest first\n{'ab' * 32}\n\n{base64.b64encode(b'x' * 32).decode()}\n"

    assert keyfiles.hash_keys(text) == [b"\xab" * 32, b"x" * 32]


@pytest.mark.parametrize("text", ["", "# nothing", "not a key", "ab" * 31])
def test_a_hash_key_that_is_none_or_too_short_stops_the_start(text):
    with pytest.raises(ImproperlyConfigured):
        keyfiles.hash_keys(text)


@pytest.mark.parametrize(
    "text",
    ["", "noid", ":" + "ab" * 32, "a:" + "ab" * 31, "a:" + "ab" * 33, f"a:{'ab' * 32}\na:{'cd' * 32}"],
)
def test_an_encryption_key_out_of_form_stops_the_start(text):
    with pytest.raises(ImproperlyConfigured) as refused:
        keyfiles.encryption_keys(text)
    assert "abab" not in str(refused.value)


def test_no_secret_of_the_installation_equals_another():
    keys = [settings.SECRET_KEY.encode(), *settings.TOKEN_HASH_KEYS, *(key for _, key in settings.KEY_ENCRYPTION_KEYS)]

    assert len(set(keys)) == len(keys)
