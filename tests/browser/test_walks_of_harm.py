"""The acts that end something, walked on a desk and on a phone: what dies, the milder way, the typed name, the end."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
from django.db.models import Model
from django.utils import timezone

from credentials.models import Credential, User
from proxies import catalogue
from proxies.adminkit import act_url
from proxies.models import ApiProxy, ChangeRecord
from tests import world as worlds
from tests.browser.conftest import Portal, Watched
from tests.browser.looks import DESK, PHONE, wrong_in_any_look
from tests.world import START, World
from tokens import bulk_work, lifecycle, signing
from tokens.models import BulkWork, IssuedToken, SigningKey, TokenRequestLog
from tokens.querysets import live_tokens

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


class Harm(NamedTuple):
    """An act on something, and the verb that the history keeps; revoking is kept by the request log."""

    act: str
    of: Callable[[World, "Scene"], Model]
    verb: str


class Scene(NamedTuple):
    """One proxy with a client of its own that holds tokens, and a person who does."""

    credential: Credential
    proxy: Any
    person: User


HARMS = [
    Harm("change-key", lambda _world, scene: scene.credential, "change key"),
    Harm("deactivate", lambda _world, scene: scene.credential, "deactivate"),
    Harm("archive", lambda _world, scene: scene.credential, "archive"),
    Harm("end-everything", lambda _world, scene: scene.credential, ""),
    Harm("end-everything", lambda _world, scene: scene.person, ""),
    Harm("archive", lambda _world, scene: scene.proxy, "archive"),
    Harm("change", lambda world, _scene: SigningKey.objects.get(environment=world.test, ended_at=None), "change"),
]


@pytest.fixture(scope="module")
def world(shared_portal: Portal) -> World:
    made = worlds.build()
    shared_portal.person("ada", superuser=True)
    return made


@pytest.fixture
def portal(shared_portal: Portal, world: World) -> Portal:
    return shared_portal


@pytest.fixture(params=[pytest.param(DESK, id="desk"), pytest.param(PHONE, id="phone")])
def page(request: pytest.FixtureRequest, new_page: Callable[..., Watched]) -> Iterator[Watched]:
    made = new_page(viewport=request.param, reduced_motion="reduce")
    yield made
    assert made.violations == []


def now() -> float:
    return (timezone.now() - START).total_seconds()


@pytest.fixture
def scene(world: World) -> Scene:
    number = Credential.objects.count()
    proxy = catalogue.add_proxy(name=f"Api {number}", slug=f"api-{number}", by="test")
    world.put_to_work(proxy)
    world.policy(proxy, access=86_400, refresh=86_400, count=3, format="jwt")
    signing.ensure(world.test, by="test")
    world.issue(world.key_of(proxy), at=now())
    client = world.credential(f"partner {number}", proxy, access_token_lifetime_secs=86_400)
    world.issue(client, at=now(), target=proxy.slug)
    person = User.objects.create_user(f"clara-{number}", password="x")
    audience = f"https://{number}.example.com"
    key = lifecycle.mint(person, audience=audience, lifetime=86_400, request=worlds.REQUEST)
    assert key
    return Scene(world.credentials[f"partner {number}"], proxy, person)


@pytest.mark.parametrize("harm", HARMS, ids=lambda harm: harm.verb or harm.act)
def test_what_ends_something_says_so_first_and_wants_the_name(
    page: Watched, world: World, scene: Scene, harm: Harm
) -> None:
    subject = harm.of(world, scene)
    page.sign_in()
    page.open(act_url(subject, harm.act))
    assert page.locator("#impact tbody tr").count() >= 1
    assert "Milder" in page.inner_text("#impact")
    wrong = wrong_in_any_look(page)
    before = (ChangeRecord.objects.count(), TokenRequestLog.objects.count())
    page.fill("#id_typed_name", "something else")
    page.click(".submit-row [type=submit]")
    assert "not the exact name" in page.inner_text("#content")
    assert (ChangeRecord.objects.count(), TokenRequestLog.objects.count()) == before
    page.fill("#id_typed_name", str(subject))
    page.click(".submit-row [type=submit]")
    page.locator(".messagelist, dl.shown-once").first.wait_for()
    if harm.verb:
        last = ChangeRecord.objects.filter(verb=harm.verb).latest("pk")
        # The change of a key is kept with the one that took over.
        about = SigningKey.objects.latest("pk") if isinstance(subject, SigningKey) else subject
        assert (last.actor, last.subject_id) == ("ada", about.pk)
    else:
        assert TokenRequestLog.objects.latest("pk").actor == "ada"
    assert wrong == []


def test_a_member_leaves_a_group_after_a_page_that_says_what_it_opens_no_more(page: Watched, world: World) -> None:
    world.issue(world.key_of(world.commerce), at=now(), target="commerce")
    catalogue.add_member(world.commerce, world.billing, by="test")
    page.sign_in()
    page.open(act_url(world.commerce, "remove-member"))
    assert "Milder" in page.inner_text("#impact")
    wrong = wrong_in_any_look(page)
    page.select_option("#id_proxy", label="Billing")
    page.fill("#id_typed_name", "Commerce")
    page.click(".submit-row [type=submit]")
    assert "no longer open Billing" in page.inner_text(".messagelist")
    assert wrong == []


def test_bulk_work_in_the_background_is_paused_resumed_and_tells_how_far_it_is(page: Watched, world: World) -> None:
    client = world.key_of(world.billing)
    for _ in range(3):
        world.issue(client, at=now())
    chosen = list(live_tokens(timezone.now()).filter(family__proxy=world.billing).values_list("pk", flat=True))
    work = bulk_work.start("token", chosen, by="ada")
    page.sign_in()
    page.open(f"/admin/tokens/bulkwork/{work.pk}/change/")
    assert page.locator("progress").count() == 1
    wrong = wrong_in_any_look(page)
    page.get_by_role("link", name="Pause", exact=True).click()
    page.click(".submit-row [type=submit]")
    assert "Paused after 0 of" in page.inner_text(".messagelist")
    bulk_work.work_off()
    assert IssuedToken.objects.filter(pk__in=chosen, revoked_at=None).count() == len(chosen)
    page.get_by_role("link", name="Resume", exact=True).click()
    page.click(".submit-row [type=submit]")
    page.locator(".messagelist").wait_for()
    bulk_work.work_off()
    page.open(f"/admin/tokens/bulkwork/{work.pk}/change/")
    assert "Succeeded" in page.inner_text("#content")
    assert IssuedToken.objects.filter(pk__in=chosen, revoked_at=None).count() == 0
    assert BulkWork.objects.get(pk=work.pk).ended == len(chosen)
    assert wrong == []


def test_what_nobody_answers_for_is_listed_and_given_an_owner(page: Watched, world: World) -> None:
    number = ApiProxy.objects.count()
    orphan = catalogue.add_proxy(name=f"Orphan {number}", slug=f"orphan-{number}", by="test")
    page.sign_in()
    page.open("/admin/proxies/apiproxy/?orphans=yes")
    assert orphan.name in page.inner_text("#result_list")
    wrong = wrong_in_any_look(page)
    page.open(act_url(orphan, "change"))
    page.fill("#id_owner_team", "Payments")
    page.fill("#id_owner_email", "payments@example.com")
    page.click(".submit-row [type=submit]")
    page.locator(".messagelist").wait_for()
    page.open("/admin/proxies/apiproxy/?owner=Payments")
    assert orphan.name in page.inner_text("#result_list")
    page.open("/admin/proxies/apiproxy/?orphans=yes")
    assert orphan.name not in page.inner_text("#content")
    assert wrong == []
