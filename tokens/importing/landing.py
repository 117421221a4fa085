"""Where imported tokens land: the proxy or group they are for, and the clients and people that hold them.

Everything is made by the writers of the floors; what somebody has ended or withdrawn here is never brought back.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings

from credentials import clients, users
from credentials.models import Credential, CredentialDeployment, Grant, User
from proxies.models import ApiProxy, Deployment, Environment, Management, ProxyGroup
from tokens import policies, rules, scope_rules
from tokens.errors import ImportRefused
from tokens.lifecycle.importing import Holder, Where
from tokens.models import LegacyVerifier, TokenPolicy

Target = ApiProxy | ProxyGroup


@dataclass(frozen=True, slots=True)
class Landing:
    """The place, who acts and when, and whether anything is written at all."""

    target: Target
    environment: Environment
    deployment: Deployment
    ends_at: datetime
    by: str
    now: datetime
    dry_run: bool

    @property
    def defined(self) -> frozenset[str]:
        """The scopes that the target defines."""
        return scope_rules.defined_scopes(self.target.scopes)

    def where(self, verifier: LegacyVerifier | None) -> Where:
        """What carrying over needs to know."""
        return Where(self.target, self.deployment, verifier)


def landing(
    target: Target, environment: Environment, *, ends_at: datetime, by: str, now: datetime, dry_run: bool
) -> Landing:
    """The place, or ImportRefused where its tokens would be refused at once."""
    if target.archived_at is not None:
        raise ImportRefused(f"{target} is archived.")
    if ends_at <= now:
        raise ImportRefused("The day until which the tokens count must lie in the future.")
    kind = "proxy" if isinstance(target, ApiProxy) else "group"
    deployed = Deployment.objects.filter(undeployed_at=None, environment=environment, **{kind: target}).first()
    if deployed is None:
        raise ImportRefused(f"{target} is not deployed in {environment}. First: deploy {target.slug}")
    return Landing(target, environment, deployed, ends_at, by, now, dry_run)


def refuse_own_mode(place: Landing) -> None:
    """Clients that are imported are credentials of their own, whose tokens count in that mode alone (D26)."""
    if place.target.mode != Management.CREDENTIALS:
        raise ImportRefused(
            f"{place.target} is managed by its own key, so tokens of other clients would be refused. "
            f"First: set_mode {place.target.slug} credentials"
        )


def scopes_kept(place: Landing, given: str) -> str:
    """The scopes of a token that the target defines; `access` for one without any, where the target defines none."""
    wanted = scope_rules.scope_set(given)
    if not wanted and not place.target.scopes.split():
        return scope_rules.DEFAULT_SCOPE
    return scope_rules.scope_text(wanted & place.defined)


CLIENT_ID_TAKEN = "the client id belongs to a key of a proxy or group here, or to an archived credential"


def refuse_other(verifier: LegacyVerifier, place: Landing, *, kind: str, algorithm: str = "", kid: str = "") -> None:
    """A verifier of that name is taken again only for the same tokens, and until the same end."""
    if (verifier.kind, verifier.algorithm, verifier.kid) != (kind, algorithm, kid) or (
        verifier.environment_id != place.environment.pk
    ):
        raise ImportRefused(f"{verifier} is of another kind, key or environment. Choose another name: --name")
    if verifier.ends_at != place.ends_at:
        raise ImportRefused(
            f"{verifier} ends at {verifier.ends_at:%Y-%m-%d %H:%M} UTC. Say the same, or move it: "
            f"legacy_verifier move-end {verifier} TIME"
        )


# --- clients


def new_client(place: Landing, *, client_id: str, name: str, owner: str, secret: Mapping[str, Any]) -> None:
    """A credential of its own, deployed here and granted the target. `secret` is how its secret is kept."""
    opened = clients.open_credential(
        name=name, client_id=client_id, owner_name=owner, by=place.by, at=place.now, **secret
    )
    ensure_client(place, opened.credential)


def ensure_client(place: Landing, credential: Credential) -> None:
    """Deployment, grant and policy, where it never had one."""
    told: dict[str, Any] = {"by": place.by, "at": place.now}
    if not credential.deployments.filter(environment=place.environment).exists():
        clients.deploy(credential, place.environment, **told)
    if not credential.grants.filter(**_to(place.target)).exists():
        clients.grant(to=credential, target=place.target, **told)
    if not TokenPolicy.objects.filter(credential=credential).exists():
        policies.set_policy(credential, **told)


def _to(target: Target) -> dict[str, Any]:
    return {"proxy" if isinstance(target, ApiProxy) else "group": target}


def client_holders(place: Landing, client_ids: Iterable[str]) -> dict[str, Holder | str]:
    """By client id the holder of its tokens, or why there can be none. In a dry run also what would be made."""
    wanted = set(client_ids)
    found = {each.client_id: each for each in Credential.objects.filter(client_id__in=wanted)}
    deployed = {
        each.credential_id: each
        for each in CredentialDeployment.objects.filter(credential__in=found.values(), environment=place.environment)
    }
    granted = {
        each.credential_id: each for each in Grant.objects.filter(credential__in=found.values(), **_to(place.target))
    }
    policy_of = {each.credential_id: each for each in TokenPolicy.objects.filter(credential__in=found.values())}
    holders: dict[str, Holder | str] = {}
    for client_id in wanted:
        credential = found.get(client_id)
        if credential is None:
            holders[client_id] = _would_be() if place.dry_run else "its client is not here"
        else:
            holders[client_id] = _client_holder(
                place, credential, deployed.get(credential.pk), granted.get(credential.pk), policy_of.get(credential.pk)
            )
    return holders


def _client_holder(
    place: Landing,
    credential: Credential,
    deployment: CredentialDeployment | None,
    grant: Grant | None,
    policy: TokenPolicy | None,
) -> Holder | str:
    if credential.is_bound or credential.archived_at is not None:
        return CLIENT_ID_TAKEN
    if deployment is not None and deployment.undeployed_at is not None:
        return "its client was undeployed here"
    if grant is not None and grant.withdrawn_at is not None:
        return "the access of its client was withdrawn here"
    if deployment is None or grant is None or policy is None:
        return _would_be() if place.dry_run else "its client was not made ready here"
    return Holder(
        kind="client",
        terms=_terms(policies.terms_of(policy)),
        token_format=policy.token_format,
        grant_id=grant.pk,
        policy_id=policy.pk,
        credential_id=credential.pk,
        key_generation=credential.key_generation,
        credential_deployment_id=deployment.pk,
        credential_deployment_generation=deployment.generation,
    )


def _would_be() -> Holder:
    """Stands for a client that only a real run makes."""
    return Holder("client", _terms(policies.defaults()), "opaque", None)


def _terms(whole: Mapping[str, Any]) -> rules.Terms:
    never = bool(whole["never_expires"])
    return rules.Terms(
        access_lifetime=None if never else whole["access_token_lifetime_secs"],
        refresh_lifetime=whole["refresh_token_lifetime_secs"] if whole["refresh_allowed"] and not never else None,
        refresh_count=whole["refresh_count"],
        mode=str(whole["refresh_mode"]),
        retry_window=whole["retry_window_secs"],
    )


# --- people


@dataclass(frozen=True, slots=True)
class Person:
    """A person of the other system, as far as they are carried over: no password and no rights."""

    username: str
    email: str = ""
    first_name: str = ""
    last_name: str = ""
    is_active: bool = True


def new_person(place: Landing, person: Person) -> None:
    """A person who was not here yet."""
    told: dict[str, Any] = {"by": place.by, "at": place.now}
    made = users.create_user(
        username=person.username,
        password=None,
        email=person.email,
        first_name=person.first_name,
        last_name=person.last_name,
        **told,
    )
    if not person.is_active:
        users.deactivate(made, **told)


def person_holders(place: Landing, found: Mapping[str, User]) -> dict[str, Holder | str]:
    """By user name the holder of a person's own tokens, granted the target, or why there can be none."""
    granted = {each.user_id: each for each in Grant.objects.filter(user__in=found.values(), **_to(place.target))}
    holders: dict[str, Holder | str] = {}
    for username, user in found.items():
        grant = granted.get(user.pk)
        if grant is None and not place.dry_run:
            grant = clients.grant(to=user, target=place.target, by=place.by, at=place.now)
        if grant is not None and grant.withdrawn_at is not None:
            holders[username] = "the access of its user was withdrawn here"
        else:
            holders[username] = session_holder(user, None if grant is None else grant.pk)
    return holders


def session_holder(user: User | None, grant_id: int | None) -> Holder:
    """The holder of a login session; of nobody yet in a dry run."""
    return Holder(
        kind="login",
        terms=rules.Terms(
            access_lifetime=settings.ACCESS_TOKEN_LIFETIME_SECONDS,
            refresh_lifetime=settings.REFRESH_TOKEN_LIFETIME_SECONDS,
            refresh_count=None,
            retry_window=settings.REFRESH_RETRY_WINDOW_SECONDS,
        ),
        token_format="jwt",
        grant_id=grant_id,
        user_id=None if user is None else user.pk,
        user_generation=None if user is None else user.generation,
    )
