"""Which statements move the words: all that could end what was true, by whatever way they come."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, models
from django.db.models.sql import DeleteQuery, InsertQuery, UpdateQuery

from tests import world as worlds
from tests.world import REQUEST, START, World
from tokens import lifecycle
from tokens.statements import clean, database, issue, limit, log, refresh, revoke, session, verify
from tokens.statements import sightings as seen
from tokens.verify_cache import company
from tokens.verify_cache.moves import GROWING, HARMLESS, IDLE, moves

ROOT = Path(__file__).resolve().parent.parent.parent
MODELS = list(apps.get_models(include_auto_created=True))
# Asked for by a refresh token's digest, of which there is none where an access token is asked about.
NOT_FOR_ACCESS_TOKENS = {"tokens_refreshkey"}


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every statement of tokens/statements, as it is written there."""
    found: list[str] = []
    for name in ("rows", "changed"):
        original = getattr(database, name)

        def heard(sql: str, *given: Any, original: Any = original, **more: Any) -> Any:
            found.append(sql)
            return original(sql, *given, **more)

        monkeypatch.setattr(database, name, heard)
    return found


def tables_of(sql: str) -> set[str]:
    return set(re.findall(r"\b(?:FROM|JOIN)\s+([a-z]+_[a-z_]+)", sql))


@pytest.mark.django_db
def test_nothing_that_a_verification_reads_is_thought_harmless(said: list[str]) -> None:
    world = worlds.build()
    token = world.issue(world.key_of(world.commerce), target="commerce")
    said.clear()
    assert world.verify(token).good
    for shown in (token.access_token, token.refresh_token):
        lifecycle.introspect(world.key_of(world.commerce), shown or "", request=REQUEST, at=START)
    verify.path_rules(world.orders.pk)
    read = set().union(*(tables_of(sql) for sql in said))
    assert len(read) >= 15
    assert read & HARMLESS <= NOT_FOR_ACCESS_TOKENS
    assert (HARMLESS | GROWING | set(IDLE)) <= set(connection.introspection.django_table_names())


def orm_texts(model: type[models.Model]) -> dict[str, str]:
    """What the ORM says to write one row of a model, each column of it, and to delete it."""
    said: dict[str, str] = {}
    row = model()
    insert = InsertQuery(model)
    fields = [field for field in model._meta.concrete_fields if not field.primary_key]
    insert.insert_values(fields, [row], raw=True)
    said["insert"] = insert.get_compiler(connection=connection).as_sql()[0][0]
    for field in fields:
        update = UpdateQuery(model)
        update.add_update_fields([(field, None, None)])  # type: ignore[list-item]
        said[f"update {field.column}"] = update.get_compiler(connection=connection).as_sql()[0]
    delete = DeleteQuery(model)
    delete.add_filter("pk", 1)
    said["delete"] = delete.get_compiler(connection=connection).as_sql()[0]
    return said


@pytest.mark.django_db
@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_every_write_of_every_model_moves_unless_its_table_is_known_as_harmless(model: type[models.Model]) -> None:
    table = model._meta.db_table
    for what, text in orm_texts(model).items():
        column = what.removeprefix("update ")
        known = table in HARMLESS or (what == "insert" and table in GROWING) or column in IDLE.get(table, ())
        assert moves(text) is not known, text


def test_a_model_that_nobody_has_thought_of_moves() -> None:
    assert moves('UPDATE "tokens_newtable" SET "x" = %s WHERE "id" = %s')
    assert moves('INSERT INTO "tokens_newtable" ("x") VALUES (%s)')


QUIET = (
    company._LOOK,
    company._FLAGS,
    "SELECT 1",
    "",
    'SELECT "tokens_tokenfamily"."id" FROM "tokens_tokenfamily" WHERE "id" = %s FOR UPDATE',
    'SELECT u.id FROM credentials_user u WHERE u.id = %s FOR NO KEY UPDATE OF "u"',
    'SAVEPOINT "s1_x1"',
    'RELEASE SAVEPOINT "s1_x1"',
    'ROLLBACK TO SAVEPOINT "s1_x1"',
    'UPDATE "credentials_user" SET "last_login" = %s WHERE "credentials_user"."id" = %s',
    'UPDATE "credentials_credentialsecret" SET "last_used_at" = %s WHERE ("last_used_at" < %s)',
    "INSERT INTO tokens_issuedtoken (a) VALUES (%s) RETURNING id",
)
MOVING = (
    "update tokens_tokenfamily set revoked_at = now()",
    "UPDATE ONLY tokens_tokenfamily SET revoked_at = now()",
    "UPDATE /* x */ tokens_tokenfamily SET revoked_at = now()",
    "UPDATE public.tokens_tokenfamily SET revoked_at = now()",
    'UPDATE "public"."tokens_figures" SET x = 1',
    "SELECT 1; UPDATE tokens_tokenfamily SET revoked_at = now()",
    "WITH x AS (UPDATE tokens_tokenfamily SET revoked_at = now() RETURNING 1) SELECT * FROM x",
    "WITH x AS (INSERT INTO tokens_figures (a) VALUES (1)) DELETE FROM tokens_tokenfamily",
    "WITH x AS (UPDATE tokens_issuedtoken SET last_used_at = 1) UPDATE tokens_tokenfamily SET revoked_at = 1",
    "INSERT INTO tokens_issuedtoken (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET revoked_at = now()",
    "UPDATE tokens_issuedtoken SET last_used_at = now(), revoked_at = now() WHERE id = 1",
    "UPDATE tokens_issuedtoken SET (last_used_at, revoked_at) = (now(), now()) WHERE id = 1",
    "UPDATE tokens_issuedtoken SET last_used_at = (SELECT now() FROM x WHERE 1 = 1), revoked_at = now() WHERE id = 1",
    'UPDATE "credentials_user" SET "last_login" = %s, "is_active" = %s WHERE "id" = %s',
    "SELECT * INTO tokens_copy FROM tokens_tokenfamily",
    "TRUNCATE tokens_issuedtoken",
    "TRUNCATE tokens_figures",
    "MERGE INTO tokens_tokenfamily USING x ON true WHEN MATCHED THEN DELETE",
    "COPY tokens_tokenfamily FROM STDIN",
    "ALTER TABLE tokens_tokenfamily ADD x int",
    "DROP TABLE tokens_figures",
    "CREATE INDEX x ON tokens_tokenfamily (id)",
    "DO $$ BEGIN UPDATE tokens_tokenfamily SET revoked_at = now(); END $$",
    "CALL something()",
    "EXECUTE prepared",
    "COMMIT",
    "END",
    "PREPARE TRANSACTION 'x'",
    "COMMIT PREPARED 'x'",
    "EXPLAIN ANALYZE UPDATE tokens_tokenfamily SET revoked_at = now()",
    "SELECT pg_terminate_backend(1)",
    "SELECT dblink('x', 'UPDATE')",
    "VACUUM",
    "GRANT ALL ON tokens_tokenfamily TO x",
    "SET session_replication_role = replica",
    "anything at all",
)


@pytest.mark.parametrize("text", QUIET)
def test_what_is_known_to_end_nothing_moves_nothing(text: str) -> None:
    assert not moves(text)


@pytest.mark.parametrize("text", MOVING)
def test_what_can_end_an_answer_or_is_not_understood_moves(text: str) -> None:
    assert moves(text)


def verbs(world: World) -> None:
    """Each verb of the core once."""
    client = world.key_of(world.orders)
    issued = world.issue(client, target="orders")
    world.refresh(client, issued.refresh_token)
    lifecycle.revoke(client, world.issue(client, target="orders").access_token, request=REQUEST, at=START)
    seen.record({1: (START, "orders", "192.0.2.1")})
    limit.count([limit.Window(START, "x", "y")])
    lifecycle.clean(at=START)


# What changes or removes a token or a family, but for when it was last used.
ENDING = re.compile(r"\b(?:UPDATE|DELETE FROM)\s+(tokens_tokenfamily|tokens_issuedtoken)\b(?!\s+SET last_used_at)")


@pytest.mark.django_db
def test_each_statement_of_the_verbs_moves_exactly_where_it_can_end_something(said: list[str]) -> None:
    world = worlds.build()
    said.clear()
    verbs(world)
    told = {sql: moves(sql) for sql in said}
    assert len(told) >= 8
    assert {sql for sql, moved in told.items() if moved} == {sql for sql in told if ENDING.search(sql)}
    assert any(told.values())
    # The statements of PostgreSQL, whichever database this runs on.
    assert moves(refresh._ROTATE)
    assert moves(refresh._GATE_STATIC)
    assert moves(session._RENEW)
    assert not moves(session._OBTAIN)
    assert all(moves(statement) for statement in revoke._END.values())
    assert not moves(log._INSERT)


def test_only_statements_about_one_family_say_so() -> None:
    """`family_id=` narrows what is forgotten, so each place that says it has WHERE id = of that family, and no OR."""
    said = {}
    for module in (clean, issue, limit, log, refresh, revoke, seen, session, verify):
        assert module.__file__ is not None
        source = open(module.__file__, encoding="utf-8").read()  # noqa: PTH123, SIM115
        said[module.__name__.rpartition(".")[2]] = len(
            re.findall(r"database\.\w+\([^()]*\bfamily_id=(?:token\.|key\.)?family_id\)", source)
        )
    assert {name: count for name, count in said.items() if count} == {"refresh": 3, "revoke": 2, "session": 1}
    for text in (refresh.GATE_ROTATING, refresh._GATE_STATIC, refresh._ROTATE, session._RENEW):
        assert re.search(r"UPDATE tokens_tokenfamily SET sequence = sequence \+ 1\s+WHERE id = %s AND", text)


def test_whatever_goes_past_djangos_cursors_is_marked_around() -> None:
    """One place executes on the connection itself, tokens/statements/database.py, and it asks `moving` first."""
    past = {
        path.relative_to(ROOT).as_posix()
        for floor in ("config", "credentials", "proxies", "tokens")
        for path in (ROOT / floor).rglob("*.py")
        if re.search(r"\.pgconn\b|RawCursor|statements_of\(|psycopg\.connect\(", path.read_text(encoding="utf-8"))
    }
    assert past == {
        "config/patience.py",  # looks at the socket
        "tokens/statements/database.py",
        "tokens/statements/prepared.py",
        "tokens/verify_cache/marking.py",
        "tokens/verify_cache/watching.py",  # a session that only looks
    }
    source = (ROOT / "tokens/statements/database.py").read_text(encoding="utf-8")
    assert source.count("statements_of(raw).run(") == 2
    assert "with raw.moving(sql, family_id):\n            return statements_of(raw).run(" in source
