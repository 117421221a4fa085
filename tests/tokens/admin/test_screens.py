"""Every screen opens, every button is guarded, and what is dangerous wants the typed name (I22, R34, R41)."""

from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.http import HttpRequest
from django.test import Client as Browser
from django.urls import reverse

from credentials import secrets
from credentials.models import Credential, User
from proxies.adminkit import PortalAdmin, act_url
from proxies.models import ChangeRecord
from tests import world as worlds
from tests.world import World
from tokens import signing
from tokens.models import IssuedToken, SigningKey, TokenFamily, TokenPolicy

PORTAL_MODELS = [
    model for floor in ("proxies", "credentials", "tokens") for model in apps.get_app_config(floor).get_models()
]
SHOWN = [model for model in PORTAL_MODELS if isinstance(admin.site._registry.get(model), PortalAdmin)]


@pytest.fixture
def world(db: None) -> World:
    made = worlds.build()
    signing.ensure(made.test, by="test")
    client = made.credential("shop", made.billing)
    made.issue(client, target="billing")
    made.issue(made.key_of(made.orders))
    return made


def browser_of(user: User, **options: Any) -> Browser:
    browser = Browser(**options)
    browser.force_login(user)
    return browser


@pytest.fixture
def superuser(world: World) -> Browser:
    return browser_of(User.objects.create_superuser("root", password="a long password"))


@pytest.fixture
def viewer(world: World) -> Browser:
    user = User.objects.create_user("viewer", password="a long password", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    return browser_of(user)


def screen(model: Any, name: str, *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}", args=args)


def first_on(portal_admin: Any) -> Any:
    """The first thing that the screen shows."""
    return portal_admin.get_queryset(HttpRequest()).first()


@pytest.mark.parametrize("model", SHOWN, ids=lambda model: model.__name__)
def test_every_screen_opens_with_its_acts(model: Any, superuser: Browser) -> None:
    portal_admin = admin.site._registry[model]
    assert isinstance(portal_admin, PortalAdmin)
    assert superuser.get(screen(model, "changelist")).status_code == 200
    assert superuser.get(screen(model, "changelist") + "?q=zzz").status_code == 200
    if portal_admin.add_act is not None:
        assert superuser.get(screen(model, "add")).status_code == 200
    subject = first_on(portal_admin)
    if subject is None:
        return
    assert superuser.get(screen(model, "change", subject.pk)).status_code == 200
    for act in portal_admin.acts:
        assert superuser.get(act_url(subject, act.name)).status_code in (200, 302), act.name


@pytest.mark.parametrize("model", SHOWN, ids=lambda model: model.__name__)
def test_i22_who_may_only_look_can_do_nothing_even_by_a_forged_post(model: Any, viewer: Browser) -> None:
    portal_admin = admin.site._registry[model]
    assert isinstance(portal_admin, PortalAdmin)
    before = ChangeRecord.objects.count()
    assert viewer.get(screen(model, "changelist")).status_code == 200
    assert viewer.post(screen(model, "add"), {}).status_code == 403
    subject = first_on(portal_admin)
    if subject is not None:
        assert viewer.post(screen(model, "change", subject.pk), {}).status_code == 403
        assert viewer.post(screen(model, "delete", subject.pk), {"post": "yes"}).status_code == 403
        for act in portal_admin.acts:
            assert viewer.get(act_url(subject, act.name)).status_code == 403
            assert viewer.post(act_url(subject, act.name), {"typed_name": str(subject)}).status_code == 403
    assert ChangeRecord.objects.count() == before


def test_r41_an_act_without_the_csrf_token_is_refused(world: World) -> None:
    browser = browser_of(User.objects.create_superuser("root", password="x"), enforce_csrf_checks=True)
    assert browser.post(act_url(world.orders, "deploy"), {"environment": world.test.pk}).status_code == 403


def test_no_model_of_ours_can_be_deleted_or_edited_by_the_stock_forms(superuser: Browser) -> None:
    for model in SHOWN:
        subject = first_on(admin.site._registry[model])
        if subject is not None:
            assert superuser.post(screen(model, "delete", subject.pk), {"post": "yes"}).status_code == 403
            assert superuser.post(screen(model, "change", subject.pk), {}).status_code == 403


def test_d12_undeploying_wants_the_exact_name_and_then_ends_the_tokens(world: World, superuser: Browser) -> None:
    token = world.issue(world.key_of(world.orders))
    url = act_url(world.orders, "undeploy")
    wrong = superuser.post(url, {"environment": world.test.pk, "note": "", "typed_name": "orders"})
    assert wrong.status_code == 200
    assert "not the exact name" in wrong.content.decode()
    assert world.good(token)
    done = superuser.post(url, {"environment": world.test.pk, "note": "retired", "typed_name": "Orders"})
    assert done.status_code == 302
    assert not world.good(token)
    record = ChangeRecord.objects.first()
    assert record is not None
    assert (record.verb, record.actor, record.note, record.environment) == ("undeploy", "root", "retired", "test")


def test_a_refusal_of_the_core_is_a_message_and_keeps_what_was_typed(world: World, superuser: Browser) -> None:
    answer = superuser.post(
        screen(type(world.orders), "add"), {"name": "Twin", "slug": "orders", "required_match": "all"}
    )
    assert answer.status_code == 200
    assert "never used twice" in answer.content.decode()
    assert 'value="Twin"' in answer.content.decode()


def test_d19_a_secret_is_on_the_answer_to_the_post_alone(world: World, superuser: Browser) -> None:
    answer = superuser.post(screen(Credential, "add"), {"name": "partner"})
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    page = answer.content.decode()
    start = page.index(secrets.CLIENT_SECRET)
    raw = page[start : start + 78]
    assert secrets.kind_of(raw) == secrets.CLIENT_SECRET
    assert raw not in str(dict(superuser.session))
    opened = Credential.objects.get(name="partner")
    assert raw not in superuser.get(screen(Credential, "change", opened.pk)).content.decode()


def test_d13_changing_the_environment_key_in_the_admin_ends_its_jwts(world: World, superuser: Browser) -> None:
    world.policy(world.orders, access=600, refresh=600, format="jwt")
    token = world.issue(world.key_of(world.orders))
    key = SigningKey.objects.get()
    assert superuser.post(act_url(key, "change"), {"typed_name": str(key)}).status_code == 302
    assert not world.good(token)


def test_revoking_in_the_admin_names_the_person_in_the_log(world: World, superuser: Browser) -> None:
    token = IssuedToken.objects.order_by("-id")[0]
    assert superuser.post(act_url(token, "revoke"), {"because": "lost laptop"}).status_code == 302
    token.refresh_from_db()
    assert (token.revoked_by, token.revoked_because) == ("root", "lost laptop")
    assert world.log()[-1].actor == "root"
    family = TokenFamily.objects.order_by("id")[0]
    assert superuser.post(act_url(family, "revoke"), {"because": ""}).status_code == 302
    family.refresh_from_db()
    assert family.revoked_by == "root"


def test_d5_a_policy_is_added_and_changed_by_its_form(world: World, superuser: Browser) -> None:
    terms = {
        "token_format": "jwt",
        "access_token_lifetime_secs": "60",
        "refresh_allowed": "on",
        "refresh_token_lifetime_secs": "30",
        "refresh_mode": "static",
        "retry_window_secs": "0",
    }
    policy = TokenPolicy.objects.get(proxy=world.orders)
    assert superuser.post(act_url(policy, "change"), terms).status_code == 302
    policy.refresh_from_db()
    assert (policy.token_format, policy.refresh_token_lifetime_secs, policy.refresh_mode) == ("jwt", 30, "static")
    refused = superuser.post(act_url(policy, "change"), {**terms, "access_token_lifetime_secs": ""})
    assert "access_token_lifetime_secs must be a whole number" in refused.content.decode()


def test_b07_nobody_but_a_superuser_acts_on_a_superuser_or_hands_out_permissions(world: World) -> None:
    root = User.objects.create_superuser("root", password="x")
    clerk = User.objects.create_user("clerk", password="x", is_staff=True)
    clerk.user_permissions.set(Permission.objects.filter(content_type__app_label="credentials"))
    browser = browser_of(clerk)
    assert browser.get(act_url(root, "set-password")).status_code == 403
    assert browser.get(act_url(clerk, "access")).status_code == 403
    assert browser.get(act_url(clerk, "set-password")).status_code == 200


def test_the_stored_hashes_are_on_no_screen(world: World, superuser: Browser) -> None:
    token = IssuedToken.objects.exclude(digest=None)[0]
    page = superuser.get(screen(IssuedToken, "change", token.pk)).content.decode()
    assert token.digest is not None
    assert token.digest not in page
    key = SigningKey.objects.get()
    assert "sealed" not in superuser.get(screen(SigningKey, "change", key.pk)).content.decode().lower()
