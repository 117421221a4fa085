"""What a configuration file may say: one table a section. The names are those of the REST API and the models (D42)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from credentials.clients import check_client_id
from credentials.models import ConnectionConfiguration, Credential, User
from credentials.public_keys import ALGORITHMS
from credentials.rules import Method
from proxies.catalogue import check_audience, check_scopes, check_slug
from proxies.models import ApiProxy, Environment, Management, PathRule, ScopeMatch
from proxies.ownership import OWNER_FIELDS
from proxies.values import why_unfit
from tokens.configuration.fields import (
    Problems,
    Reader,
    address,
    choice,
    choice_of,
    day,
    entries,
    flag,
    listing,
    mapping,
    moment,
    number,
    pem,
    ports,
    text,
    words,
)
from tokens.errors import InvalidConfiguration
from tokens.models import RefreshMode, SigningKey, TokenFormat
from tokens.policies import LONGEST_LIFETIME, LONGEST_RETRY_WINDOW

VERSION = 1
Entry = dict[str, Any]
Sections = dict[str, dict[str, Entry]]
_MANY = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Document:
    """What a file says, and only that: what it leaves out is left as it is. `prune` puts away what it does not name."""

    sections: Sections
    prune: bool = False


def _username(value: str) -> None:
    if because := why_unfit(User, {"username": value}, ("username",)):
        raise ValueError(because)


def _column(model: Any, *names: str) -> dict[str, Reader]:
    return {name: text(model, name) for name in names}


_SCOPES = words(check_scopes)
_ENVIRONMENTS = words(check_slug)
PATH_RULE = {
    **_column(PathRule, "method"),
    "path": text(PathRule, "pattern"),
    "scopes": _SCOPES,
    "match": choice(*ScopeMatch.values),
}
POLICY = {
    "token_format": choice(*TokenFormat.values),
    "never_expires": flag,
    "access_token_lifetime_secs": number(1, LONGEST_LIFETIME, optional=True),
    "refresh_allowed": flag,
    "refresh_token_lifetime_secs": number(1, LONGEST_LIFETIME, optional=True),
    "refresh_count": number(1, 1_000_000, optional=True),
    "refresh_mode": choice(*RefreshMode.values),
    "retry_window_secs": number(0, LONGEST_RETRY_WINDOW),
    "family_lifetime_secs": number(1, LONGEST_LIFETIME, optional=True),
    "suspended": flag,
}
PUBLIC_KEY = {"pem": pem, "algorithms": words(choice_of(*ALGORITHMS)), "authority": flag}
CREDENTIAL = {
    **_column(Credential, "name", "description"),
    "expires_on": day,
    "active": flag,
    "allowed_addresses": words(address),
    **_column(Credential, *OWNER_FIELDS),
    "client_secret_file": text(Credential, "description"),
    "auth_methods": words(choice_of(*Method)),
    **_column(Credential, "certificate_name"),
    "public_keys": entries(str, mapping(PUBLIC_KEY, needed=("pem",))),
}
KEY = {"client_id": text(Credential, "client_id", check_client_id), **CREDENTIAL}
GRANT = {"scopes": _SCOPES, "expires_on": day, "disallowed_methods": words()}
_GRANTS = entries(check_slug, mapping(GRANT))
HOLDER = {
    **_column(ApiProxy, "name"),
    "audience": text(ApiProxy, "audience", check_audience),
    **_column(ApiProxy, "description"),
    "mode": choice(*Management.values),
    "scopes": _SCOPES,
    **_column(ApiProxy, *OWNER_FIELDS),
}
_STANDING = {"deployed_in": _ENVIRONMENTS, "policy": mapping(POLICY), "key": mapping(KEY)}
ENVIRONMENT = {
    **_column(Environment, "name"),
    "kind": choice(*Environment.Kind.values),
    **_column(Environment, "description"),
    "default": flag,
    "gateways_must_authenticate": flag,
    "signing_key_rotation_days": number(0, _MANY, optional=True),
    "signing_algorithm": choice(*SigningKey.Algorithm.values),
}
PROXY = {
    **HOLDER,
    "required_scopes": _SCOPES,
    "required_match": choice(*ScopeMatch.values),
    "accept_token_in_url": flag,
    "path_rules": listing(mapping(PATH_RULE, needed=("path", "scopes"))),
    **_STANDING,
}
GROUP = {**HOLDER, "members": words(check_slug), **_STANDING}
OWN_CREDENTIAL = {**CREDENTIAL, "deployed_in": _ENVIRONMENTS, "policy": mapping(POLICY), "grants": _GRANTS}
USER = {**_column(User, "email", "first_name", "last_name"), "active": flag, "grants": _GRANTS}
CONNECTION = {
    **_column(ConnectionConfiguration, "name"),
    "environment": text(Environment, "slug"),
    "deployment_type": choice(*ConnectionConfiguration.DeploymentType.values),
    **_column(ConnectionConfiguration, "description", "target_host"),
    "target_ports": ports,
    "target_protocol": choice(*ConnectionConfiguration.Protocol.values),
    "licence_ends_at": moment,
    **_column(ConnectionConfiguration, *OWNER_FIELDS),
}
SECTIONS: Mapping[str, Reader] = {
    "environments": entries(check_slug, mapping(ENVIRONMENT)),
    "proxies": entries(check_slug, mapping(PROXY)),
    "groups": entries(check_slug, mapping(GROUP)),
    "credentials": entries(check_client_id, mapping(OWN_CREDENTIAL)),
    "users": entries(_username, mapping(USER)),
    "connections": listing(mapping(CONNECTION, needed=("name", "environment"))),
}
_DOCUMENT = mapping({"version": number(VERSION, VERSION), "prune": flag, **SECTIONS})


def connection_key(entry: Mapping[str, Any]) -> str:
    """What tells connections apart: environment and name."""
    return f"{entry.get('environment')}/{entry.get('name')}"


def document(values: Any) -> Document:
    """The document that plain values are. Raises InvalidConfiguration with every path at fault."""
    problems = Problems()
    found = _DOCUMENT({} if values is None else values, "", problems)
    if isinstance(found.get("connections"), list):
        found["connections"] = _by_key(found["connections"], problems)
    if problems.found:
        raise InvalidConfiguration(*problems.found)
    return Document({name: found[name] for name in SECTIONS if name in found}, bool(found.get("prune")))


def _by_key(given: list[Entry], problems: Problems) -> dict[str, Entry]:
    found: dict[str, Entry] = {}
    for index, entry in enumerate(given, start=1):
        key = connection_key(entry)
        if key in found:
            problems.add(f"connections[{index}]", f"{entry.get('name')} is named twice in this environment.")
        found[key] = entry
    return found
