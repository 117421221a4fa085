"""The command line of each everyday act, as a table: JSON for machines, a sentence for people, an exit code."""

import importlib
from dataclasses import dataclass

import pytest
from django.db import transaction

from tests import world as worlds
from tests.tokens.commands.calling import run
from tests.world import World
from tokens.models import IssuedToken

DONE, REFUSED, WRONG_WORDS, NOT_CONFIRMED = 0, 1, 2, 3


@dataclass(frozen=True)
class Everyday:
    """An act: its words, a part of its sentence, a key of its JSON; words that are refused, and why; what it is piped.

    `$client` is the client id of orders, `$secret` its secret, `$token` a token of it.
    """

    words: str
    sentence: str
    key: str
    refused: str
    because: str
    piped: str = ""
    asks: bool = False


ACTS = {
    "issue": Everyday("issue $client", "is not shown again", "access_token", "issue nobody", "failed", "$secret"),
    "explain": Everyday("explain --proxy orders", "is good", "checks", "explain --log 999999", "no", "$token"),
    "revoke a token": Everyday("revoke --jti $jti", "It is revoked", "revoked", "revoke --jti none", "not"),
    "revoke a holder": Everyday(
        "revoke --client $client", "were revoked", "revoked", "revoke --user x", "no user", asks=True
    ),
    "deploy": Everyday(
        "deploy billing -e live", "deployed", "environment", "deploy none", "no API proxy or group none"
    ),
    "undeploy": Everyday(
        "undeploy billing -e live", "undeployed", "environment", "undeploy billing -e no", "no env", asks=True
    ),
    "rotate a secret": Everyday(
        "rotate_secret $client", "secret", "client_secret", "rotate_secret none", "no credential"
    ),
    "rotate a key": Everyday(
        "rotate_signing_key --at-once", "No token ended", "kid", "rotate_signing_key", "Publish one"
    ),
    "mint": Everyday("mint ada", "shown", "refresh", "mint nobody", "no user nobody"),
    "users list": Everyday("users list", "ada", "users", "users deactivate nobody", "no user nobody"),
    "users create": Everyday(
        "users create bob --no-password", "bob", "username", "users create ada --no-password", "taken"
    ),
    "users deactivate": Everyday(
        "users deactivate ada", "ada", "username", "users reactivate nobody", "no user", asks=True
    ),
}


@pytest.fixture
def told(db: None) -> dict[str, str]:
    """What stands for the names of the table."""
    world: World = worlds.build()
    world.policy(world.orders, access=600, refresh=600)
    assert run("users", "create", "ada", "--no-password").status == DONE
    client = world.key_of(world.orders)
    token = run("issue", client.client_id, "--json", piped=client.secret).json["access_token"]
    jti = IssuedToken.objects.get().jti
    return {"$client": client.client_id, "$secret": client.secret, "$token": token, "$jti": jti}


def put(text: str, told: dict[str, str]) -> str:
    for name, value in told.items():
        text = text.replace(name, value)
    return text


@pytest.mark.parametrize("name", ACTS)
def test_an_everyday_act_answers_people_and_machines(name: str, told: dict[str, str]) -> None:
    act = ACTS[name]
    words, piped = put(act.words, told).split(), put(act.piped, told)
    if act.asks:
        unsure = run(*words, "--json", piped=piped)
        assert (unsure.status, unsure.json["error"]) == (NOT_CONFIRMED, "confirmation_missing")
        words.append("--yes")
    with transaction.atomic():
        machine = run(*words, "--json", piped=piped)
        assert (machine.status, machine.err if not act.asks else "") == (DONE, "")
        assert act.key in machine.json
        transaction.set_rollback(True)
    done = run(*words, piped=piped)
    assert done.status == DONE, done.err
    assert act.sentence in done.out
    assert not done.out.lstrip().startswith("{")

    refused = run(*act.refused.split(), piped=piped)
    assert (refused.status, refused.out) == (REFUSED, "")
    assert act.because in refused.err
    assert len(refused.err.strip().splitlines()) == 1
    for_machines = run(*act.refused.split(), "--json", piped=piped)
    assert for_machines.status == REFUSED
    assert {"error", "error_description"} == set(for_machines.json)
    assert act.because in for_machines.json["error_description"]


def test_wrong_words_are_exit_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    for floor, name in (("proxies", "deploy"), ("tokens", "issue"), ("tokens", "revoke"), ("credentials", "users")):
        command = importlib.import_module(f"{floor}.management.commands.{name}").Command()
        with pytest.raises(SystemExit) as ended:
            command.run_from_argv(["manage.py", name])
        assert ended.value.code == WRONG_WORDS
        assert f"usage: manage.py {name}" in capsys.readouterr().err
