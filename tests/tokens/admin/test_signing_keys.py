"""Signing keys in the admin: what each is, what comes next, and what an act means before it is done (D12, D13)."""

from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.test import Client as Browser
from django.urls import reverse
from django.utils import timezone

from credentials.models import User
from proxies import catalogue
from proxies.adminkit import act_url
from proxies.models import Environment
from tests import world as worlds
from tests.world import REQUEST, World
from tokens import lifecycle, signing
from tokens.models import SigningKey

LIST = "admin:tokens_signingkey_changelist"


@pytest.fixture
def world(db: None) -> World:
    made = worlds.build()
    signing.ensure(made.test, by="test")
    return made


@pytest.fixture
def browser(world: World) -> Browser:
    found = Browser()
    found.force_login(User.objects.create_superuser("root", password="a long password"))
    return found


def key_of(environment: Environment) -> SigningKey:
    return SigningKey.objects.get(
        environment=environment, signing_since__isnull=False, verify_only_since=None, ended_at=None
    )


def page(browser: Browser, url: str) -> str:
    answered = browser.get(url)
    assert answered.status_code == 200
    return str(answered.content.decode())


def detail(browser: Browser, key: SigningKey) -> str:
    return page(browser, reverse("admin:tokens_signingkey_change", args=[key.pk]))


def post(browser: Browser, key: SigningKey, act: str, **form: str) -> str:
    return str(browser.post(act_url(key, act), form, follow=True).content.decode())


def never_expiring(world: World, n: int = 1) -> None:
    world.policy(world.orders, never_expires=True, format="jwt")
    for _ in range(n):
        lifecycle.issue(world.key_of(world.orders), request=REQUEST)


def test_d13_the_list_shows_state_age_and_next_rotation(world: World, browser: Browser) -> None:
    shown = page(browser, reverse(LIST))
    assert "rotates by hand" in shown
    assert "0\xa0minutes" in shown
    catalogue.change_environment(world.test, by="test", signing_key_rotation_days=30)
    due = timezone.now() + timedelta(days=30)
    assert f"rotates {due:%-d %b %Y}" in page(browser, reverse(LIST))
    signing.publish_next(world.test, by="test")
    signing.stage(world.test, by="test")
    shown = page(browser, reverse(LIST))
    assert "signs from" in shown
    assert "waits to be published" in shown


def test_d13_a_never_expiring_jwt_keeps_a_rotated_key_verifying_for_ever_and_the_screens_say_so(
    world: World, browser: Browser
) -> None:
    key = key_of(world.test)
    assert "for ever" not in page(browser, act_url(key, "rotate"))
    never_expiring(world, 2)
    assert "2 live JWTs signed by it never expire, so it will verify for ever." in page(browser, act_url(key, "rotate"))
    signing.rotate(world.test, by="test")
    assert "for ever: 2 never-expiring JWTs" in detail(browser, key)
    assert "for ever: 2" in page(browser, reverse(LIST))


def test_d13_the_default_environment_s_key_also_signs_logins_and_the_screens_say_so(
    world: World, browser: Browser
) -> None:
    signing.ensure(world.live, by="test")
    for environment, says in ((world.test, True), (world.live, False)):
        key = key_of(environment)
        assert ("logins to this portal" in detail(browser, key)) is says
        assert ("logins to this portal" in page(browser, act_url(key, "rotate"))) is says
    assert "everybody who is logged in is logged out" in page(browser, act_url(key_of(world.test), "change"))


def test_i21_rotating_by_hand_waits_for_a_published_key_or_is_told_not_to(world: World, browser: Browser) -> None:
    key = key_of(world.test)
    assert "Publish one first" in post(browser, key, "rotate")
    assert "is in the JWKS" in post(browser, key, "publish-next")
    assert "was published a moment ago" in post(browser, key, "rotate")
    assert key_of(world.test) == key
    assert "signs from now on" in post(browser, key, "rotate", at_once="on")
    assert key_of(world.test) != key
    assert len(signing.jwks(world.test)) == 2


def test_d12_changing_shows_what_ends_and_wants_the_typed_name(world: World, browser: Browser) -> None:
    never_expiring(world)
    key = key_of(world.test)
    shown = page(browser, act_url(key, "change"))
    assert "Live JWTs in Test" in shown
    assert "Never-expiring tokens among them" in shown
    post(browser, key, "change", typed_name="Test")
    assert key_of(world.test) == key
    post(browser, key, "change", typed_name=str(key))
    assert key_of(world.test) != key
    key.refresh_from_db()
    assert key.state == "ended"


def test_a_key_that_never_signed_is_taken_back(world: World, browser: Browser) -> None:
    staged = signing.stage(world.test, by="test")
    assert "will never sign" in post(browser, staged, "retire")
    staged.refresh_from_db()
    assert staged.state == "retired"
    assert "not possible" in post(browser, staged, "retire")
    assert "not possible" in post(browser, key_of(world.test), "retire")


def given(kind: str) -> str:
    key = ec.generate_private_key(ec.SECP256R1() if kind == "good" else ec.SECP384R1())
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return pem.decode()


@pytest.mark.parametrize("kind", ["good", "another curve"])
def test_i5_a_private_key_given_in_pem_is_never_written_back_into_a_page(
    world: World, browser: Browser, kind: str
) -> None:
    pem = given(kind)
    form: dict[str, Any] = {"environment": world.live.pk, "algorithm": "RS256", "pem": pem}
    answered = browser.post(reverse("admin:tokens_signingkey_add"), form, follow=True)
    shown = answered.content.decode()
    assert not any(line in shown for line in pem.splitlines() if line)
    kept = SigningKey.objects.filter(environment=world.live)
    if kind == "good":
        assert [(key.state, key.algorithm) for key in kept] == [("staged", "ES256")]
        for screen in (reverse(LIST), reverse("admin:tokens_signingkey_change", args=[kept[0].pk])):
            assert "PRIVATE" not in page(browser, screen)
    else:
        assert "EC key on P-256" in shown
        assert not kept.exists()


def test_the_environment_s_form_offers_the_days_and_refuses_none(world: World, browser: Browser) -> None:
    url = act_url(world.test, "change")
    form = {"name": "Test", "kind": "test", "description": ""}
    assert "Rotate the signing key every so many days" in page(browser, url)
    for days, status in (("0", 200), ("3651", 200), ("90", 302), ("", 302)):
        assert browser.post(url, {**form, "signing_key_rotation_days": days}).status_code == status
        world.test.refresh_from_db()
        assert world.test.signing_key_rotation_days == (90 if days == "90" else None)
