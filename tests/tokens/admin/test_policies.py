"""The policy's form tells what the terms come to."""

import pytest
from django.test import Client as Browser
from django.urls import reverse

from credentials.models import User
from proxies.adminkit import act_url
from tests import world as worlds
from tests.world import World
from tokens import policies
from tokens.models import TokenPolicy

WARNED = "does not outlive the access token"


@pytest.fixture
def world(db: None) -> World:
    return worlds.build()


@pytest.fixture
def browser(world: World) -> Browser:
    made = Browser()
    made.force_login(User.objects.create_superuser("root", password="a long password"))
    return made


def terms(**changes: str) -> dict[str, str]:
    return {
        "token_format": "opaque",
        "access_token_lifetime_secs": "60",
        "refresh_allowed": "on",
        "refresh_token_lifetime_secs": "180",
        "refresh_count": "3",
        "refresh_mode": "rotating",
        "retry_window_secs": "10",
        **changes,
    }


def test_s0_19_the_form_shows_both_sums_of_the_terms(world: World, browser: Browser) -> None:
    policy = TokenPolicy.objects.get(proxy=world.orders)
    for url in (act_url(policy, "change"), reverse("admin:tokens_tokenpolicy_change", args=[policy.pk])):
        page = browser.get(url).content.decode()
        assert "at most: 9 minutes." in page
        assert "at the latest after: 10 minutes." in page
        assert WARNED not in page


def test_d8_the_warning_comes_with_the_saving_and_hinders_nothing(world: World, browser: Browser) -> None:
    policy = TokenPolicy.objects.get(proxy=world.orders)
    done = browser.post(act_url(policy, "change"), terms(refresh_token_lifetime_secs="60"), follow=True)
    policy.refresh_from_db()
    assert policy.refresh_token_lifetime_secs == 60
    assert WARNED in done.content.decode()


def test_d15_a_never_expiring_policy_is_made_with_its_warning(world: World, browser: Browser) -> None:
    policy = TokenPolicy.objects.get(proxy=world.orders)
    done = browser.post(act_url(policy, "change"), terms(token_format="jwt", never_expires="on"), follow=True)
    policy.refresh_from_db()
    assert (policy.never_expires, policy.refresh_allowed) == (True, False)
    assert "verifying for ever" in done.content.decode()


def test_a_refused_form_keeps_its_notes_to_itself(world: World, browser: Browser) -> None:
    policy = TokenPolicy.objects.get(proxy=world.orders)
    page = browser.post(act_url(policy, "change"), terms(refresh_count="0"))
    assert page.status_code == 200
    assert browser.get(reverse("admin:tokens_tokenpolicy_add")).status_code == 200


def test_s0_18_s0_19_the_picture_is_drawn_with_a_name_a_description_and_a_table(world: World, browser: Browser) -> None:
    policy = TokenPolicy.objects.get(proxy=world.orders)
    for url in (act_url(policy, "change"), reverse("admin:tokens_tokenpolicy_change", args=[policy.pk])):
        page = browser.get(url).content.decode()
        assert '<title id="lifetime-name">' in page
        assert "The last access token ends after 10 minutes.</desc>" in page
        assert "60 + (180 - 60) + 2 x 180 = 540 s" in page
        assert "540 + 60 = 600 s" in page
        assert '<td class="number">540</td>' in page
        assert "style=" not in page.partition('id="lifetime"')[2].partition("</section>")[0]


def test_s0_18_a_preset_fills_the_form_and_its_picture(world: World, browser: Browser) -> None:
    policy = TokenPolicy.objects.get(proxy=world.orders)
    for url in (act_url(policy, "change"), reverse("admin:tokens_tokenpolicy_add")):
        page = browser.get(url, {"preset": "short"})
        assert page.context["form"].initial["refresh_token_lifetime_secs"] == 60
        assert "60 + (60 - 60) + 2 x 60 = 180 s" in page.content.decode()
        assert browser.get(url, {"preset": "no such"}).status_code == 200


def test_a_preview_draws_what_is_typed_and_changes_nothing(world: World, browser: Browser) -> None:
    policy = TokenPolicy.objects.get(proxy=world.orders)
    before = policies.terms_of(policy)
    typed = terms(refresh_token_lifetime_secs="60", preview="1")
    for url in (act_url(policy, "change"), reverse("admin:tokens_tokenpolicy_add")):
        page = browser.post(url, typed)
        assert page.status_code == 200
        assert "60 + (60 - 60) + 2 x 60 = 180 s" in page.content.decode()
    assert policies.terms_of(TokenPolicy.objects.get(pk=policy.pk)) == before
    page = browser.post(act_url(policy, "change"), terms(access_token_lifetime_secs="", preview="1"))
    assert "Complete the terms" in page.content.decode()
