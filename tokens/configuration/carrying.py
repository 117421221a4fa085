"""Carrying a step out: one writer of the three floors for each verb. Nothing is written here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Model

from credentials import client_keys, clients, rotation, users
from credentials.models import ConnectionConfiguration, Credential, Grant, User
from proxies import catalogue, deployment
from proxies.catalogue import Rule
from proxies.models import ApiProxy, Environment, ProxyGroup
from tokens import policies, signing
from tokens.configuration.checks import terms
from tokens.configuration.plans import Given, Step
from tokens.models import TokenPolicy

Holder = ApiProxy | ProxyGroup
_WORDS = frozenset(("scopes", "required_scopes", "allowed_addresses", "disallowed_methods"))


@dataclass(slots=True)
class Made:
    """Secrets that were made on the way: the only moment they exist in clear."""

    clients: dict[str, dict[str, str]] = field(default_factory=dict)
    connections: dict[str, dict[str, str]] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"Made({len(self.clients)} client secrets, {len(self.connections)} connection tokens)"

    @property
    def nothing(self) -> bool:
        """True where there is nothing to hand over."""
        return not (self.clients or self.connections)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, when, and where the secrets go."""

    by: str
    at: datetime
    made: Made

    @property
    def told(self) -> dict[str, Any]:
        """What every writer is told."""
        return {"by": self.by, "at": self.at}


def carry_out(step: Step, actor: Actor) -> None:
    """Call the writer. Raises the refusals of every floor."""
    verb = _BY_SECTION.get((step.section, step.verb)) or _BY_VERB[step.verb]
    verb(step, actor)


def makes_a_secret(step: Step) -> bool:
    """True where a value will exist that nobody knows yet."""
    opens = step.verb == "open key" or (step.verb == "add" and step.section in ("credentials", "connections"))
    return opens and "client_secret_file" not in step.values


# --- from the words of a file to the columns of a model


def _columns(values: Mapping[str, Any]) -> dict[str, Any]:
    found = {name: " ".join(value) if name in _WORDS else value for name, value in values.items()}
    ports = found.get("target_ports")
    return found | {"target_ports": ", ".join(map(str, ports))} if ports is not None else found


def _environment(slug: str) -> Environment:
    return Environment.objects.get(slug=slug)


def _holder(slug: str) -> Holder:
    return ApiProxy.objects.filter(slug=slug).first() or ProxyGroup.objects.get(slug=slug)


def _of_section(step: Step) -> Holder:
    return (ApiProxy if step.section == "proxies" else ProxyGroup)._default_manager.get(slug=step.name)


def _credential(client_id: str) -> Credential:
    return Credential.objects.get(client_id=client_id)


def _user(username: str) -> User:
    return User.objects.get(username=username)


def _connection(key: str) -> ConnectionConfiguration:
    slug, _, name = key.partition("/")
    found: ConnectionConfiguration = ConnectionConfiguration.objects.still_open().get(environment__slug=slug, name=name)
    return found


def _key(step: Step) -> Credential:
    """The credential a step is about: the key of a proxy or group, or one of its own."""
    if step.section == "credentials":
        return _credential(step.name)
    return Credential.objects.get(**_bound(_of_section(step)))


def _bound(holder: Holder) -> dict[str, Any]:
    return {"proxy" if isinstance(holder, ApiProxy) else "group": holder}


def subject_of(step: Step) -> Model | None:
    """What a step is done to."""
    if step.verb == "withdraw":
        return _granted(step)
    if step.section == "users":
        return _user(step.name)
    if step.section == "connections":
        return _connection(step.name)
    return _key(step) if step.section == "credentials" or step.verb.endswith(" key") else _of_section(step)


def _titled(step: Step) -> str:
    return str(step.values.get("name") or step.name.capitalize())


# --- environments


def _add_environment(step: Step, actor: Actor) -> None:
    values = _columns(step.values) | {"name": _titled(step)}
    catalogue.add_environment(slug=step.name, **values, **actor.told)


def _sign(step: Step, actor: Actor) -> None:
    signing.rotate(_environment(step.name), algorithm=step.values["signing_algorithm"], **actor.told)


# --- proxies and groups


def _add_holder(step: Step, actor: Actor) -> None:
    values = _columns(step.values) | {"name": _titled(step)}
    add = catalogue.add_proxy if step.section == "proxies" else catalogue.add_group
    add(slug=step.name, **values, **actor.told)


def _change_holder(step: Step, actor: Actor) -> None:
    subject = _of_section(step)
    if isinstance(subject, ApiProxy):
        catalogue.change_proxy(subject, **_columns(step.values), **actor.told)
    else:
        catalogue.change_group(subject, **_columns(step.values), **actor.told)


def _set_path_rules(step: Step, actor: Actor) -> None:
    rules = [
        Rule(rule.get("method", ""), rule["path"], " ".join(rule["scopes"]), rule.get("match", "all"))
        for rule in step.values["path_rules"]
    ]
    catalogue.set_path_rules(ApiProxy.objects.get(slug=step.name), rules, **actor.told)


def _member(step: Step, actor: Actor) -> None:
    group, proxy = ProxyGroup.objects.get(slug=step.name), ApiProxy.objects.get(slug=step.values["other"])
    (catalogue.add_member if step.verb == "add member" else catalogue.remove_member)(group, proxy, **actor.told)


def _deploy(step: Step, actor: Actor) -> None:
    environment = _environment(step.values["other"])
    if step.section == "credentials":
        act = clients.deploy if step.verb == "deploy" else clients.undeploy
        act(_credential(step.name), environment, **actor.told)
        return
    place = deployment.deploy if step.verb == "deploy" else deployment.undeploy
    place(_of_section(step), environment, **actor.told)


# --- policies


def _owner(step: Step) -> Holder | Credential:
    return _credential(step.name) if step.section == "credentials" else _of_section(step)


def _policy(step: Step) -> TokenPolicy | None:
    owner = _owner(step)
    return TokenPolicy.objects.filter(
        **({"credential": owner} if isinstance(owner, Credential) else _bound(owner))
    ).first()


def _set_policy(step: Step, actor: Actor) -> None:
    found = _policy(step)
    whole = (policies.terms_of(found) if found is not None else {}) | terms(step.values)
    policies.set_policy(_owner(step), **whole, **actor.told)


def _suspend(step: Step, actor: Actor) -> None:
    found = _policy(step)
    assert found is not None  # the file names a policy, and the step before made it
    (policies.suspend if step.verb == "suspend" else policies.resume)(found, **actor.told)


# --- credentials


def _open(step: Step, actor: Actor) -> None:
    values = _columns(step.values)
    given = values.pop("client_secret_file", None)
    secret = given.secret if isinstance(given, Given) else ""
    if step.section == "credentials":
        values |= {"name": _titled(step), "client_id": step.name}
    else:
        holder = _of_section(step)
        values |= {"name": values.get("name") or f"key of {holder}", **_bound(holder)}
    opened = clients.open_credential(**values, secret=secret, **actor.told)
    if not secret:
        actor.made.clients[opened.client_id] = {
            "client_id": opened.client_id,
            "client_secret": opened.secret,
            "for": step.name,
        }


def _change_credential(step: Step, actor: Actor) -> None:
    clients.change_credential(_key(step), **_columns(step.values), **actor.told)


def _give_secret(step: Step, actor: Actor) -> None:
    clients.rotate_secret(_key(step), secret=step.values["client_secret_file"].secret, **actor.told)


def _set_methods(step: Step, actor: Actor) -> None:
    clients.set_methods(
        _key(step), step.values["auth_methods"], certificate_name=step.values["certificate_name"], **actor.told
    )


def _add_key(step: Step, actor: Actor) -> None:
    kid, upload = step.values["other"], step.values["pem"]
    if step.values.get("authority"):
        client_keys.add_authority(_key(step), upload, kid=kid, **actor.told)
    else:
        algorithms = tuple(step.values.get("algorithms", ()))
        client_keys.add_keys(_key(step), upload, kid=kid, algorithms=algorithms, **actor.told)


def _remove_key(step: Step, actor: Actor) -> None:
    client_keys.remove_key(_key(step).keys.get(removed_at=None, kid=step.values["other"]), **actor.told)


def _activity(step: Step, actor: Actor) -> None:
    act = clients.deactivate if step.verb.startswith("deactivate") else clients.reactivate
    act(_key(step), **actor.told)


def _grant(step: Step, actor: Actor) -> None:
    values = _columns(step.values)
    target = _holder(values.pop("other"))
    clients.grant(to=_grantee(step), target=target, **values, **actor.told)


def _withdraw(step: Step, actor: Actor) -> None:
    clients.withdraw(_granted(step), **actor.told)


def _granted(step: Step) -> Grant:
    return _grantee(step).grants.get(withdrawn_at=None, **_bound(_holder(step.values["other"])))


def _grantee(step: Step) -> Credential | User:
    return _user(step.name) if step.section == "users" else _credential(step.name)


# --- users, connections


def _user_activity(step: Step, actor: Actor) -> None:
    (users.deactivate if step.verb == "deactivate" else users.reactivate)(_user(step.name), **actor.told)


def _open_connection(step: Step, actor: Actor) -> None:
    values = _columns(step.values)
    environment = _environment(values.pop("environment"))
    opened = rotation.open_connection(environment=environment, **values, **actor.told)
    actor.made.connections[step.name] = {
        "name": step.values["name"],
        "environment": environment.slug,
        "token": opened.raw,
    }


_Verb = Callable[[Step, Actor], Any]
_BY_SECTION: dict[tuple[str, str], _Verb] = {
    ("environments", "add"): _add_environment,
    ("environments", "change"): lambda step, actor: catalogue.change_environment(
        _environment(step.name), **_columns(step.values), **actor.told
    ),
    ("credentials", "add"): _open,
    ("credentials", "change"): _change_credential,
    ("credentials", "archive"): lambda step, actor: clients.archive(_credential(step.name), **actor.told),
    ("users", "add"): lambda step, actor: users.create_user(
        username=step.name, password=None, **step.values, **actor.told
    ),
    ("users", "change"): lambda step, actor: users.change_user(_user(step.name), **step.values, **actor.told),
    ("users", "deactivate"): _user_activity,
    ("users", "reactivate"): _user_activity,
    ("connections", "add"): _open_connection,
    ("connections", "change"): lambda step, actor: rotation.change(
        _connection(step.name), **_columns(step.values), **actor.told
    ),
}
_BY_VERB: dict[str, _Verb] = {
    "make default": lambda step, actor: catalogue.make_default(_environment(step.name), **actor.told),
    "sign": _sign,
    "add": _add_holder,
    "change": _change_holder,
    "set mode": lambda step, actor: catalogue.set_mode(_of_section(step), step.values["mode"], **actor.told),
    "set path rules": _set_path_rules,
    "add member": _member,
    "remove member": _member,
    "deploy": _deploy,
    "undeploy": _deploy,
    "set policy": _set_policy,
    "suspend": _suspend,
    "resume": _suspend,
    "open key": _open,
    "change key": _change_credential,
    "give secret": _give_secret,
    "set methods": _set_methods,
    "add key": _add_key,
    "remove key": _remove_key,
    "deactivate": _activity,
    "reactivate": _activity,
    "deactivate key": _activity,
    "reactivate key": _activity,
    "grant": _grant,
    "withdraw": _withdraw,
    "extend licence": lambda step, actor: rotation.extend_licence(
        _connection(step.name), until=step.values["licence_ends_at"], **actor.told
    ),
    "archive": lambda step, actor: catalogue.archive(_of_section(step), **actor.told),
    "close": lambda step, actor: rotation.close(_connection(step.name), **actor.told),
}
