"""Asking of what was imported from django-oauth-toolkit."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from tests.tokens.commands.calling import run
from tests.tokens.importing.sources import Other
from tests.world import Answered, call
from tokens.lifecycle import Client

MODULE = "tests.tokens.importing.toolkit_project"
DAY = timedelta(days=1)
UNTIL = (timezone.now() + 30 * DAY).isoformat()


def imported(other: Other, *more: str, until: str = UNTIL) -> dict[str, Any]:
    done = run("import_oauth_toolkit", other.url, "--target", "orders", "--until", until, "--json", *more)
    assert done.status == 0, done.err
    return done.json


def verified(raw: str, proxy: str = "orders") -> Answered:
    return call("/auth/verify", method="GET", HTTP_AUTHORIZATION=f"Bearer {raw}", HTTP_X_PROXY=proxy)


def application(other: Other, name: str) -> Client:
    told = other.told["applications"][name]
    return Client(told["client_id"], told["client_secret"])


def refreshed(other: Other, name: str, token: str) -> Answered:
    return call(
        "/oauth2/token", {"grant_type": "refresh_token", "refresh_token": token}, client=application(other, name)
    )


def assert_everything_lives(other: Other) -> None:
    """Access tokens open the API, refresh tokens bring new ones, and introspection tells whose they are."""
    told = other.told
    for name in ("service", "plain", "groups", "ada", "public"):
        assert verified(told[name]["access_token"]).status == 200, name
    headers = verified(told["ada"]["access_token"]).headers
    assert headers["X-Token-Subject"] == "ada"
    assert headers["X-Token-Client"] == told["applications"]["web"]["client_id"]
    for dead in (told["alone"], told["over"], told["rotated"]["access_token"], told["bob"]["access_token"]):
        assert verified(dead).status == 401, dead
    about = call("/oauth2/introspect", {"token": told["ada"]["access_token"]}, client=application(other, "web")).json
    assert (about["active"], about["username"], about["scope"]) == (True, "ada", "read write")
    answer = refreshed(other, "web", told["bob"]["refresh_token"])
    assert answer.status == 200, answer.body
    assert answer.json["access_token"].startswith("lk_at_"), "from the first refresh on in our own form"
    assert verified(answer.json["access_token"]).headers["X-Token-Subject"] == "bob"
    assert refreshed(other, "web", told["rotated"]["refresh_token"]).json["error_code"] == "token_not_found"
