"""Verifiers of imported tokens in the admin, by REST and in the doctor: who still holds some, and an end (D20)."""

from datetime import timedelta

import pytest
from django.test import Client as Browser
from django.urls import reverse
from django.utils import timezone

from credentials.models import User
from proxies.adminkit import act_url
from tests import world as worlds
from tests.api import problem, signed_in
from tests.tokens.commands.calling import run
from tests.world import REQUEST, World
from tokens import legacy, legacy_use, lifecycle
from tokens.models import IssuedToken, LegacyVerifier, TokenFamily

API = "/api/v1/legacy-verifiers/"


@pytest.fixture
def world(db: None) -> World:
    return worlds.build()


@pytest.fixture
def old(world: World) -> LegacyVerifier:
    """A verifier that three families came with: one refreshed here since, one used an hour ago, one revoked."""
    made = legacy.register_checksum(
        name="old", environment=world.test, ends_at=timezone.now() + timedelta(days=5), by="test"
    )
    key = world.key_of(world.orders)
    world.policy(world.orders, access=7200, refresh=9000, count=9)
    answers = [lifecycle.issue(key, request=REQUEST) for _ in range(3)]
    TokenFamily.objects.update(legacy_verifier=made)
    lifecycle.refresh(key, answers[0].refresh_token or "", request=REQUEST)
    families = list(TokenFamily.objects.order_by("id"))
    IssuedToken.objects.filter(family=families[1]).update(last_used_at=timezone.now() - timedelta(hours=1))
    lifecycle.revoke_family(families[2], by="test", because="lost", request=REQUEST)
    return made


@pytest.fixture
def root(world: World) -> User:
    return User.objects.create_superuser("root", password="a long password")


@pytest.fixture
def browser(root: User) -> Browser:
    found = Browser()
    found.force_login(root)
    return found


def opened(browser: Browser, url: str) -> str:
    answer = browser.get(url)
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_the_page_says_how_much_came_what_is_left_and_when_it_was_used(
    browser: Browser, old: LegacyVerifier, django_assert_max_num_queries
) -> None:
    page = opened(browser, reverse("admin:tokens_legacyverifier_change", args=[old.pk]))
    assert "1 client or person" in page
    assert "in use" in page
    assert legacy_use.carried([old]) == {old.pk: legacy_use.Carried(families=3, refreshed=1)}
    assert legacy_use.last_used_at(old) is not None
    for number in range(20):
        legacy.register_checksum(name=f"more-{number}", environment=old.environment, ends_at=old.ends_at, by="test")
    with django_assert_max_num_queries(12):
        assert "more-19" in opened(browser, reverse("admin:tokens_legacyverifier_changelist"))


def test_its_end_moves_and_never_into_the_past(browser: Browser, old: LegacyVerifier) -> None:
    later = old.ends_at.replace(microsecond=0) + timedelta(days=30)
    browser.post(act_url(old, "move-end"), {"ends_at": f"{later:%Y-%m-%d %H:%M:%S}"})
    old.refresh_from_db()
    assert old.ends_at == later
    said = browser.post(act_url(old, "move-end"), {"ends_at": "2020-01-01 00:00:00"}, follow=True)
    assert "must lie in the future" in said.content.decode()
    old.refresh_from_db()
    assert old.ends_at == later


def test_ending_it_shows_what_ends_and_wants_the_name(browser: Browser, old: LegacyVerifier) -> None:
    page = opened(browser, act_url(old, "end"))
    assert "Live OAuth2 (opaque) tokens" in page
    browser.post(act_url(old, "end"), {"typed_name": "new"})
    old.refresh_from_db()
    assert old.ends_at > timezone.now()
    browser.post(act_url(old, "end"), {"typed_name": "old"})
    old.refresh_from_db()
    assert old.ends_at <= timezone.now()
    assert act_url(old, "end") not in opened(browser, reverse("admin:tokens_legacyverifier_change", args=[old.pk]))


def test_by_rest_it_is_the_same(root: User, old: LegacyVerifier) -> None:
    client = signed_in(root)
    (listed,) = client.get(API, {"ends_before": "2099-01-01T00:00:00Z"}).json()["results"]
    found = client.get(f"{API}old/").json()
    assert listed == {name: found[name] for name in listed}
    assert (found["state"], found["families"], found["refreshed"], found["holders_left"]) == ("in use", 3, 1, 1)
    moved = client.post(f"{API}old/move-end/", {"ends_at": "2098-12-31T00:00:00Z"})
    assert moved.json()["ends_at"] == "2098-12-31T00:00:00Z"
    assert problem(client.post(f"{API}old/move-end/", {"ends_at": "2020-01-01T00:00:00Z"})) == (
        409,
        "invalid_legacy_verifier",
    )
    assert problem(client.post(f"{API}old/end/", {})) == (428, "confirmation_missing")
    assert client.post(f"{API}old/end/?dry_run=1", {}).json()["impact"][0]["count"] == 1
    assert client.post(f"{API}old/end/", {"confirm": "old"}).json()["state"] == "ended"
    assert problem(client.post(f"{API}old/move-end/", {"ends_at": "2098-12-31T00:00:00Z"}))[0] == 409


def test_the_doctor_speaks_up_near_the_end_and_after_it(old: LegacyVerifier) -> None:
    assert "Imported tokens of old end on" in run("doctor").out
    legacy.move_end(old, timezone.now() + timedelta(days=60), by="test")
    assert "Imported tokens" not in run("doctor").out
    legacy.end(old, by="test")
    assert "Imported tokens of old ended on" in run("doctor").out
    TokenFamily.objects.update(revoked_at=timezone.now())
    assert "Imported tokens" not in run("doctor").out, "nobody holds any"
