"""What is configured now, in the words of a configuration file. A fixed number of queries, whatever there is."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Prefetch, Q

from credentials import rules
from credentials.models import ConnectionConfiguration, Credential, CredentialDeployment, CredentialKey, Grant, User
from proxies.models import ApiProxy, Deployment, Environment, GroupMembership, PathRule, ProxyGroup
from proxies.ownership import OWNER_FIELDS
from tokens.configuration.schema import POLICY, Entry, Sections, connection_key
from tokens.models import SigningKey, TokenPolicy
from tokens.policies import terms_of

Owner = ApiProxy | ProxyGroup | Credential
_SIGNING = Q(signing_since__isnull=False, verify_only_since=None, retired_at=None, ended_at=None)


@dataclass(frozen=True, slots=True)
class Present:
    """What is there. `doubled` are connections that no file can tell apart, `lapsed` those whose licence has ended,
    `put_away` what is archived, by section.
    """

    sections: Sections
    doubled: frozenset[str]
    lapsed: frozenset[str]
    put_away: dict[str, frozenset[str]]


def read(now: datetime) -> Present:
    """Everything that is not archived or closed."""
    connections, doubled, lapsed = _connections(now)
    sections: Sections = {
        "environments": _environments(),
        "proxies": {each.slug: _proxy(each) for each in _standing(ApiProxy, "path_rules")},
        "groups": {each.slug: _group(each) for each in _standing(ProxyGroup)},
        "credentials": {each.client_id: _own_credential(each) for each in _own_credentials()},
        "users": {each.username: _user(each) for each in _users()},
        "connections": connections,
    }
    return Present(sections, doubled, lapsed, _put_away())


def _environments() -> dict[str, Entry]:
    signing = Prefetch("signing_keys", SigningKey.objects.filter(_SIGNING), to_attr="signing")
    return {each.slug: _environment(each) for each in Environment.objects.order_by("slug").prefetch_related(signing)}


def _environment(each: Any) -> Entry:
    # Without a key there is nothing to say: the first JWT makes one.
    signing = {"signing_algorithm": each.signing[0].algorithm} if each.signing else {}
    return {
        "name": each.name,
        "kind": each.kind,
        "description": each.description,
        "default": each.is_default,
        "gateways_must_authenticate": each.gateways_must_authenticate,
        "signing_key_rotation_days": each.signing_key_rotation_days,
        **signing,
    }


def _live_deployments(model: type[Deployment] | type[CredentialDeployment]) -> "Prefetch[Any]":
    live = model._default_manager.filter(undeployed_at=None).select_related("environment")
    return Prefetch("deployments", live.order_by("environment__slug"), to_attr="live_deployments")


def _standing(model: type[ApiProxy] | type[ProxyGroup], *more: str) -> Iterable[Any]:
    found: Any = model._default_manager.filter(archived_at=None).order_by("slug").select_related("key", "policy")
    if model is ProxyGroup:
        members = GroupMembership.objects.filter(proxy__archived_at=None).select_related("proxy")
        found = found.prefetch_related(Prefetch("memberships", members.order_by("proxy__slug"), to_attr="kept_members"))
    if "path_rules" in more:
        found = found.prefetch_related(Prefetch("path_rules", PathRule.objects.order_by("pk")))
    return found.prefetch_related(_live_deployments(Deployment), _keys("key__"))


def _holder(each: Any) -> Entry:
    return {
        "name": each.name,
        "audience": each.audience,
        "description": each.description,
        "mode": each.mode,
        "scopes": each.scopes.split(),
        **{name: getattr(each, name) for name in OWNER_FIELDS},
    }


def _proxy(each: Any) -> Entry:
    return {
        **_holder(each),
        "required_scopes": each.required_scopes.split(),
        "required_match": each.required_match,
        "accept_token_in_url": each.accept_token_in_url,
        "path_rules": [_path_rule(rule) for rule in each.path_rules.all()],
        **_standing_of(each),
    }


def _path_rule(rule: PathRule) -> Entry:
    return {"method": rule.method, "path": rule.pattern, "scopes": rule.scopes.split(), "match": rule.match}


def _group(each: Any) -> Entry:
    return {**_holder(each), "members": [kept.proxy.slug for kept in each.kept_members], **_standing_of(each)}


def _standing_of(each: Any) -> Entry:
    found: Entry = {"deployed_in": [live.environment.slug for live in each.live_deployments], **_policy_of(each)}
    key = getattr(each, "key", None)
    return found if key is None else found | {"key": {"client_id": key.client_id, **_credential(key)}}


def _policy_of(owner: Owner) -> Entry:
    policy: TokenPolicy | None = getattr(owner, "policy", None)
    return {} if policy is None else {"policy": policy_entry(policy)}


def policy_entry(policy: TokenPolicy) -> Entry:
    """A policy, in the order of the schema."""
    terms = terms_of(policy)
    return {name: terms[name] for name in POLICY if name in terms} | {"suspended": policy.suspended_at is not None}


def _credential(each: Any) -> Entry:
    return {
        "name": each.name,
        "description": each.description,
        "expires_on": each.expires_on,
        "active": each.deactivated_at is None,
        "allowed_addresses": each.allowed_addresses.split(),
        **{name: getattr(each, name) for name in OWNER_FIELDS},
        "auth_methods": each.auth_methods.split(),
        "certificate_name": each.certificate_name,
        "public_keys": {key.kid: _public_key(key) for key in each.kept_keys},
    }


def _public_key(key: CredentialKey) -> Entry:
    """Authorities sign no assertion; of the others it is said which algorithms they may use."""
    kept = {"pem": key.certificate or key.public_key}
    if key.kind == CredentialKey.Kind.AUTHORITY:
        return kept | {"authority": True}
    return kept | {"algorithms": key.algorithms.split(), "authority": False}


def _keys(path: str = "") -> "Prefetch[Any]":
    in_service = CredentialKey.objects.filter(removed_at=None).order_by("kid")
    return Prefetch(f"{path}keys", in_service, to_attr="kept_keys")


def _own_credentials() -> Iterable[Credential]:
    own = Credential.objects.filter(proxy=None, group=None, archived_at=None).order_by("client_id")
    return own.select_related("policy").prefetch_related(_grants(), _keys(), _live_deployments(CredentialDeployment))


def _own_credential(each: Any) -> Entry:
    return {
        **_credential(each),
        "deployed_in": [live.environment.slug for live in each.live_deployments],
        **_policy_of(each),
        "grants": dict(_granted(each.kept_grants)),
    }


def _grants() -> "Prefetch[Any]":
    kept = Grant.objects.filter(withdrawn_at=None).select_related("proxy", "group")
    return Prefetch("grants", kept.order_by("proxy__slug", "group__slug"), to_attr="kept_grants")


def _granted(grants: Iterable[Grant]) -> Iterator[tuple[str, Entry]]:
    for each in grants:
        target = each.proxy or each.group
        if target is not None and target.archived_at is None:
            yield (
                target.slug,
                {
                    "scopes": each.scopes.split(),
                    "expires_on": each.expires_on,
                    "disallowed_methods": each.disallowed_methods.split(),
                },
            )


def _users() -> Iterable[User]:
    return User.objects.order_by("username").prefetch_related(_grants())


def _user(each: Any) -> Entry:
    return {
        "email": each.email,
        "first_name": each.first_name,
        "last_name": each.last_name,
        "active": each.is_active,
        "grants": dict(_granted(each.kept_grants)),
    }


def _connections(now: datetime) -> tuple[dict[str, Entry], frozenset[str], frozenset[str]]:
    found: dict[str, Entry] = {}
    doubled, lapsed = set(), set()
    still_open = ConnectionConfiguration.objects.still_open().select_related("environment")
    for each in still_open.order_by("environment__slug", "name", "pk"):
        entry = _connection(each)
        key = connection_key(entry)
        if key in found:
            doubled.add(key)
        if rules.licence_ended(each.licence_ends_at, now):
            lapsed.add(key)
        found[key] = entry
    return found, frozenset(doubled), frozenset(lapsed)


def _connection(each: ConnectionConfiguration) -> Entry:
    return {
        "name": each.name,
        "environment": each.environment.slug,
        "deployment_type": each.deployment_type,
        "description": each.description,
        "target_host": each.target_host,
        "target_ports": [int(port) for port in each.target_ports.split(",") if port.strip()],
        "target_protocol": each.target_protocol,
        "licence_ends_at": each.licence_ends_at,
        **{name: getattr(each, name) for name in OWNER_FIELDS},
    }


def _put_away() -> dict[str, frozenset[str]]:
    archived = {"archived_at__isnull": False}
    return {
        "proxies": frozenset(ApiProxy.objects.filter(**archived).values_list("slug", flat=True)),
        "groups": frozenset(ProxyGroup.objects.filter(**archived).values_list("slug", flat=True)),
        "credentials": frozenset(Credential.objects.filter(**archived).values_list("client_id", flat=True)),
    }
