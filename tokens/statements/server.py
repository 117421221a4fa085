"""What PostgreSQL says of itself, for the doctor."""

from datetime import datetime

from django.db import connection

from tokens.statements import database

_LOG = "tokens_tokenrequestlog"


def owns_the_log() -> bool:
    """May the role that we come as drop the triggers of the request log? Never on SQLite, where there are no roles."""
    if connection.vendor != "postgresql":
        return False
    found = database.row(
        "SELECT pg_has_role(current_user, tableowner, 'MEMBER') OR rolsuper FROM pg_tables, pg_roles"
        " WHERE tablename = %s AND schemaname = current_schema() AND rolname = current_user",
        [_LOG],
    )
    return bool(found and found[0])


def clock() -> datetime:
    """The time on the database's clock."""
    sql = (
        "SELECT clock_timestamp()"
        if connection.vendor == "postgresql"
        else "SELECT strftime('%%Y-%%m-%%d %%H:%%M:%%f')"
    )
    found = database.row(sql, [])
    assert found is not None
    now = found[0]
    return now if isinstance(now, datetime) else datetime.fromisoformat(f"{now}+00:00")


def careless() -> list[str]:
    """Settings that let a server forget what it has confirmed (I7), as name=value."""
    if connection.vendor != "postgresql":
        return []
    wanted = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}
    found = database.rows("SELECT name, setting FROM pg_settings WHERE name IN (%s, %s, %s)", list(wanted))
    stricter = ("remote_apply", "remote_write")
    return [f"{name}={value}" for name, value in found if value not in (wanted[name], *stricter)]
