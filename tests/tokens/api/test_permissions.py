"""Every action of the management API x every role, from the router's own list (R34, I22).

What a role may do stands here by name, apart from the code that grants it: an action that is new belongs to nobody
until it is written down.
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.test import APIClient

from credentials import personal_tokens
from credentials.models import User
from proxies.api_scopes import SCOPES
from proxies.models import ChangeRecord
from proxies.restkit.needs import Need
from proxies.restkit.views import Door, ManagementView
from tests.api import bearer, person, problem, signed_in
from tokens.models import TokenRequestLog
from tokens.roles import AUDITOR, OPERATOR, SECURITY, VIEWER

pytestmark = pytest.mark.django_db
Action = tuple[str, str, type[ManagementView[Any]], str]

LOOKED_AT = {
    "environments", "proxies", "groups", "deployments", "changes", "credentials", "client-keys", "grants", "policies",
    "connections", "tokens", "families", "refresh-keys", "signing-keys", "legacy-verifiers", "reminders",
    "webhooks",
}  # fmt: skip
VIEWED = (
    {f"{name} list" for name in LOOKED_AT}
    | {f"{name} retrieve" for name in LOOKED_AT - {"deployments", "changes"}}
    | {"proxies path_rules", "users list", "users retrieve", "stats requests", "stats live", "explain explain"}
)
EVERYBODYS = {f"personal-tokens {name}" for name in ("list", "retrieve", "create", "revoke")}
MAY: dict[str, set[str]] = {
    VIEWER: VIEWED,
    AUDITOR: VIEWED | {f"request-log {name}" for name in ("list", "retrieve", "csv", "json_lines")},
    OPERATOR: VIEWED
    | {f"{name} {act}" for name in ("proxies", "groups", "credentials") for act in ("deploy", "undeploy")}
    | {
        "tokens revoke",
        "tokens bulk_revoke",
        "families revoke",
        "refresh-keys revoke",
        "refresh-keys revoke_key",
        "reminders resend",
    },
    SECURITY: VIEWED
    | {f"credentials {act}" for act in ("rotate_secret", "retire_secret", "change_key", "set_methods")}
    | {f"client-keys {act}" for act in ("create", "remove", "remove_and_end")}
    | {f"connections {act}" for act in ("generate", "revoke", "replace", "reveal")}
    | {f"signing-keys {act}" for act in ("create", "publish", "retire", "publish_next", "rotate", "change")}
    | {"refresh-keys create", "legacy-verifiers move_end", "legacy-verifiers end"},
}


def addresses(patterns: Any, before: str = "") -> Iterator[tuple[str, Any]]:
    for pattern in patterns:
        route = before + str(pattern.pattern).removeprefix("^")
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern):
            yield route, pattern.callback


def path_of(route: str) -> str:
    """An address that leads there; what it names exists nowhere."""
    number = ("pk", "token", "secret")
    filled = re.sub(r"\(\?P<(\w+)>[^)]*\)", lambda found: "999999" if found[1] in number else "none", route)
    return "/" + re.sub(r"[\^$?\\]", "", filled)


def actions() -> list[Action]:
    """Method, address, view and action of all that answers under /api/v1/."""
    found = []
    for route, callback in addresses(get_resolver().url_patterns):
        view = getattr(callback, "cls", None)
        if view is not None and route.startswith("api/v1/"):
            assert issubclass(view, ManagementView), route
            named = callback.actions.items()
            found += [(method, path_of(route), view, action) for method, action in named if method != "head"]
    return found


ACTIONS = actions()


def name_of(action: Action) -> str:
    return f"{action[1].split('/')[3]} {action[3]}"


def ask(client: APIClient, action: Action) -> Any:
    method, path, _, _ = action
    return getattr(client, method)(path, None if method == "get" else {})


def need_of(action: Action) -> Need:
    return action[2].needs[action[3]]


def traces() -> tuple[int, int]:
    return ChangeRecord.objects.count(), TokenRequestLog.objects.count()


def test_every_action_says_what_it_needs_and_nothing_else_does() -> None:
    assert len(ACTIONS) > 100
    for action in ACTIONS:
        assert action[3] in action[2].needs, name_of(action)
    for view in {action[2] for action in ACTIONS}:
        assert set(view.needs) == {action[3] for action in ACTIONS if action[2] is view}, view


def permissions() -> dict[str, Permission]:
    made = Permission.objects.select_related("content_type")
    return {f"{each.content_type.app_label}.{each.codename}": each for each in made}


def test_every_permission_exists() -> None:
    made = set(permissions())
    for action in ACTIONS:
        need = need_of(action)
        assert {need.permission, *need.also} - {""} <= made, name_of(action)
        assert need.scope in {*SCOPES, ""}, name_of(action)


def test_the_api_asks_for_the_same_permission_as_the_screen_that_does_the_same() -> None:
    compared = 0
    for action in ACTIONS:
        need = need_of(action)
        if need.act:
            rows: Any = action[2].queryset
            screen: Any = admin.site._registry[rows.model]
            act = screen.add_act if need.act == "add" else next(each for each in screen.acts if each.name == need.act)
            named = act.permission if "." in act.permission else f"{screen.opts.app_label}.{act.permission}"
            assert named == need.permission, name_of(action)
            assert act.dangerous == need.dangerous, name_of(action)
            compared += 1
    assert compared > 40


@pytest.mark.parametrize("role", MAY)
def test_i22_each_action_is_for_the_roles_that_may_do_it(role: str) -> None:
    user = person(name=role.lower())
    user.groups.add(Group.objects.get(name=role))
    client, before = signed_in(user), traces()
    for action in ACTIONS:
        answer = ask(client, action)
        if name_of(action) in MAY[role] | EVERYBODYS:
            assert answer.status_code not in (401, 403), f"{role}: {name_of(action)}"
        else:
            assert problem(answer) == (403, "permission_denied"), f"{role}: {name_of(action)}"
    assert traces() == before or role == AUDITOR  # taking the log out leaves its trace


def test_i22_nobody_gets_in_without_proving_who_they_are() -> None:
    deactivated = signed_in(person(name="gone", is_superuser=True))
    User.objects.update(is_active=False)
    before = traces()
    for client in (APIClient(), bearer("lk_pt_nonsense"), bearer("nonsense"), deactivated):
        for action in ACTIONS:
            answer = ask(client, action)
            assert problem(answer)[0] == 401, name_of(action)
            assert answer.headers["WWW-Authenticate"].startswith("Bearer"), name_of(action)
    assert traces() == before


def test_i22_each_action_needs_its_own_permission_and_no_other() -> None:
    """Someone with every permission but those an action needs is refused; someone with those alone is not."""
    everything = permissions()
    user = person(name="ada")
    client, before = signed_in(user), traces()
    for action in ACTIONS:
        need = need_of(action)
        wanted = {need.permission, *need.also} - {""}
        if wanted:
            user.user_permissions.set(each for name, each in everything.items() if name not in wanted)
            assert problem(ask(client, action)) == (403, "permission_denied"), name_of(action)
    assert traces() == before


def test_s3_12_each_action_needs_its_own_scope_and_no_other() -> None:
    root = person(name="root", is_superuser=True)

    def client_with(scopes: set[str]) -> APIClient:
        return bearer(personal_tokens.make(root, name="x", scopes=scopes, by="root").raw)

    only = {scope: client_with({scope}) for scope in SCOPES}
    without = {scope: client_with(set(SCOPES) - {scope}) for scope in SCOPES}
    everything = client_with(set(SCOPES))
    for action in ACTIONS:
        scope = need_of(action).scope
        if scope == "":
            assert problem(ask(everything, action)) == (403, "insufficient_scope"), name_of(action)
            continue
        assert ask(only[scope], action).status_code not in (401, 403), name_of(action)
        assert problem(ask(without[scope], action)) == (403, "insufficient_scope"), name_of(action)


def test_b51_no_view_renders_anything_but_json() -> None:
    for _route, callback in addresses(get_resolver().url_patterns):
        view = getattr(callback, "cls", None)
        if view is not None and issubclass(view, Door):
            assert [renderer.media_type for renderer in view.renderer_classes] == ["application/json"], view
