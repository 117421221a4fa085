"""Where things are deployed, in lists and on pages: badges, the one act that is possible, and what was done before."""

from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client as Browser
from django.urls import reverse

from credentials.models import User
from proxies import catalogue, deployment
from proxies.adminkit import act_url
from proxies.models import ChangeRecord, Deployment
from tests import world as worlds
from tests.world import REQUEST, World
from tokens import lifecycle
from tokens.roles import OPERATOR, VIEWER

LIST = "/admin/proxies/apiproxy/"


@pytest.fixture
def world(db: None) -> World:
    made = worlds.build()
    catalogue.add_environment(name="Nightly", slug="nightly", by="test")
    return made


def browser_in(role: str) -> Browser:
    user = User.objects.create_user(role.lower(), password="x", is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    browser = Browser()
    browser.force_login(user)
    return browser


def page_of(browser: Browser, subject: Any) -> str:
    name = f"admin:{subject._meta.app_label}_{subject._meta.model_name}_change"
    return browser.get(reverse(name, args=[subject.pk])).content.decode()


def test_f0_a_list_says_by_badges_where_each_is_deployed(world: World, django_assert_max_num_queries: Any) -> None:
    for place in (world.test, world.live):
        deployment.undeploy(world.billing, place, by="test")
    for number in range(5):
        made = catalogue.add_proxy(name=f"More {number}", slug=f"more-{number}", by="test")
        deployment.deploy(made, world.test, by="test")
    browser = browser_in(VIEWER)
    with django_assert_max_num_queries(14):
        page = browser.get(LIST).content.decode()
    assert page.count('<span class="badge badge-good">Test</span>') >= 6
    assert "Test: undeployed" in page
    here = browser.get(LIST, {"deployed": "test"}).content.decode()
    assert ">Orders<" in here
    assert ">Billing<" not in here
    assert ">Billing<" in browser.get(LIST, {"deployed": "none"}).content.decode()


def test_f0_a_page_has_every_environment_with_the_one_act_that_is_possible(world: World) -> None:
    page = page_of(browser_in(OPERATOR), world.orders)
    place = Deployment.objects.get(proxy=world.orders, environment=world.test)
    assert act_url(place, "undeploy") in page
    assert f"{act_url(world.orders, 'deploy')}?environment=" in page
    assert "never deployed" in page


def test_i22_a_viewer_sees_the_places_and_no_act(world: World) -> None:
    browser = browser_in(VIEWER)
    for subject in (world.orders, Deployment.objects.get(proxy=world.orders, environment=world.test)):
        page = page_of(browser, subject)
        assert "History of deployments" in page
        assert "/act/" not in page


def test_d12_undeploy_in_one_environment_shows_its_impact_and_keeps_the_note(world: World) -> None:
    world.issue(world.key_of(world.orders))
    place = Deployment.objects.get(proxy=world.orders, environment=world.test)
    browser = browser_in(OPERATOR)
    url = act_url(place, "undeploy")
    assert "What this ends" in browser.get(url).content.decode()
    browser.post(url, {"note": "moved", "typed_name": "wrong"})
    assert Deployment.objects.get(pk=place.pk).undeployed_at is None
    browser.post(url, {"note": "moved", "typed_name": str(place)})
    assert Deployment.objects.get(pk=place.pk).undeployed_at is not None
    for subject in (world.orders, place):
        assert "<td>moved</td>" in page_of(browser, subject)
    browser.post(act_url(place, "deploy"), {"note": "and back"})
    assert Deployment.objects.get(pk=place.pk).undeployed_at is None
    assert ChangeRecord.objects.filter(verb="deploy", note="and back", actor="operator").count() == 1


def test_the_act_of_a_holder_takes_the_environment_from_the_address(world: World) -> None:
    browser = browser_in(OPERATOR)
    form = browser.get(act_url(world.orders, "deploy"), {"environment": world.test.pk}).context["form"]
    assert form.initial["environment"] == str(world.test.pk)
    assert browser.get(act_url(world.orders, "deploy"), {"environment": "x' or 1"}).status_code == 200


def test_i22_a_lists_own_button_is_for_whoever_may_press_it(world: World) -> None:
    clara = User.objects.create_user("clara", password="x")
    lifecycle.mint(clara, audience="My tool", lifetime=10**6, request=REQUEST)
    keys = "/admin/tokens/jwtrefreshkey/"
    assert "/act/revoke/" in browser_in(OPERATOR).get(keys).content.decode()
    assert "/act/" not in browser_in(VIEWER).get(keys).content.decode()
