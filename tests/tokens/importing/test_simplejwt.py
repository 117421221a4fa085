"""Moving from simplejwt: refresh tokens bring access tokens here, access tokens open the API, until the end."""

import base64
import hashlib
import hmac
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from credentials.models import User
from proxies import deployment
from proxies.models import ChangeRecord
from tests import world as worlds
from tests.tokens.commands.calling import run
from tests.tokens.importing import sources
from tests.tokens.importing.simplejwt_project import KEY, MODULE
from tests.tokens.importing.sources import Other
from tests.world import Answered, World, call
from tokens import legacy, lifecycle
from tokens.models import LegacyVerifier, RefreshKey, TokenFamily

UNTIL = (timezone.now() + timedelta(days=30)).isoformat()


@pytest.fixture(scope="session")
def simplejwt(tmp_path_factory: pytest.TempPathFactory) -> Other:
    """A database of simplejwt on SQLite, made once."""
    return sources.made(MODULE, f"sqlite:///{tmp_path_factory.mktemp('simplejwt')}/simplejwt.sqlite3")


@pytest.fixture
def own(simplejwt: Other, tmp_path: Path) -> Other:
    """A copy of it that a test may change."""
    return sources.copied(simplejwt, tmp_path / "simplejwt.sqlite3")


@pytest.fixture
def key(tmp_path: Path) -> str:
    """The file with its shared secret."""
    path = tmp_path / "key"
    path.write_text(KEY + "\n")
    return str(path)


@pytest.fixture
def world(db: None) -> World:
    return worlds.build()


def imported(other: Other, key: str, *more: str) -> dict[str, Any]:
    words = ("--target", "orders", "--until", UNTIL, "--key-file", key, "--json")
    done = run("import_simplejwt", other.url, *words, *more)
    assert done.status == 0, done.err
    return done.json


def verified(raw: str, proxy: str = "orders") -> Answered:
    return call("/auth/verify", method="GET", HTTP_AUTHORIZATION=f"Bearer {raw}", HTTP_X_PROXY=proxy)


def posted(name: str, refresh: str) -> dict[str, Any]:
    answer = Browser().post(f"/api/auth/{name}", {"refresh": refresh}, content_type="application/json")
    return {"status": answer.status_code, **(answer.json() if answer.content else {})}


def assert_everything_lives(other: Other) -> None:
    told = other.told
    assert verified(told["ada"]["access"]).headers["X-Token-Subject"] == "ada"
    assert verified(told["second"]["access"]).status == 200
    assert verified(told["sliding"]["token"]).headers["X-Token-Subject"] == "bob"
    answer = posted("refresh", told["ada"]["refresh"])
    assert answer["status"] == 200, answer
    assert verified(answer["access"]).headers["X-Token-Subject"] == "ada"
    assert verified(told["ada"]["access"]).status == 200, "a JWT lives to its own end"
    for name in ("eve", "dora", "gone", "late"):
        assert posted("refresh", told[name]["refresh"])["status"] != 200, name


def test_d20_what_lived_there_lives_here(world: World, simplejwt: Other, key: str) -> None:
    report = imported(simplejwt, key)
    assert_everything_lives(simplejwt)
    assert {name: report["refresh_tokens"][name] for name in ("found", "carried", "over")} == {
        "found": 8, "carried": 5, "over": 2,
    }  # fmt: skip
    assert [(each["because"], each["count"]) for each in report["refresh_tokens"]["left_out"]] == [
        ("its user was deleted", 1)
    ]
    assert (report["people"]["found"], report["people"]["carried"]) == (4, 4)


def test_s1_14_an_imported_refresh_key_is_renewed_as_ours(
    world: World, simplejwt: Other, key: str, settings: Any
) -> None:
    settings.RENEWAL_LAST_PERCENT = 100
    imported(simplejwt, key)
    old = simplejwt.told["ada"]["refresh"]
    first = posted("renew", old)
    assert first["status"] == 200, first
    assert jwt.get_unverified_header(first["refresh"])["typ"] == "refresh+jwt"
    assert posted("renew", old)["refresh"] == first["refresh"], "a lost answer is given again (D2)"
    assert posted("refresh", first["refresh"])["status"] == 200


def test_s2_7_logout_and_revocation_end_it(world: World, simplejwt: Other, key: str) -> None:
    imported(simplejwt, key)
    assert posted("logout", simplejwt.told["ada"]["refresh"])["status"] in (200, 204)
    assert posted("refresh", simplejwt.told["ada"]["refresh"])["error_code"] == "refresh_token_revoked"
    assert posted("refresh", simplejwt.told["second"]["refresh"])["status"] == 200, "the other login lives on"
    assert run("revoke", "--user", "ada", "--yes").status == 0
    assert verified(simplejwt.told["ada"]["access"]).status == 401


def test_d31_deactivating_a_person_ends_all_of_it(world: World, simplejwt: Other, key: str) -> None:
    imported(simplejwt, key)
    assert run("users", "deactivate", "ada", "--yes").status == 0
    assert verified(simplejwt.told["ada"]["access"]).status == 401
    assert posted("refresh", simplejwt.told["ada"]["refresh"])["status"] == 400


def test_d29_neither_stands_in_for_the_other(world: World, simplejwt: Other, key: str) -> None:
    imported(simplejwt, key)
    assert verified(simplejwt.told["ada"]["refresh"]).status == 401
    assert str(lifecycle.verify(simplejwt.told["ada"]["refresh"], proxy="orders").reason) == "wrong_token_kind"
    for name in ("refresh", "renew", "logout"):
        assert posted(name, simplejwt.told["ada"]["access"])["error_code"] == "wrong_token_kind", name
    form = {"grant_type": "refresh_token", "refresh_token": simplejwt.told["ada"]["refresh"]}
    answer = call("/oauth2/token", form, client=world.key_of(world.billing))
    assert (answer.status, answer.json["error"]) == (400, "invalid_grant")


def test_imported_tokens_open_no_api_of_the_portal(world: World, simplejwt: Other, key: str) -> None:
    imported(simplejwt, key)
    answer = Browser().get("/api/auth/sessions", headers={"Authorization": f"Bearer {simplejwt.told['ada']['access']}"})
    assert answer.status_code == 401


def test_run_twice_nothing_is_doubled_and_what_was_blacklisted_since_ends(world: World, own: Other, key: str) -> None:
    imported(own, key)
    families = TokenFamily.objects.count()
    own.ask({"do": "post", "path": "/blacklist/", "body": {"refresh": own.told["ada"]["refresh"]}})
    again = imported(own, key)
    assert TokenFamily.objects.count() == families
    assert (again["refresh_tokens"]["carried"], again["refresh_tokens"]["already_here"]) == (0, 4)
    assert again["ended_since"] == 1
    assert posted("refresh", own.told["ada"]["refresh"])["error_code"] == "refresh_token_revoked"


def test_a_dry_run_reports_the_same_and_writes_nothing(world: World, simplejwt: Other, key: str) -> None:
    history = ChangeRecord.objects.count()
    would = imported(simplejwt, key, "--dry-run")
    assert ChangeRecord.objects.count() == history
    assert not LegacyVerifier.objects.exists()
    assert not User.objects.exists()
    did = imported(simplejwt, key)
    assert {name: would[name] for name in ("people", "refresh_tokens")} == {
        name: did[name] for name in ("people", "refresh_tokens")
    }


def test_i5_neither_the_key_nor_a_token_is_told(world: World, simplejwt: Other, key: str) -> None:
    words = ("--target", "orders", "--until", UNTIL, "--key-file", key)
    done = run("import_simplejwt", simplejwt.url, *words)
    kept = " ".join(f"{each.before} {each.after} {each.note}" for each in ChangeRecord.objects.all())
    kept += " ".join(f"{each.token_hash} {each.jti} {each.content}" for each in RefreshKey.objects.all())
    for value in (KEY, simplejwt.told["ada"]["refresh"], simplejwt.told["ada"]["access"]):
        assert value not in done.out + done.err + kept
    content = RefreshKey.objects.filter(family__user__username="ada").first()
    assert content is not None
    assert content.content is not None
    assert content.content["email"] == "ada@example.com"


def test_with_another_key_nothing_is_carried_and_the_report_says_so(
    world: World, simplejwt: Other, tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("another shared secret of thirty-two bytes")
    report = imported(simplejwt, str(wrong))
    assert report["refresh_tokens"]["carried"] == 0
    reasons = {each["because"]: each["count"] for each in report["refresh_tokens"]["left_out"]}
    assert reasons["it is not signed by the given key with this algorithm and key id"] == 5
    assert verified(simplejwt.told["ada"]["access"]).status == 401


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (("--key-file", "/nowhere"), "/nowhere cannot be read"),
        (("--algorithm", "RS256"), "no public key in PEM for RS256"),
        (("--kid", "a b"), "A key id has"),
        (("--user-table", "people"), "The database has no table people"),
    ],
)
def test_a_fault_is_told_in_a_sentence(
    world: World, simplejwt: Other, key: str, words: tuple[str, ...], fault: str
) -> None:
    done = run("import_simplejwt", simplejwt.url, "--target", "orders", "--until", UNTIL, "--key-file", key, *words)
    assert (done.status, fault in done.err) == (1, True), done.err
    assert not User.objects.exists()


def test_the_same_name_wants_the_same_key_and_end(world: World, simplejwt: Other, key: str, tmp_path: Path) -> None:
    imported(simplejwt, key)
    other = tmp_path / "other"
    other.write_text("another shared secret of thirty-two bytes")
    words = ("import_simplejwt", simplejwt.url, "--target", "orders")
    assert "has another key" in run(*words, "--until", UNTIL, "--key-file", str(other)).err
    assert "move-end" in run(*words, "--until", "2099-01-01", "--key-file", key).err
    assert "is of another kind" in run(*words, "--until", UNTIL, "--key-file", key, "--kid", "k1").err


# --- what somebody who knows the old key, or thinks so, can do


def forged(claims: dict[str, Any], secret: str = KEY, algorithm: str = "HS256", **header: Any) -> str:
    whole = {"exp": 4_000_000_000, "jti": "f" * 32, "token_type": "access", **claims}
    return jwt.encode(whole, secret, algorithm=algorithm, headers=header or None)


def test_the_old_key_makes_no_token_of_ours(world: World, simplejwt: Other, key: str) -> None:
    """Whoever holds it can forge the old system's tokens, as ever; never one of Latchkey's."""
    imported(simplejwt, key)
    world.policy(world.billing, access=600, refresh=600, format="jwt")
    mine = lifecycle.issue(world.key_of(world.billing), request=worlds.REQUEST).access_token
    ours = jwt.decode(mine, options={"verify_signature": False})
    kid = jwt.get_unverified_header(mine)["kid"]
    for raw in (
        forged(ours),
        forged({**ours, "token_type": "access"}),
        forged(ours, kid=kid),
        forged({**ours, "user_id": "1"}, kid=kid),
        forged(ours, typ="at+jwt"),
        forged({"jti": ours["jti"], "token_type": "sliding"}),
    ):
        assert verified(raw, "billing").status == 401


def test_r1_r2_only_the_pinned_key_algorithm_and_form_count(world: World, simplejwt: Other, key: str) -> None:
    imported(simplejwt, key)
    user = jwt.decode(simplejwt.told["ada"]["access"], options={"verify_signature": False})["user_id"]
    assert verified(forged({"user_id": user})).status == 200, "what follows fails for its one difference alone"
    past = forged({"user_id": user, "exp": 1_000_000_000})
    assert str(lifecycle.verify(past, proxy="orders").reason) == "token_expired"
    none = f"{_part({'alg': 'none', 'typ': 'JWT'})}.{_part({'user_id': user, 'exp': 4_000_000_000, 'jti': 'x'})}."
    for raw in (
        forged({"user_id": user}, algorithm="HS512"),
        forged({"user_id": user}, secret="another shared secret of thirty-two bytes"),
        forged({"user_id": user}, kid="any"),
        forged({"user_id": user}, typ="at+jwt"),
        forged({"user_id": user}, crit=["exp"]),
        forged({"user_id": user, "token_type": "other"}),
        forged({"user_id": True}),
        forged({"user_id": "999"}),
        forged({}),
        forged({"user_id": user, "exp": None}),
        forged({"user_id": user, "jti": 5}),
        none,
    ):
        assert verified(raw).status == 401, jwt.get_unverified_header(raw) if raw.count(".") == 2 else raw


def _part(members: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(members).encode()).rstrip(b"=").decode()


def test_b20_a_public_key_is_never_taken_for_a_shared_secret(world: World) -> None:
    private = rsa.generate_private_key(65537, 2048)
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    end = timezone.now() + timedelta(days=1)
    legacy.register_jwt(name="old", environment=world.test, ends_at=end, algorithm="RS256", key=public, by="test")
    claims = {"user_id": "1", "token_type": "access", "exp": 4_000_000_000, "jti": "x"}
    start = f"{_part({'alg': 'HS256', 'typ': 'JWT'})}.{_part(claims)}"
    mac = hmac.digest(public.strip(), start.encode(), hashlib.sha256)
    forgery = f"{start}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"
    assert str(lifecycle.verify(forgery, proxy="orders").reason) == "bad_signature"


def test_d20_after_the_end_none_is_known(world: World, simplejwt: Other, key: str) -> None:
    imported(simplejwt, key)
    assert run("legacy_verifier", "end", "simplejwt", "--yes").status == 0
    assert verified(simplejwt.told["ada"]["access"]).status == 401
    assert posted("refresh", simplejwt.told["ada"]["refresh"])["error_code"] == "token_not_found"


def test_s0_29_undeploying_the_target_ends_them_too(world: World, simplejwt: Other, key: str) -> None:
    imported(simplejwt, key)
    deployment.undeploy(world.orders, world.test, by="test")
    deployment.deploy(world.orders, world.test, by="test")
    assert verified(simplejwt.told["ada"]["access"]).status == 401
    assert posted("refresh", simplejwt.told["ada"]["refresh"])["error_code"] == "holder_undeployed"


def test_verifying_one_costs_one_query(world: World, simplejwt: Other, key: str) -> None:
    imported(simplejwt, key)
    raw = simplejwt.told["ada"]["access"]
    lifecycle.verify(raw, proxy="orders")
    with CaptureQueriesContext(connection) as queries:
        assert lifecycle.verify(raw, proxy="orders").good
    assert len(queries) == 1


@pytest.mark.slow
def test_keys_of_a_pair_on_postgresql_or_sqlite(world: World, tmp_path: Path) -> None:
    """RS256, and the database that the tests run on."""
    private = rsa.generate_private_key(65537, 2048)
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    (tmp_path / "public.pem").write_bytes(public)
    words = {"JWT_ALGORITHM": "RS256", "JWT_SIGNING_KEY": pem.decode(), "JWT_VERIFYING_KEY": public.decode()}

    def carried(url: str) -> None:
        other = sources.made(MODULE, url, **words)
        imported(other, str(tmp_path / "public.pem"), "--algorithm", "RS256")
        assert_everything_lives(other)

    if connection.vendor == "postgresql":
        with sources.postgresql_database() as url:
            carried(url)
    else:
        carried(f"sqlite:///{tmp_path}/pair.sqlite3")
