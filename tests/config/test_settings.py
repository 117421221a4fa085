"""One settings file, two lives: what the environment makes of it, each time in a process of its own."""

import json
import os
import subprocess
import sys

import pytest

from tests.databases import PROJECT

SHOW = """
import json, os
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
from django.conf import settings
names = json.loads(os.environ["NAMES"])
print(json.dumps({name: getattr(settings, name) for name in names}, default=repr))
"""


def settings_with(tmp_path, names, **environment):
    path = {"PATH": os.environ["PATH"], "DATA_DIR": str(tmp_path / "data"), "NAMES": json.dumps(names)}
    done = subprocess.run(
        [sys.executable, "-c", SHOW],
        cwd=PROJECT,
        env={**path, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr.strip().splitlines()[-1])
    return json.loads(done.stdout)


def test_nothing_set_is_embedded_and_not_in_debug(tmp_path):
    seen = settings_with(tmp_path, ["EMBEDDED", "DEBUG", "PUBLIC_URL", "GENERATED_SECRETS", "DATABASES"])

    assert seen["EMBEDDED"] is True
    assert seen["DEBUG"] is False
    assert seen["PUBLIC_URL"] == "http://127.0.0.1:8000"
    assert seen["GENERATED_SECRETS"] == ["SECRET_KEY", "TOKEN_HASH_KEYS", "KEY_ENCRYPTION_KEYS"]
    assert seen["DATABASES"]["default"]["NAME"] == str(tmp_path / "data" / "latchkey.sqlite3")
    assert seen["DATABASES"]["default"]["ATOMIC_REQUESTS"] is False


def test_a_value_may_come_from_a_file(tmp_path):
    (tmp_path / "key").write_text("from a file\n")

    seen = settings_with(tmp_path, ["SECRET_KEY", "GENERATED_SECRETS"], SECRET_KEY_FILE=str(tmp_path / "key"))

    assert seen["SECRET_KEY"] == "from a file"
    assert "SECRET_KEY" not in seen["GENERATED_SECRETS"]


def test_the_pool_and_djangos_own_persistence_exclude_each_other(tmp_path):
    url = "postgres://someone@db.example:5432/latchkey"
    pooled = settings_with(tmp_path, ["DATABASES"], DATABASE_URL=url)["DATABASES"]["default"]
    plain = settings_with(tmp_path, ["DATABASES"], DATABASE_URL=url, DATABASE_POOL="0")["DATABASES"]["default"]

    assert (pooled["CONN_MAX_AGE"], "pool" in pooled["OPTIONS"]) == (0, True)
    assert (plain["CONN_MAX_AGE"], "pool" in plain["OPTIONS"]) == (60, False)
    for limit in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "jit"):
        assert f"-c {limit}=" in plain["OPTIONS"]["options"]


def test_https_makes_cookies_secure_and_http_does_not(tmp_path):
    names = ["SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "SECURE_SSL_REDIRECT"]

    assert set(settings_with(tmp_path, names, PUBLIC_URL="https://portal.example").values()) == {True}
    assert set(settings_with(tmp_path, names).values()) == {False}


@pytest.mark.parametrize(
    "wrong",
    [
        {"PUBLIC_URL": "portal.example"},
        {"PUBLIC_URL": "https://portal.example/?a=b"},
        {"DATABASE_URL": "mysql://db/latchkey"},
        {"VERIFY_SOURCES": "header,cookie"},
        {"CLIENT_AUTH_METHODS": "client_secret_jwt"},
        {"CLIENT_CERTIFICATE_HEADER": "X_Client_Certificate"},
        {"CLIENT_CERTIFICATE_URL": "mtls.example.com"},
        {"ACCESS_TOKEN_LIFETIME_SECONDS": "0"},
        {"TOKEN_HASH_KEYS": "ab" * 32, "SECRET_KEY": "x", "KEY_ENCRYPTION_KEYS": "k:" + "ab" * 32},
    ],
)
def test_a_wrong_value_stops_the_start(tmp_path, wrong):
    with pytest.raises(RuntimeError, match="ImproperlyConfigured"):
        settings_with(tmp_path, ["DEBUG"], **wrong)


def test_static_files_are_complete(tmp_path):
    """The manifest storage refuses a stylesheet that names a file that is not there."""
    done = subprocess.run(
        [sys.executable, "manage.py", "collectstatic", "--noinput", "-v", "0"],
        cwd=PROJECT,
        env={"PATH": os.environ["PATH"], "DATA_DIR": str(tmp_path / "data")},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "data" / "static" / "staticfiles.json").exists()


def test_mail_is_off_unless_an_address_says_where_it_goes(tmp_path):
    names = ["MAIL_IS_ON", "EMAIL_BACKEND", "DEFAULT_FROM_EMAIL"]
    nothing = {"EMAIL_URL": "", "EMAIL_FROM": "", "WEBHOOK_ALLOWED_HOSTS": ""}  # as the compose file hands them on
    assert settings_with(tmp_path, ["WEBHOOK_ALLOWED_HOSTS"], **nothing) == {"WEBHOOK_ALLOWED_HOSTS": []}
    off = settings_with(tmp_path, names, PUBLIC_URL="https://portal.example.com", **nothing)
    assert off == {
        "MAIL_IS_ON": False,
        "EMAIL_BACKEND": "django.core.mail.backends.dummy.EmailBackend",
        "DEFAULT_FROM_EMAIL": "latchkey@portal.example.com",
    }
    names += ["EMAIL_HOST", "EMAIL_PORT", "EMAIL_HOST_USER", "EMAIL_HOST_PASSWORD", "EMAIL_USE_TLS", "EMAIL_TIMEOUT"]
    on = settings_with(
        tmp_path, names, EMAIL_URL="smtp+tls://portal:p%40ss@mail.example.com:587", EMAIL_FROM="a@b.example"
    )
    assert on == {
        "MAIL_IS_ON": True, "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "DEFAULT_FROM_EMAIL": "a@b.example", "EMAIL_HOST": "mail.example.com", "EMAIL_PORT": 587,
        "EMAIL_HOST_USER": "portal", "EMAIL_HOST_PASSWORD": "p@ss", "EMAIL_USE_TLS": True, "EMAIL_TIMEOUT": 10,
    }  # fmt: skip


@pytest.mark.parametrize(("url", "backend"), [("consolemail://", "console"), ("filemail:///tmp/mails", "filebased")])
def test_mails_can_be_looked_at_without_a_server(tmp_path, url, backend):
    seen = settings_with(tmp_path, ["EMAIL_BACKEND", "EMAIL_FILE_PATH"], EMAIL_URL=url)
    assert seen["EMAIL_BACKEND"] == f"django.core.mail.backends.{backend}.EmailBackend"
    if backend == "filebased":
        assert seen["EMAIL_FILE_PATH"] == "/tmp/mails"


def test_an_address_of_mail_that_is_none_is_refused_without_being_shown(tmp_path):
    with pytest.raises(RuntimeError, match="EMAIL_URL must begin with one of") as refused:
        settings_with(tmp_path, ["EMAIL_BACKEND"], EMAIL_URL="mail://user:canary@mail.example.com")
    assert "canary" not in str(refused.value)
