"""Applying is one transaction through the writers of the three floors: whole, or nothing at all."""

import secrets as random

import pytest

from credentials import secrets
from credentials.models import ConnectionToken, Credential, CredentialSecret, User
from proxies import catalogue
from proxies.models import ApiProxy, ChangeRecord, Environment
from tests import world as worlds
from tests.databases import OwnDatabase
from tests.tokens.configuration.applying import NOW, RICH, apply, exported, plan, verbs
from tests.world import World
from tokens import configuration
from tokens.configuration import Made
from tokens.errors import InvalidConfiguration, PlanChanged, StepRefused
from tokens.lifecycle import Client


@pytest.fixture
def world(db: None) -> World:
    return worlds.build()


def test_history_names_the_actor_and_the_moment_of_every_step(db: None) -> None:
    apply(RICH, by="grace")
    assert set(ChangeRecord.objects.values_list("actor", "at")) == {("grace", NOW)}
    assert ChangeRecord.objects.count() >= len(plan_of_rich())


def plan_of_rich() -> list[tuple[str, str]]:
    """What RICH takes in an empty installation, counted without one."""
    return [(section, name) for section, entries in configuration.read(RICH).sections.items() for name in entries]


def test_the_secrets_that_were_made_work(db: None) -> None:
    made = apply("environments: {test: {}}\nproxies: {orders: {deployed_in: [test], policy: {}, key: {}}}")
    (client,) = made.clients.values()
    assert client["for"] == "orders"
    answer = worlds.call(
        "/oauth2/token",
        {"grant_type": "client_credentials"},
        client=Client(client["client_id"], client["client_secret"]),
    )
    assert answer.status == 200, answer.body
    assert client["client_secret"] not in repr(made)


def test_a_refused_step_undoes_all_and_says_where(world: World) -> None:
    before, history = exported(), ChangeRecord.objects.count()
    # The audience was used by another one: only the writer can know.
    said = "proxies: {billing: {name: B}, sales: {audience: 'https://orders.example/api'}}\nusers: {eve: {}}"
    with pytest.raises(StepRefused, match=r"^proxies\.sales: .* Nothing was changed\.$") as refused:
        apply(said)
    assert refused.value.because == "name_taken"
    assert exported() == before
    assert ChangeRecord.objects.count() == history
    assert not User.objects.exists()


def test_secrets_that_cannot_be_handed_over_undo_all(world: World) -> None:
    def full(_: Made) -> None:
        raise OSError("no space left on device")

    with pytest.raises(OSError, match="no space"):
        apply("credentials: {shop: {}}", hand_over=full)
    assert not Credential.objects.filter(client_id="shop").exists()


def test_nothing_is_handed_over_where_no_secret_was_made(world: World) -> None:
    def never(_: Made) -> None:
        raise AssertionError

    assert apply("proxies: {orders: {name: O}}", hand_over=never).nothing


def test_a_plan_that_was_confirmed_is_the_one_that_is_carried_out(world: World) -> None:
    said = configuration.read("proxies: {orders: {deployed_in: [test]}}")
    confirmed = configuration.plan(said, at=NOW).fingerprint
    catalogue.change_proxy(world.orders, name="Other", by="bob")
    # A change that the file does not touch is no other plan.
    assert configuration.plan(said, at=NOW).fingerprint == confirmed
    apply("proxies: {orders: {deployed_in: [test]}}", by="bob")
    with pytest.raises(PlanChanged):
        configuration.apply(said, by="ada", confirmed=confirmed, at=NOW)


def test_a_second_time_nothing_happens(db: None) -> None:
    apply(RICH)
    history = ChangeRecord.objects.count()
    assert plan(RICH).nothing
    assert apply(RICH).nothing
    assert ChangeRecord.objects.count() == history


def test_d14_a_withdrawn_grant_comes_back_with_the_terms_of_the_file(world: World) -> None:
    shop = world.credential("shop", world.orders)
    apply(f"credentials: {{{shop.client_id}: {{grants: {{}}}}}}")
    assert "orders" not in configuration.export().values["credentials"][shop.client_id]["grants"]
    apply(f"credentials: {{{shop.client_id}: {{grants: {{orders: {{scopes: [read]}}}}}}}}")
    assert configuration.export().values["credentials"][shop.client_id]["grants"]["orders"]["scopes"] == ["read"]


def test_s0_29_undeploying_by_file_ends_tokens(world: World) -> None:
    token = world.issue(world.key_of(world.orders))
    apply("proxies: {orders: {deployed_in: [live]}}")
    apply("proxies: {orders: {deployed_in: [live, test]}}")
    assert not world.good(token)


def test_d13_the_first_key_has_the_algorithm_of_the_file(world: World) -> None:
    apply("environments: {test: {signing_algorithm: ES256}}")
    assert configuration.export().values["environments"]["test"]["signing_algorithm"] == "ES256"


def test_d13_a_file_does_not_let_a_key_sign_that_validators_do_not_know(world: World) -> None:
    apply("environments: {test: {signing_algorithm: ES256}}")
    with pytest.raises(InvalidConfiguration, match=r"signing_algorithm: it is ES256\. Validators have to know"):
        plan("environments: {test: {signing_algorithm: RS256}}")


# --- secrets from files


def test_a_secret_of_a_file_is_the_one_that_counts(world: World) -> None:
    secret = random.token_urlsafe(32)
    said = "credentials: {shop: {client_secret_file: shop.secret}}\nproxies: {new: {key: {client_secret_file: k}}}"
    assert plan(said, read_secret=lambda _: secret).secrets == 0
    assert apply(said, read_secret=lambda _: f"{secret}\n").nothing
    stored = CredentialSecret.objects.filter(credential__client_id="shop").get()
    assert secrets.matches(secret, stored.digest)
    assert plan(said, read_secret=lambda _: secret).nothing


def test_d18_another_secret_in_the_file_comes_beside_the_one_in_service(world: World) -> None:
    first, second, third = (random.token_urlsafe(32) for _ in range(3))
    said = "credentials: {shop: {client_secret_file: shop.secret}}"
    apply(said, read_secret=lambda _: first)
    assert verbs(said, read_secret=lambda _: second) == [("give secret", "shop")]
    apply(said, read_secret=lambda _: second)
    assert plan(said, read_secret=lambda _: first).nothing
    assert plan(said, read_secret=lambda _: second).nothing
    with pytest.raises(StepRefused) as refused:
        apply(said, read_secret=lambda _: third)
    assert refused.value.because == "no_free_secret_slot"


def test_i5_a_secret_of_a_file_is_never_shown(world: World) -> None:
    secret = random.token_urlsafe(32)
    found = plan("credentials: {shop: {client_secret_file: x}}", read_secret=lambda _: secret)
    assert secret not in str(found.shown())
    assert secret not in repr(found)
    assert "client_secret_file (from its file)" in found.steps[0].sentence


@pytest.mark.parametrize(
    "weak", ["", "short", "a" * 40, "a space in the middle of it all, twice", "xy" * 101, "\u00fc" * 40]
)
def test_r36_a_secret_that_somebody_thought_up_is_refused(world: World, weak: str) -> None:
    with pytest.raises(InvalidConfiguration, match=r"^credentials\.shop\.client_secret_file: A client secret has 32"):
        plan("credentials: {shop: {client_secret_file: x}}", read_secret=lambda _: weak)


def test_without_a_reader_no_file_is_opened(world: World) -> None:
    with pytest.raises(InvalidConfiguration, match="read by the command alone"):
        plan("credentials: {shop: {client_secret_file: /etc/passwd}}")


def test_a_file_that_cannot_be_read_is_named(world: World) -> None:
    def missing(name: str) -> str:
        raise FileNotFoundError(name)

    with pytest.raises(InvalidConfiguration, match=r"shop\.secret cannot be read \(FileNotFoundError\)"):
        plan("credentials: {shop: {client_secret_file: shop.secret}}", read_secret=missing)


# --- races


def apply_and_count(index: int) -> int:
    return len(apply(RICH, by=f"caller {index}").clients)


def test_of_several_that_apply_at_once_one_makes_everything(own_database: OwnDatabase) -> None:
    outcomes = own_database.run_in_threads(4, apply_and_count)
    made = [each.value for each in outcomes if each.error is None]
    assert max(made) == 3
    for each in outcomes:
        assert each.error is None or isinstance(each.error, StepRefused | PlanChanged), each.error
    assert Environment.objects.count() == 3
    assert ApiProxy.objects.count() == 3
    assert ConnectionToken.objects.count() == 2
    assert len(set(ChangeRecord.objects.values_list("actor", flat=True))) == 1
