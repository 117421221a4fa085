"""The settings of the harness' django-oauth-toolkit site, over a SQLite file that is set up as the portal's own is."""

import os

from dotsite.settings import *  # noqa: F403 - a settings module

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ["TOOLKIT_DATABASE"],
        "CONN_MAX_AGE": 600,
        "OPTIONS": {
            "timeout": 20,
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
        },
    }
}
