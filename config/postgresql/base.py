"""The backend. Each new session is announced; where VERIFY_CACHE is on, it marks before it commits."""

from typing import Any

import psycopg
from django.db.backends.postgresql import base
from psycopg import IsolationLevel

from tokens.verify_cache import company, host
from tokens.verify_cache.host import HostMap
from tokens.verify_cache.marking import MarkingConnection, MarkingCursor


class _Cursor(MarkingCursor, base.Cursor):
    pass


class _BoundCursor(MarkingCursor, base.ServerBindingCursor):
    pass


_CURSORS = {base.Cursor: _Cursor, base.ServerBindingCursor: _BoundCursor}


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's own, but for how a session begins."""

    def get_connection_params(self) -> dict[str, Any]:
        """With the name that says in which map the session marks."""
        parameters: dict[str, Any] = super().get_connection_params()
        joined = host.joined(self.settings_dict)
        if joined is not None:
            parameters["application_name"] = company.MARKING + joined.id
            parameters["cursor_factory"] = _CURSORS[parameters["cursor_factory"]]
        return parameters

    @property
    def pool(self) -> Any:
        """Django's pool, of connections that mark."""
        options = self.settings_dict["OPTIONS"].get("pool")
        joined = host.joined(self.settings_dict) if options and self.alias not in self._connection_pools else None  # type: ignore[attr-defined]
        if joined is not None:
            options["connection_class"] = _marking(options.get("connection_class", psycopg.Connection), joined)
        return super().pool

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """From the pool, or one of the same kind."""
        joined = host.joined(self.settings_dict)
        if self.pool or joined is None:
            return super().get_new_connection(conn_params)
        self.isolation_level = IsolationLevel.READ_COMMITTED
        return _marking(psycopg.Connection, joined).connect(**conn_params)

    def _configure_connection(self, connection: Any) -> bool:
        """Called once for each new session, before anybody has it."""
        changed: bool = super()._configure_connection(connection)  # type: ignore[misc]
        joined = getattr(connection, "map", None)
        company.arrive(connection, None if joined is None else joined.id)
        return changed


def _marking(kind: type[psycopg.Connection[Any]], joined: HostMap) -> type[psycopg.Connection[Any]]:
    """This class of connections, marking in this map."""
    bases = kind.__bases__ if issubclass(kind, MarkingConnection) else (MarkingConnection, kind)
    return type("MarkingConnection", bases, {"map": joined})
