"""Every act on everything leaves who did it and what it changed, and no secret: a table over all of them, one world.

Which acts there are is read from the sources: one that is new has to come into the table.
"""

import ast
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import Group, Permission
from django.utils import timezone

from credentials import (
    client_keys,
    clients,
    groups,
    password_links,
    personal_tokens,
    rotation,
    second_factors,
    users,
)
from credentials.models import Grant, PersonalAccessToken, User
from proxies import catalogue, deployment, jobs
from proxies.catalogue import Rule
from proxies.models import ChangeRecord, Environment
from tests import world as worlds
from tests.test_architecture import sources
from tests.tokens import proofs
from tests.tokens.codes import code
from tokens import bulk_work, legacy, log_export, policies, restoring, signing
from tokens.models import LegacyVerifier, TokenPolicy
from tokens.reminders import webhooks

NOW = timezone.now().replace(microsecond=0)
# Acts whose record says all by its name and note: they change nothing that could be told, or tell it elsewhere.
SAYS_ALL = {
    "resend",  # the note is the event; the outbox holds the rest
    "export token request log",  # the note is the filter
}
# Acts that need more than this world: each is looked at in the tests of its own module.
ELSEWHERE = {"licence ended", "finish", "resend"}
# One of two words, which no reader of sources sees.
CHOSEN = {"show token", "copy token"}
# Values that are made by chance, or are many: some there must be.
SOME: Any = object()
Step = tuple[str, Callable[[], Any], Any, Any]


def verbs() -> set[str]:
    """Every act that some writer records, by name."""
    found: set[str] = set()
    for source in sources().values():
        for node in ast.walk(ast.parse(source)):
            if not isinstance(node, ast.Call):
                continue
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called not in ("record", "_record", "_changed", "_moved", "_set", "_let_sign"):
                continue
            words = [*node.args[:2], *(each.value for each in node.keywords if each.arg == "verb")]
            found |= {word.value for word in words if isinstance(word, ast.Constant) and isinstance(word.value, str)}
    return found


def steps(seen: list[str]) -> list[Step]:
    world = worlds.build()
    by = {"by": "root", "at": NOW}
    hooks: list[Any] = []
    orders, billing, commerce, test = world.orders, world.billing, world.commerce, world.test
    shop = clients.open_credential(name="Shop", client_id="shop", by="test").credential
    ada = users.create_user(username="ada", password=None, by="test", email="ada@example.com")
    viewers = groups.add_group(name="Viewers", permissions=[], by="test")
    may_view = Permission.objects.filter(codename="view_apiproxy")
    edge = rotation.open_connection(name="edge", deployment_type="kubernetes", environment=test, by="test").token
    public = proofs.public_pem(proofs.private_key())

    def fresh_token() -> PersonalAccessToken:
        return personal_tokens.make(ada, name="cron", scopes=["read"], by="test").token

    def policy() -> TokenPolicy:
        return TokenPolicy.objects.get(proxy=orders)

    def verifier() -> LegacyVerifier:
        return LegacyVerifier.objects.get()

    return [
        ("add", lambda: catalogue.add_environment(name="Stage", slug="stage", **by), None,
         {"name": "Stage", "kind": "test", "gateways_must_authenticate": False, "default": False}),
        ("add", lambda: catalogue.add_proxy(name="Pay", slug="pay", owner_team="Shop", **by), None,
         {"slug": "pay", "audience": "http://127.0.0.1:8000/apis/pay", "name": "Pay", "owner_team": "Shop"}),
        ("change", lambda: catalogue.change_proxy(orders, name="Purchases", **by),
         {"name": "Orders"}, {"name": "Purchases"}),
        ("make default", lambda: catalogue.make_default(Environment.objects.get(slug="stage"), **by),
         {"default": "test"}, {"default": "stage"}),
        ("set mode", lambda: catalogue.set_mode(orders, "credentials", **by), {"mode": "own"}, {"mode": "credentials"}),
        ("remove member", lambda: catalogue.remove_member(commerce, orders, **by), {"proxy": "orders"}, None),
        ("add member", lambda: catalogue.add_member(commerce, orders, **by), None, {"proxy": "orders"}),
        ("set path rules", lambda: catalogue.set_path_rules(orders, [Rule("GET", "/a", "read", "all")], **by),
         {"rules": "[]"}, {"rules": "['GET /a: read']"}),
        ("undeploy", lambda: deployment.undeploy(billing, test, **by), {"deployed": True}, {"deployed": False}),
        ("deploy", lambda: deployment.deploy(billing, test, **by), {"deployed": False}, {"deployed": True}),
        ("archive", lambda: catalogue.archive(billing, **by), {"archived": False}, {"archived": True}),
        ("open", lambda: clients.open_credential(name="App", client_id="app", owner_name="ada", **by), None,
         {"client_id": "app", "key_of": "", "owner_name": "ada"}),
        ("change", lambda: clients.change_credential(shop, owner_team="Shop", **by),
         {"owner_team": ""}, {"owner_team": "Shop"}),
        ("rotate", lambda: seen.append(clients.rotate_secret(shop, **by)), None, {"retires_old_at": None}),
        ("retire", lambda: clients.retire_secret(shop.secrets.get(slot=1), **by), {"slot": 1}, {"slot": None}),
        ("set methods", lambda: clients.set_methods(shop, ["client_secret_basic"], **by), SOME,
         {"auth_methods": "client_secret_basic", "certificate_name": ""}),
        ("change key", lambda: clients.change_key(shop, client_id="shop-2", **by),
         {"client_id": "shop"}, {"client_id": "shop-2", "tokens_ended": True}),
        ("deploy", lambda: clients.deploy(shop, test, **by), {"deployed": False}, {"deployed": True}),
        ("deploy", lambda: clients.deploy(shop, test, **by), {"deployed": True}, {"deployed": True}),
        ("undeploy", lambda: clients.undeploy(shop, test, **by), {"deployed": True}, {"deployed": False}),
        ("add key", lambda: client_keys.add_keys(shop, public, **by), None, SOME),
        ("remove key", lambda: client_keys.remove_key(shop.keys.get(), **by), None, SOME),
        ("grant", lambda: clients.grant(to=shop, target=orders, scopes="read", **by), None,
         {"scopes": "read", "expires_on": None, "disallowed_methods": "", "withdrawn_at": None, "target": "orders"}),
        ("grant", lambda: clients.grant(to=shop, target=orders, scopes="write", **by),
         {"scopes": "read", "expires_on": None, "disallowed_methods": "", "withdrawn_at": None},
         {"scopes": "write", "expires_on": None, "disallowed_methods": "", "withdrawn_at": None, "target": "orders"}),
        ("withdraw", lambda: clients.withdraw(Grant.objects.get(credential=shop), **by),
         {"target": "orders"}, None),
        ("deactivate", lambda: clients.deactivate(shop, **by), {"active": True}, {"active": False}),
        ("reactivate", lambda: clients.reactivate(shop, **by), {"active": False}, {"active": True}),
        ("archive", lambda: clients.archive(shop, **by), {"archived": False}, {"archived": True}),
        # People
        ("create", lambda: users.create_user(username="eve", password="x", email="e@example.com", **by), None,
         {"username": "eve", "email": "e@example.com"}),
        ("change", lambda: users.change_user(ada, email="a@example.com", **by),
         {"email": "ada@example.com"}, {"email": "a@example.com"}),
        ("make set-up link", lambda: seen.append(password_links.make(ada, **by).address), None,
         {"expires_at": str(NOW + timedelta(days=3)), "mailed": False}),
        ("change login", lambda: users.set_password(ada, "correct horse battery", **by), None, {"tokens_ended": True}),
        ("set access", lambda: users.set_access(
            ada, is_staff=True, groups=[viewers], user_permissions=may_view, **by),
         {"is_staff": False, "groups": "", "permissions": ""},
         {"is_staff": True, "groups": "Viewers", "permissions": "proxies.view_apiproxy"}),
        ("set up second factor", lambda: seen.extend(_set_up(ada)),
         {"second_factor": False}, {"second_factor": True}),
        ("renew recovery codes", lambda: seen.extend(second_factors.renew_codes(ada, **by)), None,
         {"recovery_codes_left": 10}),
        ("use recovery code", lambda: second_factors.prove(
            ada, second_factors.renew_codes(ada, by="test")[0], at=NOW), None, {"recovery_codes_left": 9}),
        ("remove second factor", lambda: second_factors.remove(ada, **by),
         {"second_factor": True}, {"second_factor": False}),
        ("make", lambda: seen.append(personal_tokens.make(ada, name="ci", scopes=["read"], **by).raw), None,
         {"owner": "ada", "scopes": "read"}),
        ("revoke", lambda: personal_tokens.revoke(fresh_token(), **by), {"revoked": False}, {"revoked": True}),
        ("deactivate", lambda: users.deactivate(ada, **by), {"active": True}, {"active": False}),
        ("reactivate", lambda: users.reactivate(ada, **by), {"active": False}, {"active": True}),
        ("create", lambda: groups.add_group(name="Clerks", permissions=may_view, **by), None,
         {"permissions": "proxies.view_apiproxy"}),
        ("set access", lambda: groups.set_permissions(Group.objects.get(name="Clerks"), [], **by),
         {"permissions": "proxies.view_apiproxy"}, {"permissions": ""}),
        # Connections
        ("open", lambda: rotation.open_connection(
            name="eu", deployment_type="kubernetes", environment=test, **by), None, SOME),
        ("change", lambda: rotation.change(edge.configuration, owner_team="Edge", **by),
         {"owner_team": ""}, {"owner_team": "Edge"}),
        ("generate token", lambda: seen.append(rotation.generate(edge.configuration, **by).raw), None, SOME),
        ("show token", lambda: seen.append(rotation.reveal(edge, **by)), None, {"token": edge.pk}),
        ("copy token", lambda: rotation.reveal(edge, copied=True, **by), None, {"token": edge.pk}),
        ("revoke token", lambda: rotation.revoke(edge, **by), None, {"token": edge.pk}),
        ("replace token", lambda: rotation.replace_now(
            edge.configuration.tokens.get(slot__isnull=False), **by), SOME, SOME),
        ("extend licence", lambda: rotation.extend_licence(
            edge.configuration, until=NOW + timedelta(days=9), **by),
         {"licence_ends_at": None}, {"licence_ends_at": (NOW + timedelta(days=9)).isoformat()}),
        ("delete", lambda: rotation.close(edge.configuration, **by), None, {"tokens_revoked": 1}),
        # Tokens
        ("set policy", lambda: policies.set_policy(orders, access_token_lifetime_secs=99, **by), SOME, SOME),
        ("suspend", lambda: policies.suspend(policy(), **by), {"suspended": False}, {"suspended": True}),
        ("resume", lambda: policies.resume(policy(), **by), {"suspended": True}, {"suspended": False}),
        ("stage", lambda: signing.stage(test, **by), None, SOME),
        ("publish", lambda: signing.publish(signing.stage(test, by="test"), **by),
         {"published": False}, {"published": True}),
        ("retire", lambda: signing.retire(signing.stage(test, by="test"), **by), {"retired": False}, {"retired": True}),
        ("rotate", lambda: signing.rotate(test, **by), {"signing": None}, SOME),
        ("change", lambda: signing.change(test, **by), SOME, SOME),
        ("run now", lambda: jobs.request("clean_tokens", **by), None, {"requested_at": str(NOW)}),
        ("run now", lambda: jobs.request("clean_tokens", **by), None, {"requested_at": str(NOW)}),
        ("pause", lambda: jobs.pause("clean_tokens", **by), {"paused": False}, {"paused": True}),
        ("resume", lambda: jobs.resume("clean_tokens", **by), {"paused": True}, {"paused": False}),
        ("start", lambda: bulk_work.start("family", [10**9], **by), None,
         {"what": "family", "rows": 1, "filter": ""}),
        ("pause", lambda: bulk_work.pause(bulk_work.start("family", [1], by="test"), **by),
         {"paused": False}, {"paused": True}),
        ("register", lambda: legacy.register_jwt(
            name="old", environment=test, ends_at=NOW + timedelta(days=9), algorithm="HS256", key=b"k" * 40, **by),
         None, SOME),
        ("move end", lambda: legacy.move_end(verifier(), NOW + timedelta(days=5), **by),
         {"ends_at": str(NOW + timedelta(days=9))}, {"ends_at": str(NOW + timedelta(days=5))}),
        ("add", lambda: hooks.append(webhooks.add(name="chat", url="https://example.com/x", **by)), None,
         {"host": "example.com:443"}),
        ("change", lambda: webhooks.change(hooks[0].webhook, name="talk", url="https://example.com/y", **by),
         {"name": "chat", "host": "example.com:443"}, {"name": "talk", "host": "example.com:443"}),
        ("rotate secret", lambda: seen.append(webhooks.rotate_secret(hooks[0].webhook, **by)), None, SOME),
        ("pause", lambda: webhooks.pause(hooks[0].webhook, **by), {"paused": False}, {"paused": True}),
        ("resume", lambda: webhooks.resume(hooks[0].webhook, **by), {"paused": True}, {"paused": False}),
        ("archive", lambda: webhooks.archive(hooks[0].webhook, **by), {"archived": False}, {"archived": True}),
        ("export token request log", lambda: log_export.record(ada, chosen="today", **by), None, None),
        ("raise all generations", lambda: restoring.raise_all_generations(**by), None, SOME),
    ]  # fmt: skip


def _set_up(person: User) -> list[str]:
    begun = second_factors.begin(person, at=NOW)
    return [begun.key, *second_factors.confirm(person, code(begun.key, NOW), by="root", at=NOW)]


def test_every_act_that_is_recorded_is_in_the_table(db: None) -> None:
    known = {verb for verb, *_ in steps([])} | ELSEWHERE
    found = verbs() | CHOSEN
    assert found <= known, "say what these leave in the history"
    assert known <= found, "nobody does these any more"


def test_r38_every_act_leaves_who_did_it_and_what_was_before_and_after_and_no_secret(db: None) -> None:
    seen: list[str] = []
    for verb, act, before, after in steps(seen):
        newest = ChangeRecord.objects.order_by("-id").values_list("id", flat=True).first() or 0
        act()
        made = [each for each in ChangeRecord.objects.filter(id__gt=newest, verb=verb) if each.actor in ("root", "ada")]
        assert made, f"{verb} left nothing"
        record = made[-1]
        assert (record.at, bool(record.subject_name)) == (NOW, True), verb
        for told, wanted in ((record.before, before), (record.after, after)):
            assert told if wanted is SOME else told == wanted, (verb, told, wanted)
        if verb not in SAYS_ALL:
            assert (record.before, record.after) != (None, None), verb
    assert len(seen) > 15
    kept = json.dumps(list(ChangeRecord.objects.values("note", "before", "after", "subject_name")))
    for secret in seen:
        assert secret.rpartition("#")[2] not in kept
    assert "correct horse battery" not in kept
