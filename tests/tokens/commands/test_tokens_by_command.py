"""Issue, refresh, introspect, verify and revoke by command: the same core, the same log."""

import pytest

from proxies.commandkit import NOT_CONFIRMED
from tests import world as worlds
from tests.tokens.commands.calling import run
from tests.world import World
from tokens.models import IssuedToken, TokenFamily, TokenRequestLog


@pytest.fixture
def world(db: None) -> World:
    made = worlds.build()
    made.policy(made.orders, access=600, refresh=600, count=3)
    return made


def issued(world: World) -> dict[str, str]:
    client = world.key_of(world.orders)
    done = run("issue", client.client_id, "--json", piped=client.secret + "\n")
    assert done.status == 0, done.err
    return done.json


def test_a_token_is_issued_with_the_secret_from_standard_input(world: World) -> None:
    answer = issued(world)
    assert answer["expires_in"] in (599, 600)
    assert run("verify", "orders", piped=answer["access_token"]).status == 0
    (row,) = TokenRequestLog.objects.all()
    assert (row.action, row.outcome, row.actor) == ("issue", "granted", "command line")


def test_the_secret_may_come_from_a_file_and_from_the_environment(world: World, tmp_path, monkeypatch) -> None:
    client = world.key_of(world.orders)
    file = tmp_path / "secret"
    file.write_text(client.secret + "\n")
    assert run("issue", client.client_id, "--secret-file", str(file)).status == 0
    assert run("issue", client.client_id, "--secret-file", str(tmp_path / "none")).status == 1
    assert "is missing" in run("issue", client.client_id).err


def test_no_command_takes_a_secret_or_token_as_a_word(world: World) -> None:
    client = world.key_of(world.orders)
    for name in ("issue", "refresh", "introspect", "verify"):
        for word in ("--secret", "--client-secret", "--token", "--refresh-token"):
            done = run(name, client.client_id, f"{word}={client.secret}")
            assert done.status != 0
            assert "lk_cs" not in done.out


def test_a_refused_secret_is_one_sentence_one_row_and_exit_code_1(world: World) -> None:
    client = world.key_of(world.orders)
    done = run("issue", client.client_id, "--json", piped="wrong\n")
    assert (done.status, done.json["error"]) == (1, "client_auth_failed")
    assert "Client authentication failed. (client_auth_failed)" in done.err
    assert TokenRequestLog.objects.get().outcome == "refused"


def test_a_refresh_reads_secret_and_token_as_two_lines(world: World) -> None:
    client, answer = world.key_of(world.orders), issued(world)
    done = run("refresh", client.client_id, "--json", piped=f"{client.secret}\n{answer['refresh_token']}\n")
    assert done.status == 0
    assert run("verify", "orders", piped=done.json["access_token"]).status == 0
    old = run("verify", "orders", "--json", piped=answer["access_token"])
    assert (old.status, old.json) == (1, {"good": False, "reason": "token_replaced"})


def test_verify_says_why_not_and_ends_with_1(world: World) -> None:
    answer = issued(world)
    done = run("verify", "billing", piped=answer["access_token"])
    assert (done.status, done.out.strip()) == (1, "Refused: wrong_proxy.")
    assert run("verify", "orders", "--scopes", "admin", piped=answer["access_token"]).status == 1


def test_introspect_tells_a_client_about_its_own_token(world: World) -> None:
    client, answer = world.key_of(world.orders), issued(world)
    done = run("introspect", client.client_id, "--json", piped=f"{client.secret}\n{answer['access_token']}\n")
    assert (done.status, done.json["active"], done.json["client_id"]) == (0, True, client.client_id)
    other = world.key_of(world.billing)
    done = run("introspect", other.client_id, "--json", piped=f"{other.secret}\n{answer['access_token']}\n")
    assert (done.status, done.json) == (1, {"active": False})


def test_revoke_by_jti_ends_one_token_and_says_so_when_it_had_ended(world: World) -> None:
    answer = issued(world)
    jti = IssuedToken.objects.get().jti
    assert run("revoke", "--jti", jti, "--json").json == {"revoked": 1}
    assert run("revoke", "--jti", jti, "--json").json == {"revoked": 0}
    assert run("verify", "orders", "--json", piped=answer["access_token"]).json["reason"] == "token_revoked"
    assert run("revoke", "--jti", "nothing").status == 1
    assert IssuedToken.objects.get().revoked_by == "command line"


@pytest.mark.parametrize("what", ["--client", "--proxy"])
def test_revoke_by_holder_wants_its_name_typed(world: World, what: str) -> None:
    answer = issued(world)
    named = world.key_of(world.orders).client_id if what == "--client" else "orders"
    exact = "key of Orders" if what == "--client" else "Orders"
    piped = run("revoke", what, named)
    assert piped.status == NOT_CONFIRMED
    assert "1  Live OAuth2 (opaque) tokens" in piped.err
    assert run("revoke", what, named, typed="orders of mine\n").status == NOT_CONFIRMED
    assert not TokenFamily.objects.exclude(revoked_at=None).exists()
    assert run("revoke", what, named, typed=f"{exact}\n").status == 0
    assert run("verify", "orders", piped=answer["access_token"]).status == 1


def test_whom_revoke_does_not_know_it_says(world: World) -> None:
    assert "no user nobody" in run("revoke", "--user", "nobody").err
    assert "no API proxy or group nothing" in run("revoke", "--group", "nothing").err
    assert "no credential" in run("revoke", "--client", "nothing").err
