"""The demo is made once, works, and keeps its secrets in one file that only its owner can read."""

import stat

import pytest

from credentials.models import ConnectionToken, User
from proxies.models import Environment
from tests.tokens.commands.calling import run
from tests.world import call
from tokens import demo
from tokens.lifecycle import Client


@pytest.fixture
def data(db: None, settings, tmp_path):
    settings.DATA_DIR = tmp_path
    return tmp_path


def token_of(fixtures, name: str, **more: str):
    client = fixtures["clients"][name]
    return call(
        "/oauth2/token",
        {"grant_type": "client_credentials", **more},
        client=Client(client["client_id"], client["client_secret"]),
    )


def test_each_client_of_the_demo_gets_a_token_that_opens_what_it_is_for(data) -> None:
    run("demo")
    found = run("demo", "--fixtures").json
    for name, opens in {
        "orders": {"orders"},
        "billing": {"billing"},
        "commerce": {"orders", "billing"},
        "storefront": {"catalog"},
    }.items():
        answer = token_of(found, name)
        assert answer.status == 200, answer.body
        headers = {"HTTP_AUTHORIZATION": f"Bearer {answer.json['access_token']}"}
        good = {
            proxy
            for proxy in found["proxies"]
            if call("/auth/verify", method="GET", HTTP_X_PROXY=proxy, **headers).status == 200
        }
        assert good == opens, name


def test_its_policies_are_of_both_formats(data) -> None:
    run("demo")
    found = run("demo", "--fixtures").json
    assert token_of(found, "billing").json["access_token"].count(".") == 2
    assert token_of(found, "orders").json["access_token"].startswith("lk_at_")
    assert token_of(found, "orders").json["expires_in"] == 60


def test_the_audiences_it_tells_can_be_asked_for(data) -> None:
    run("demo")
    found = run("demo", "--fixtures").json
    assert set(found["audiences"]) == {"orders", "billing", "catalog", "commerce"}
    assert token_of(found, "storefront", resource=found["audiences"]["catalog"]).status == 200
    assert token_of(found, "storefront", resource=found["audiences"]["orders"]).status == 400


def test_its_admin_can_log_in_and_its_gateway_has_a_token(data, client) -> None:
    run("demo")
    found = run("demo", "--fixtures").json
    assert client.login(**found["users"]["admin"])
    assert User.objects.get().is_superuser
    assert ConnectionToken.objects.count() == 1
    assert found["connections"]["edge gateway"]["token"].startswith("lk_ct_")


def test_the_file_is_for_its_owner_alone_and_doctor_warns_of_it(data) -> None:
    run("demo")
    assert stat.S_IMODE((data / "demo.json").stat().st_mode) == 0o600
    assert "demo.json holds the secrets" in run("doctor").out


def test_a_second_time_nothing_happens(data) -> None:
    first = run("demo")
    kept = (data / "demo.json").read_bytes()
    again = run("demo")
    assert "password" in first.out
    assert "There is data already" in again.out
    assert "password" not in again.out
    assert (data / "demo.json").read_bytes() == kept
    assert Environment.objects.count() == 2


def test_where_there_is_data_of_somebody_no_demo_is_made(data) -> None:
    Environment.objects.create(name="Mine", slug="mine")
    assert "There is data already" in run("demo").out
    assert not (data / "demo.json").exists()
    assert run("demo", "--fixtures").status == 1


def test_a_demo_whose_secrets_cannot_be_kept_is_not_made(data, monkeypatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr("json.dump", full)
    with pytest.raises(OSError, match="no space"):
        run("demo")
    assert demo.is_empty()
    assert not (data / "demo.json").exists()


def test_fixtures_name_the_address_at_which_the_portal_was_last_started(data, settings) -> None:
    run("demo", "--quiet")
    assert run("demo", "--fixtures").json["url"] == settings.PUBLIC_URL
    (data / "portal.url").write_text("http://127.0.0.1:9000")
    assert run("demo", "--fixtures").json["token_url"] == "http://127.0.0.1:9000/oauth2/token"
