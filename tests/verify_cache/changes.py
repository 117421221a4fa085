"""Each kind of write that ends a good answer: the token of a round, its end, and what makes the next round possible."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.utils import timezone

from credentials import clients, users
from credentials.models import Credential, Grant, User
from proxies import catalogue, deployment
from proxies.catalogue import Rule
from proxies.models import ApiProxy, Environment, ProxyGroup
from tests.world import REQUEST, call
from tokens import lifecycle, policies, signing
from tokens.lifecycle import Client, Selection
from tokens.models import IssuedToken, TokenFamily

BY: dict[str, Any] = {"by": "test"}
PASSWORD = "correct horse battery"


class Round(NamedTuple):
    proxy: str
    token: str
    end: Callable[[], object]


class Scene:
    """The world as one process finds it in the database."""

    def __init__(self, clients_by_name: dict[str, tuple[str, str]]) -> None:
        self.clients = {name: Client(*pair) for name, pair in clients_by_name.items()}
        self.orders = ApiProxy.objects.get(slug="orders")
        self.billing = ApiProxy.objects.get(slug="billing")
        self.commerce = ProxyGroup.objects.get(slug="commerce")
        self.test = Environment.objects.get(slug="test")
        self.shop = Credential.objects.get(client_id=self.clients["shop"].client_id)
        self.key = Credential.objects.get(client_id=self.clients["orders"].client_id)
        self.user = User.objects.get(username="ann")

    def issued(self, name: str, audience: str) -> Any:
        client = self.clients[name]
        answer = call("/oauth2/token", {"grant_type": "client_credentials", "audience": audience}, client=client)
        assert answer.status == 200, answer.body
        return answer.json

    def family(self) -> TokenFamily:
        return TokenFamily.objects.latest("id")


Change = Callable[[Scene], AbstractContextManager[Round]]
CHANGES: dict[str, Change] = {}
# These end what a token may do at a proxy; of the token itself introspection goes on to tell.
TOLD_ALIKE = frozenset(("disallow_methods", "require_scopes", "add_path_rule", "gateways_must_prove_themselves"))


def change(make: Callable[[Scene], Iterator[Round]]) -> Change:
    CHANGES[make.__name__] = contextmanager(make)
    return CHANGES[make.__name__]


@change
def revoke_by_client(scene: Scene) -> Iterator[Round]:
    issued = scene.issued("orders", "orders")
    form = {"token": issued["access_token"]}
    yield Round("orders", form["token"], lambda: call("/oauth2/revoke", form, client=scene.clients["orders"]))


@change
def refresh(scene: Scene) -> Iterator[Round]:
    issued = scene.issued("orders", "orders")
    form = {"grant_type": "refresh_token", "refresh_token": issued["refresh_token"]}
    yield Round("orders", issued["access_token"], lambda: call("/oauth2/token", form, client=scene.clients["orders"]))


@change
def revoke_one_token(scene: Scene) -> Iterator[Round]:
    raw = scene.issued("orders", "orders")["access_token"]
    token = IssuedToken.objects.latest("id")
    yield Round("orders", raw, lambda: lifecycle.revoke_token(token, by="test", because="test", request=REQUEST))


@change
def revoke_family(scene: Scene) -> Iterator[Round]:
    raw = scene.issued("orders", "orders")["access_token"]
    family = scene.family()
    yield Round("orders", raw, lambda: lifecycle.revoke_family(family, by="test", because="test", request=REQUEST))


@change
def revoke_holder(scene: Scene) -> Iterator[Round]:
    raw = scene.issued("orders", "orders")["access_token"]
    yield Round("orders", raw, lambda: lifecycle.revoke_holder(scene.orders, by="test", because="x", request=REQUEST))


@change
def revoke_in_bulk(scene: Scene) -> Iterator[Round]:
    raw = scene.issued("orders", "orders")["access_token"]
    given: dict[str, Any] = {"at_most": 1000, "because": "test", "request": REQUEST, **BY}
    yield Round("orders", raw, lambda: lifecycle.revoke_matching(Selection(proxy=scene.orders), **given))


@change
def undeploy(scene: Scene) -> Iterator[Round]:
    raw = scene.issued("orders", "orders")["access_token"]
    yield Round("orders", raw, lambda: deployment.undeploy(scene.orders, scene.test, **BY))
    deployment.deploy(scene.orders, scene.test, **BY)


@change
def undeploy_credential(scene: Scene) -> Iterator[Round]:
    raw = scene.issued("shop", "billing")["access_token"]
    yield Round("billing", raw, lambda: clients.undeploy(scene.shop, scene.test, **BY))
    clients.deploy(scene.shop, scene.test, **BY)


@change
def change_key(scene: Scene) -> Iterator[Round]:
    raw = scene.issued("orders", "orders")["access_token"]
    client_id = scene.clients["orders"].client_id

    def end() -> None:
        scene.clients["orders"] = Client(client_id, clients.change_key(scene.key, **BY))

    yield Round("orders", raw, end)


@change
def deactivate_credential(scene: Scene) -> Iterator[Round]:
    raw = scene.issued("orders", "orders")["access_token"]
    yield Round("orders", raw, lambda: clients.deactivate(scene.key, **BY))
    clients.reactivate(scene.key, **BY)


@change
def expire_credential(scene: Scene) -> Iterator[Round]:
    raw = scene.issued("orders", "orders")["access_token"]
    today = timezone.now().date()
    yield Round("orders", raw, lambda: Credential.objects.filter(pk=scene.key.pk).update(expires_on=today))
    clients.change_credential(scene.key, expires_on=None, **BY)
    Credential.objects.filter(pk=scene.key.pk).update(expires_on=None)


@change
def withdraw_grant(scene: Scene) -> Iterator[Round]:
    raw = scene.issued("shop", "billing")["access_token"]
    found = Grant.objects.get(credential=scene.shop, proxy=scene.billing)
    yield Round("billing", raw, lambda: clients.withdraw(found, **BY))
    clients.grant(to=scene.shop, target=scene.billing, **BY)


@change
def disallow_methods(scene: Scene) -> Iterator[Round]:
    raw = scene.issued("shop", "billing")["access_token"]
    pair: dict[str, Any] = {"to": scene.shop, "target": scene.billing, **BY}
    yield Round("billing", raw, lambda: clients.grant(**pair, disallowed_methods="GET POST"))
    clients.grant(**pair)


@change
def require_scopes(scene: Scene) -> Iterator[Round]:
    raw = scene.issued("orders", "orders")["access_token"]
    yield Round("orders", raw, lambda: catalogue.change_proxy(scene.orders, required_scopes="admin", **BY))
    catalogue.change_proxy(scene.orders, required_scopes="", **BY)


@change
def add_path_rule(scene: Scene) -> Iterator[Round]:
    raw = scene.issued("orders", "orders")["access_token"]
    rule = Rule("GET", "/", "admin", "all")
    yield Round("orders", raw, lambda: catalogue.set_path_rules(scene.orders, [rule], **BY))
    catalogue.set_path_rules(scene.orders, [], **BY)


@change
def set_mode(scene: Scene) -> Iterator[Round]:
    raw = scene.issued("orders", "orders")["access_token"]
    yield Round("orders", raw, lambda: catalogue.set_mode(scene.orders, "credentials", **BY))
    catalogue.set_mode(scene.orders, "own", **BY)


@change
def gateways_must_prove_themselves(scene: Scene) -> Iterator[Round]:
    raw = scene.issued("orders", "orders")["access_token"]
    switch = {"gateways_must_authenticate": True, **BY}
    yield Round("orders", raw, lambda: catalogue.change_environment(scene.test, **switch))
    catalogue.change_environment(scene.test, gateways_must_authenticate=False, **BY)


@change
def remove_from_group(scene: Scene) -> Iterator[Round]:
    raw = scene.issued("commerce", "commerce")["access_token"]
    yield Round("orders", raw, lambda: catalogue.remove_member(scene.commerce, scene.orders, **BY))
    catalogue.add_member(scene.commerce, scene.orders, **BY)


@change
def change_signing_key(scene: Scene) -> Iterator[Round]:
    raw = scene.issued("commerce", "commerce")["access_token"]
    assert raw.startswith("eyJ")
    yield Round("orders", raw, lambda: signing.change(scene.test, **BY))


@change
def deactivate_user(scene: Scene) -> Iterator[Round]:
    raw = lifecycle.login("ann", PASSWORD, request=REQUEST, audience="billing").access
    yield Round("billing", raw, lambda: users.deactivate(scene.user, **BY))
    users.reactivate(scene.user, **BY)


@change
def change_password(scene: Scene) -> Iterator[Round]:
    raw = lifecycle.login("ann", PASSWORD, request=REQUEST, audience="billing").access
    yield Round("billing", raw, lambda: users.set_password(scene.user, PASSWORD, **BY))


@change
def logout(scene: Scene) -> Iterator[Round]:
    session = lifecycle.login("ann", PASSWORD, request=REQUEST, audience="billing")
    yield Round("billing", session.access, lambda: lifecycle.logout(session.refresh, request=REQUEST))


@change
def policy_after_the_end(scene: Scene) -> Iterator[Round]:
    """A policy and a revocation in one transaction of somebody's own."""
    raw = scene.issued("orders", "orders")["access_token"]
    family = scene.family()

    def end() -> None:
        with transaction.atomic():
            policies.set_policy(scene.orders, access_token_lifetime_secs=3600, **BY)
            lifecycle.revoke_family(family, by="test", because="test", request=REQUEST)

    yield Round("orders", raw, end)


@change
def by_hand_in_sql(scene: Scene) -> Iterator[Round]:
    raw = scene.issued("orders", "orders")["access_token"]
    family = scene.family()

    def end() -> None:
        with connection.cursor() as cursor:
            cursor.execute("UPDATE tokens_tokenfamily SET revoked_at = now() WHERE id = %s", [family.pk])

    yield Round("orders", raw, end)


@change
def by_hand_in_a_bulk_update(scene: Scene) -> Iterator[Round]:
    raw = scene.issued("orders", "orders")["access_token"]
    token = IssuedToken.objects.latest("id")
    token.expires_at = timezone.now() - timedelta(seconds=1)
    yield Round("orders", raw, lambda: IssuedToken.objects.bulk_update([token], ["expires_at"]))


@change
def by_hand_with_deferred_commit(scene: Scene) -> Iterator[Round]:
    """Savepoints, one of them undone, and a commit at the end."""
    raw = scene.issued("orders", "orders")["access_token"]
    family = scene.family()

    def end() -> None:
        with transaction.atomic():
            with transaction.atomic():
                TokenFamily.objects.filter(pk=family.pk).update(revoked_because="undone")
                transaction.set_rollback(True)
            with transaction.atomic():
                TokenFamily.objects.filter(pk=family.pk).update(revoked_at=timezone.now())

    yield Round("orders", raw, end)
