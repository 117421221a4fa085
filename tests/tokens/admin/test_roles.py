"""Every address and every act of the admin x every role, from the site's own lists; forged POSTs too (R34, I22).

What a role may do stands here by name, apart from the code that grants it: an act that is new belongs to nobody until
it is written down, and an address that is new fails until it is said who may open it.
"""

from typing import Any

import pytest
from django.apps import apps as installed
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.test import Client as Browser
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from credentials.models import User
from proxies.adminkit import PortalAdmin, act_url, pages
from proxies.models import ChangeRecord
from tests.tokens.admin import filled
from tests.world import World
from tokens.models import IssuedToken, TokenFamily, TokenRequestLog
from tokens.roles import AUDITOR, OPERATOR, ROLES, SECURITY, VIEWER

# Screen and act, for each role; whatever is not here is forbidden.
MAY_ACT: dict[str, set[str]] = {
    VIEWER: set(),
    AUDITOR: set(),
    OPERATOR: {
        "apiproxy deploy", "apiproxy undeploy", "proxygroup deploy", "proxygroup undeploy", "credential deploy",
        "credential undeploy", "deployment deploy", "deployment undeploy",
        "issuedtoken revoke", "tokenfamily revoke", "refreshkey revoke", "jwtrefreshkey revoke",
        "jwtrefreshkey revoke-key", "apiproxy end-everything", "proxygroup end-everything", "credential end-everything",
        "user end-everything", "environment end-everything", "bulkwork pause", "bulkwork resume",
        "reminder resend",
    },
    SECURITY: {
        "credential rotate", "credential change-key", "credential retire-secret", "credential methods",
        "credential add-key", "credential add-authority", "credentialkey remove", "credentialkey remove-and-end",
        "signingkey add", "signingkey publish", "signingkey publish-next",
        "signingkey rotate", "signingkey change", "signingkey retire", "jwtrefreshkey add", "legacyverifier move-end",
        "legacyverifier end",
    },
}  # fmt: skip
# Screens that not every role may open.
CLOSED = {"tokenrequestlog": {AUDITOR}, "logseal": {AUDITOR}, "group": set()}
# Pages of no model that not every role may open.
CLOSED_PAGES: dict[str, set[str]] = {}
# Addresses of screens beside list, add, page and acts, and the view permission that opens them.
OWN_ADDRESSES = {"connectionconfiguration_tokens", "jwtrefreshkey_find", "tokenrequestlog_export"}
DEAD = {"delete", "history"}  # stock addresses that nothing of ours leads to
EVERYBODYS = {"index", "login", "logout", "password_change", "password_change_done", "jsi18n", "app_list", "find"}
SCREENS = {screen.opts.model_name or "": screen for screen in admin.site._registry.values()}


@pytest.fixture
def world(db: None) -> World:
    return filled.build()


def browser_in(role: str) -> Browser:
    user = User.objects.create_user(role.lower(), password="a long password", is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    browser = Browser()
    browser.force_login(user)
    return browser


def traces() -> tuple[int, ...]:
    """What every act leaves behind."""
    return (
        ChangeRecord.objects.count(),
        TokenRequestLog.objects.count(),
        IssuedToken.objects.filter(revoked_at=None).count(),
        TokenFamily.objects.filter(revoked_at=None).count(),
    )


def screen_url(screen: Any, name: str, *args: Any) -> str:
    return reverse(f"admin:{screen.opts.app_label}_{screen.opts.model_name}_{name}", args=args)


def subject_of(screen: Any) -> Any:
    return screen.get_queryset(None).order_by("pk").first()


# --- the groups


@pytest.mark.parametrize("role", ROLES)
def test_r34_the_migrations_gave_each_role_what_the_code_says(db: None, role: str) -> None:
    held = Group.objects.get(name=role).permissions.select_related("content_type")
    assert {f"{each.content_type.app_label}.{each.codename}" for each in held} == ROLES[role]


def test_r34_each_permission_is_the_one_that_django_makes(db: None) -> None:
    made = Permission.objects.filter(group__name__in=ROLES).distinct()
    assert made
    for each in made:
        model = installed.get_model(each.content_type.app_label, each.content_type.model)
        wanted = {f"{verb}_{model._meta.model_name}": f"Can {verb} {model._meta.verbose_name_raw}"
                  for verb in model._meta.default_permissions} | dict(model._meta.permissions)  # fmt: skip
        assert wanted[each.codename] == each.name
        assert Permission.objects.filter(content_type=each.content_type, codename=each.codename).count() == 1


# --- the matrix


@pytest.mark.parametrize("role", ROLES)
def test_i22_each_screen_opens_for_the_roles_that_may_see_it(world: World, role: str) -> None:
    browser = browser_in(role)
    for name, screen in SCREENS.items():
        open_to = role in CLOSED.get(name, set(ROLES))
        wanted = 200 if open_to else 403
        assert browser.get(screen_url(screen, "changelist")).status_code == wanted, name
        subject = subject_of(screen)
        if subject is not None:
            assert browser.get(screen_url(screen, "change", subject.pk)).status_code == wanted, name


@pytest.mark.parametrize("role", ROLES)
def test_i22_each_act_is_for_the_roles_that_may_do_it_and_a_forged_post_does_nothing(world: World, role: str) -> None:
    browser = browser_in(role)
    for name, screen in SCREENS.items():
        assert isinstance(screen, PortalAdmin)
        subject = subject_of(screen)
        asked = [("add", screen_url(screen, "add"))] if screen.add_act is not None else []
        if screen.acts:
            assert subject is not None, f"the world of this test has no {name}"
            asked += [(act.name, act_url(subject, act.name)) for act in screen.acts]
        for act, url in asked:
            if f"{name} {act}" in MAY_ACT[role]:
                assert browser.get(url).status_code in (200, 302), f"{name} {act}"
                continue
            before = traces()
            assert browser.get(url).status_code == 403, f"{name} {act}"
            forged = {"typed_name": str(subject), "environment": world.test.pk, "because": "", "note": ""}
            assert browser.post(url, forged).status_code == 403, f"{name} {act}"
            assert traces() == before, f"{name} {act}"


@pytest.mark.parametrize("role", ROLES)
def test_i22_what_is_done_to_many_rows_is_for_whoever_may_do_it_to_one(world: World, role: str) -> None:
    browser = browser_in(role)
    for name, screen in SCREENS.items():
        for action in screen.actions or ():
            subject = subject_of(screen)
            may = f"{name} revoke" in MAY_ACT[role]
            asked = {
                "action": getattr(action, "__name__", action),
                "_selected_action": subject.pk,
                "typed": "revoke 1",
                "how": screen.how_to_revoke[0][0],  # type: ignore[attr-defined]
            }
            before = traces()
            browser.post(screen_url(screen, "changelist"), asked)
            assert (traces() != before) is may, name


@pytest.mark.parametrize("role", ROLES)
def test_i22_nothing_is_deleted_or_edited_by_the_stock_forms(world: World, role: str) -> None:
    browser = browser_in(role)
    before = traces()
    for name, screen in SCREENS.items():
        subject = subject_of(screen)
        if subject is None:
            continue
        assert browser.post(screen_url(screen, "delete", subject.pk), {"post": "yes"}).status_code == 403, name
        assert browser.post(screen_url(screen, "change", subject.pk), {}).status_code == 403, name
        asked = {"action": "delete_selected", "_selected_action": subject.pk, "post": "yes"}
        browser.post(screen_url(screen, "changelist"), asked)
        assert type(subject).objects.filter(pk=subject.pk).exists(), name
    assert traces() == before


@pytest.mark.parametrize("role", ROLES)
def test_i22_the_pages_of_no_model_open_for_the_roles_that_may(world: World, role: str) -> None:
    browser = browser_in(role)
    for page in pages.pages():
        if page.for_strangers:
            continue  # they are the way in, and have tests of their own
        wanted = 200 if role in CLOSED_PAGES.get(page.name, set(ROLES)) else 403
        assert browser.get(reverse(f"admin:{page.name}")).status_code == wanted, page.name


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("act", ["generate", "show", "copy", "revoke", "replace"])
def test_i22_connection_tokens_are_made_shown_and_ended_by_security_alone(world: World, role: str, act: str) -> None:
    screen = SCREENS["connectionconfiguration"]
    configuration = subject_of(screen)
    token = configuration.tokens.get()
    before = traces()
    asked = {"act": act, "token": token.pk, "confirmed": "on"}
    status = browser_in(role).post(screen_url(screen, "tokens", configuration.pk), asked).status_code
    assert (status != 403) is (role == SECURITY)
    if role != SECURITY:
        assert traces() == before


@pytest.mark.parametrize("role", ROLES)
def test_i22_the_log_is_exported_by_auditors_alone(world: World, role: str) -> None:
    browser = browser_in(role)
    for kind in ("csv", "jsonl"):
        status = browser.get(screen_url(SCREENS["tokenrequestlog"], "export", kind)).status_code
        assert status == (200 if role == AUDITOR else 403)


def addresses(patterns: list[Any]) -> set[str]:
    found: set[str] = set()
    for each in patterns:
        if isinstance(each, URLResolver):
            found |= addresses(each.url_patterns)
        elif isinstance(each, URLPattern) and each.name:
            found.add(each.name)
    return found


def test_r34_every_address_of_the_admin_is_in_the_matrix() -> None:
    known = EVERYBODYS | {page.name for page in pages.pages()} | {"view_on_site", "autocomplete"}
    for screen in admin.site._registry.values():
        prefix = f"{screen.opts.app_label}_{screen.opts.model_name}"
        known |= {f"{prefix}_{name}" for name in ("changelist", "add", "change", "act", *DEAD)}
        known |= {f"{screen.opts.app_label}_{name}" for name in OWN_ADDRESSES}
    assert addresses(admin.site.get_urls()) <= known


def test_r34_every_address_sends_a_stranger_to_the_login(world: World) -> None:
    stranger = Browser()
    for screen in SCREENS.values():
        urls = [screen_url(screen, "changelist"), screen_url(screen, "add")]
        subject = subject_of(screen)
        if subject is not None and isinstance(screen, PortalAdmin):
            urls += [screen_url(screen, "change", subject.pk), *(act_url(subject, act.name) for act in screen.acts)]
        for url in urls:
            for answer in (stranger.get(url), stranger.post(url, {})):
                assert answer.status_code == 302, url
                assert answer["Location"].startswith("/admin/login/"), url


def test_r33_a_role_that_is_taken_away_counts_no_more_from_the_next_request(world: World) -> None:
    browser = browser_in(OPERATOR)
    url = act_url(world.orders, "deploy")
    assert browser.get(url).status_code == 200
    User.objects.get(username="operator").groups.clear()
    assert browser.get(url).status_code == 403


def test_i22_who_may_act_but_not_look_gets_no_page_that_shows_it(world: World) -> None:
    user = User.objects.create_user("blind", password="x", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="change_deployment"))
    browser = Browser()
    browser.force_login(user)
    assert browser.get(act_url(world.orders, "undeploy")).status_code == 403


def test_r34_only_a_superuser_makes_or_changes_a_group(world: World) -> None:
    clerk = User.objects.create_user("clerk", password="x", is_staff=True)
    clerk.user_permissions.set(Permission.objects.filter(content_type__app_label="auth"))
    browser = Browser()
    browser.force_login(clerk)
    viewer = Group.objects.get(name=VIEWER)
    everything = {"permissions": list(Permission.objects.values_list("pk", flat=True))}
    assert browser.post(act_url(viewer, "permissions"), everything).status_code == 403
    assert browser.post("/admin/auth/group/add/", {"name": "Mine", **everything}).status_code == 403
    clerk.is_superuser = True
    clerk.save()
    done = browser.post(
        "/admin/auth/group/add/", {"name": "Mine", "permissions": [Permission.objects.get(codename="view_apiproxy").pk]}
    )
    assert done.status_code == 302
    assert browser.get(act_url(viewer, "permissions")).status_code == 200
    assert "view api proxy" in browser.get(f"/admin/auth/group/{viewer.pk}/change/").content.decode().lower()


def needs() -> list[tuple[Any, str, str, str]]:
    """View, action, act and permission of everything in REST that an act of the admin does as well."""
    found = []
    for view in {each.callback.cls for each in patterns(get_resolver().url_patterns) if hasattr(each.callback, "cls")}:
        for action, need in getattr(view, "needs", {}).items():
            if need.act:
                found.append((view, action, need.act, need.permission))
    return found


def patterns(given: list[Any]) -> list[URLPattern]:
    found: list[URLPattern] = []
    for each in given:
        found += patterns(each.url_patterns) if isinstance(each, URLResolver) else [each]
    return found


def test_r34_rest_asks_for_the_same_permission_as_the_admin() -> None:
    """By the permission's own name: an act of that name that needs it is on some screen."""
    of_screens: dict[str, set[str]] = {}
    for screen in SCREENS.values():
        assert isinstance(screen, PortalAdmin)
        for act in (*screen.acts, *([screen.add_act] if screen.add_act else [])):
            named = act.permission if "." in act.permission else f"{screen.opts.app_label}.{act.permission}"
            of_screens.setdefault(act.name, set()).add(named)
    asked = needs()
    assert len(asked) > 20
    for view, action, act_name, permission in asked:
        assert permission in of_screens.get(act_name, set()), f"{view.__name__}.{action}"
