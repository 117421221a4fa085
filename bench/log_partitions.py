"""Would monthly partitions of the request log pay? Measured on a PostgreSQL of one's own, in a database made for it.

    DATABASE_URL=postgres://postgres@127.0.0.1:5432/postgres python -m bench.log_partitions [ROWS]

Two tables with the columns, indexes and triggers of the log, one whole and one in 24 monthly partitions, with the same
rows. Then what the portal does with the log: one row a transaction (which is in every token request), the newest page,
the rows of a seal, a token by its jti, a family. The database is dropped in the end.
"""

import os
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg

MONTHS = 24
NAME = "latchkey_bench_partitions"
COLUMNS = """id bigserial, at timestamptz NOT NULL, action varchar(12) NOT NULL, outcome varchar(8) NOT NULL,
    client_id varchar(100) NOT NULL, jti varchar(64) NOT NULL, family_id bigint, filling text NOT NULL"""
INDEXES = ("(at DESC)", "(client_id, at DESC)", "(family_id)", "(jti)")
GUARD = """CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'never'; END $$"""
ROW = """INSERT INTO {table} (at, action, outcome, client_id, jti, family_id, filling)
    VALUES (%s, 'issue', 'granted', %s, %s, %s, %s)"""


def make(database: Any, table: str, *, parts: bool) -> None:
    key, rest = ("(id, at)", "PARTITION BY RANGE (at)") if parts else ("(id)", "")
    database.execute(f"CREATE TABLE {table} ({COLUMNS}, PRIMARY KEY {key}) {rest}")
    for month in range(MONTHS) if parts else ():
        first, last = (f"{2025 + at // 12}-{at % 12 + 1:02}-01" for at in (month, month + 1))
        database.execute(f"CREATE TABLE {table}_{month} PARTITION OF {table} FOR VALUES FROM ('{first}') TO ('{last}')")
    for index in INDEXES:
        database.execute(f"CREATE INDEX ON {table} {index}")
    database.execute(
        f"CREATE TRIGGER rows_stay BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION refuse()"
    )


def fill(database: Any, table: str, rows: int) -> None:
    database.execute(
        f"""INSERT INTO {table} (at, action, outcome, client_id, jti, family_id, filling)
        SELECT '2025-01-01'::timestamptz + n * interval '729 days' / %s, 'issue', 'granted', 'client-' || n %% 1000,
               md5(n::text), n, repeat('x', 300) FROM generate_series(1, %s) n""",
        (rows, rows),
    )
    database.execute(f"ANALYZE {table}")


def timed(work: Callable[[int], None], times: int) -> float:
    """Median milliseconds."""
    found = []
    for each in range(times):
        begun = time.perf_counter()
        work(each)
        found.append((time.perf_counter() - begun) * 1000)
    return statistics.median(found)


def measure(database: Any, table: str, rows: int) -> dict[str, float]:
    def ask(sql: str, *values: Any) -> None:
        database.execute(sql.format(table=table), values).fetchall()

    def insert(each: int) -> None:
        values = ("2026-12-30", f"client-{each % 1000}", f"new-{each}", each, "x" * 300)
        database.execute(ROW.format(table=table), values)

    middle = rows // 2
    return {
        "insert, one transaction": timed(insert, 5_000),
        "newest 50 by id": timed(lambda _n: ask("SELECT * FROM {table} ORDER BY id DESC LIMIT 50"), 300),
        "1000 rows of a seal by id": timed(
            lambda n: ask("SELECT * FROM {table} WHERE id BETWEEN %s AND %s ORDER BY id", middle, middle + 999 + n), 100
        ),
        "a token by its jti": timed(
            lambda n: ask("SELECT * FROM {table} WHERE jti = md5(%s::text)", str(middle + n)), 1_000
        ),
        "a family": timed(lambda n: ask("SELECT * FROM {table} WHERE family_id = %s", middle + n), 1_000),
        "a day of one client": timed(
            lambda n: ask(
                "SELECT * FROM {table} WHERE client_id = %s AND at >= '2026-03-01' AND at < '2026-03-02' "
                "ORDER BY at DESC LIMIT 50", f"client-{n % 1000}"
            ), 300,
        ),
    }  # fmt: skip


def main(rows: int) -> None:
    given = os.environ["DATABASE_URL"]
    own = urlunsplit(urlsplit(given)._replace(path=f"/{NAME}"))
    with psycopg.connect(given, autocommit=True) as server:
        server.execute(f"DROP DATABASE IF EXISTS {NAME}")
        server.execute(f"CREATE DATABASE {NAME}")
        try:
            with psycopg.connect(own, autocommit=True) as database:
                database.execute(GUARD)
                found = {}
                for table, parts in (("whole", False), ("parted", True)):
                    make(database, table, parts=parts)
                    fill(database, table, rows)
                database.execute("CHECKPOINT")
                for table in ("whole", "parted", "whole", "parted"):
                    taken = measure(database, table, rows)
                    before = found.get(table, taken)
                    found[table] = {name: min(value, before[name]) for name, value in taken.items()}
        finally:
            server.execute(f"DROP DATABASE {NAME} WITH (FORCE)")
    print(f"{rows} rows, {MONTHS} months; median milliseconds\n")
    for name, value in found["whole"].items():
        print(f"{name:28} {value:8.3f} {found['parted'][name]:8.3f}  x {found['parted'][name] / value:.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2_000_000)
