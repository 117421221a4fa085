"""What exists. Sole writer of environments, proxies, groups, membership, scopes and path rules."""

import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime
from typing import Any, NamedTuple, TypeVar, cast
from urllib.parse import urlsplit

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Model
from django.utils import timezone
from django.utils.translation import gettext_noop

from proxies import deployment, history
from proxies.errors import Archived, InvalidName, NameTaken, NotDeployed
from proxies.models import (
    ApiProxy,
    Environment,
    GroupMembership,
    Management,
    PathRule,
    ProxyGroup,
    ScopeMatch,
    TakenName,
)
from proxies.ownership import OWNER_FIELDS
from proxies.sentences import Sentence
from proxies.values import why_unfit

_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,78}[a-z0-9])?", re.ASCII)
# RFC 6749 section 3.3: visible ASCII but space, quotation mark and backslash.
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,100}", re.ASCII)
_AUDIENCE = re.compile(r"[\x21-\x7e]{1,255}", re.ASCII)
_PATTERN = re.compile(r"/[\x21-\x7e]{0,254}", re.ASCII)
_METHOD = re.compile(r"[A-Z]{0,10}", re.ASCII)
LONGEST_ROTATION_DAYS = 3_650

H = TypeVar("H", ApiProxy, ProxyGroup)
S = TypeVar("S", bound=Environment | ApiProxy | ProxyGroup)


class Rule(NamedTuple):
    """A path rule as it is given: an empty method means every one."""

    method: str
    pattern: str
    scopes: str
    match: str = "all"


def check_slug(slug: str, longest: int = 80) -> str:
    """The slug, or InvalidName."""
    if _SLUG.fullmatch(slug) is None or len(slug) > longest:
        raise InvalidName(
            Sentence(
                gettext_noop(
                    "A slug has up to {longest} small letters, digits and hyphens,"
                    " and begins and ends with a letter or digit."
                ),
                longest=longest,
            )
        )
    return slug


def check_rotation_days(days: int | None) -> int | None:
    """How often signing keys rotate, or InvalidName. None: by hand."""
    if days is not None and not 1 <= days <= LONGEST_ROTATION_DAYS:
        raise InvalidName(
            Sentence(
                gettext_noop("Signing keys rotate every 1 to {most} days, or by hand."),
                most=LONGEST_ROTATION_DAYS,
            )
        )
    return days


def check_scopes(scopes: str) -> str:
    """The scopes, single-spaced in the order given, or InvalidName (RFC 6749 section 3.3)."""
    names = scopes.split()
    if any(_SCOPE.fullmatch(name) is None for name in names) or len(set(names)) != len(names):
        raise InvalidName(gettext_noop("Scopes are words of visible ASCII without quotes and backslashes, each once."))
    return " ".join(names)


def check_audience(audience: str) -> str:
    """An absolute URI of visible ASCII without a fragment (RFC 8707 section 2), or InvalidName."""
    try:
        parts = urlsplit(audience)
    except ValueError as broken:
        raise InvalidName(gettext_noop("An audience is an absolute URI.")) from broken
    if _AUDIENCE.fullmatch(audience) is None or not parts.scheme or "#" in audience or not (parts.netloc or parts.path):
        raise InvalidName(gettext_noop("An audience is an absolute URI in visible ASCII, without a fragment."))
    return audience


def _fit(model: type[Model], fields: dict[str, Any], allowed: frozenset[str]) -> dict[str, Any]:
    """The fields as they are kept, or InvalidName."""
    if because := why_unfit(model, fields, allowed):
        raise InvalidName(because)
    checks: dict[str, Callable[[Any], Any]] = {
        "scopes": check_scopes,
        "required_scopes": check_scopes,
        "signing_key_rotation_days": check_rotation_days,
    }
    return {name: checks[name](value) if name in checks else value for name, value in fields.items()}


def _take(*names: str) -> None:
    """Reserve names for ever; the primary key decides who was first (D43)."""
    try:
        with transaction.atomic():
            for name in names:
                TakenName.objects.create(name=name)
    except IntegrityError as taken:
        raise NameTaken from taken


# --- environments


def add_environment(
    *, name: str, slug: str, by: str, kind: str = Environment.Kind.TEST, at: datetime | None = None, **fields: Any
) -> Environment:
    """A new environment; the first one is the default. Gateways must prove themselves in a production one."""
    now = at or timezone.now()
    fields.setdefault("gateways_must_authenticate", kind == Environment.Kind.PRODUCTION and not settings.EMBEDDED)
    check_slug(slug, longest=50)
    kept = _fit(Environment, {"name": name, "kind": kind, **fields}, _ENVIRONMENT_FIELDS)
    try:
        with transaction.atomic():
            is_first = not Environment.objects.filter(is_default=True).exists()
            made = Environment.objects.create(slug=slug, is_default=is_first, **kept)
            history.record("add", made, by=by, at=now, environment=slug, after={**kept, "default": is_first})
    except IntegrityError as taken:
        raise NameTaken(gettext_noop("An environment of this name or slug exists.")) from taken
    return made


def change_environment(environment: Environment, *, by: str, at: datetime | None = None, **fields: Any) -> None:
    """Change name, kind, description, gateway switch or rotation; the slug is part of URLs and stays."""
    _change(environment, _ENVIRONMENT_FIELDS, fields, by=by, now=at or timezone.now())


def make_default(environment: Environment, *, by: str, at: datetime | None = None) -> None:
    """Make it the environment of the endpoints without /env/<slug>/."""
    now = at or timezone.now()
    with transaction.atomic():
        list(Environment.objects.select_for_update().order_by("pk"))
        before = Environment.objects.filter(is_default=True).values_list("slug", flat=True).first()
        Environment.objects.filter(is_default=True).update(is_default=False)
        Environment.objects.filter(pk=environment.pk).update(is_default=True)
        was, will_be = {"default": before}, {"default": environment.slug}
        place = environment.slug
        history.record("make default", environment, by=by, at=now, environment=place, before=was, after=will_be)
    environment.refresh_from_db()


# --- proxies and groups

_OWNER_FIELDS = frozenset(OWNER_FIELDS)
_ENVIRONMENT_FIELDS = frozenset(
    ("name", "kind", "description", "gateways_must_authenticate", "signing_key_rotation_days")
)
_GROUP_FIELDS = frozenset(("name", "description", "scopes")) | _OWNER_FIELDS
_PROXY_FIELDS = _GROUP_FIELDS | {"required_scopes", "required_match", "accept_token_in_url"}


def _add(model: type[H], slug: str, audience: str, *, by: str, now: datetime, fields: dict[str, Any]) -> H:
    check_slug(slug)
    chosen = check_audience(audience or f"{settings.PUBLIC_URL}/apis/{slug}")
    kept = _fit(model, fields, (_PROXY_FIELDS if model is ApiProxy else _GROUP_FIELDS) | {"mode"})
    with transaction.atomic():
        _take(slug, chosen)
        made = model(slug=slug, audience=chosen, **kept)
        made.save(force_insert=True)
        history.record("add", made, by=by, at=now, after={"slug": slug, "audience": chosen, **kept})
    return made


def add_proxy(
    *, name: str, slug: str, by: str, audience: str = "", at: datetime | None = None, **fields: Any
) -> ApiProxy:
    """A new API proxy. Slug and audience are its own for ever (D43); audience defaults to <public URL>/apis/<slug>."""
    return _add(ApiProxy, slug, audience, by=by, now=at or timezone.now(), fields={"name": name, **fields})


def add_group(
    *,
    name: str,
    slug: str,
    by: str,
    members: Iterable[ApiProxy] = (),
    audience: str = "",
    at: datetime | None = None,
    **fields: Any,
) -> ProxyGroup:
    """A new group of proxies that one token opens (S0.22)."""
    now = at or timezone.now()
    with transaction.atomic():
        made = _add(ProxyGroup, slug, audience, by=by, now=now, fields={"name": name, **fields})
        for proxy in members:
            add_member(made, proxy, by=by, at=now)
    return made


def change_proxy(proxy: ApiProxy, *, by: str, at: datetime | None = None, **fields: Any) -> None:
    """Change what may change of a proxy; never slug or audience."""
    _change(proxy, _PROXY_FIELDS, fields, by=by, now=at or timezone.now())


def change_group(group: ProxyGroup, *, by: str, at: datetime | None = None, **fields: Any) -> None:
    """Change what may change of a group; never slug or audience."""
    _change(group, _GROUP_FIELDS, fields, by=by, now=at or timezone.now())


def _change(
    subject: Environment | ApiProxy | ProxyGroup,
    allowed: frozenset[str],
    fields: dict[str, Any],
    *,
    by: str,
    now: datetime,
) -> None:
    fitting = _fit(type(subject), fields, allowed)
    try:
        with transaction.atomic():
            kept = _locked(subject)
            before = {name: getattr(kept, name) for name, value in fitting.items() if getattr(kept, name) != value}
            if before:
                after = {name: fitting[name] for name in before}
                type(subject)._default_manager.filter(pk=kept.pk).update(**after)
                history.record("change", kept, by=by, at=now, before=before, after=after)
    except IntegrityError as taken:
        raise NameTaken(gettext_noop("Another one has this name.")) from taken
    subject.refresh_from_db()


def _locked(subject: S) -> S:
    """The subject as it is now, held until the transaction ends. An archived one is refused."""
    kept = cast("S", type(subject)._default_manager.select_for_update().get(pk=subject.pk))
    if isinstance(kept, ApiProxy | ProxyGroup) and kept.archived_at is not None:
        raise Archived
    return kept


def set_mode(holder: ApiProxy | ProxyGroup, mode: str, *, by: str, at: datetime | None = None) -> None:
    """Choose whose policy and keys count; tokens of the other mode are refused while it is so (D26)."""
    now = at or timezone.now()
    if mode not in Management.values:
        raise InvalidName(gettext_noop("The management mode is 'own' or 'credentials'."))
    with transaction.atomic():
        before = _locked(holder).mode
        if before != mode:
            type(holder)._default_manager.filter(pk=holder.pk).update(mode=mode)
            history.record("set mode", holder, by=by, at=now, before={"mode": before}, after={"mode": mode})
    holder.refresh_from_db()


def archive(holder: ApiProxy | ProxyGroup, *, by: str, note: str = "", at: datetime | None = None) -> None:
    """Undeploy everywhere and put away for the record: holders are never deleted (D43)."""
    now = at or timezone.now()
    with transaction.atomic():
        kept = _locked(holder)
        for deployed in kept.deployments.filter(undeployed_at=None).select_related("environment"):
            # Someone else may have undeployed it in between: then it is as it should be.
            with suppress(NotDeployed):
                deployment.undeploy(kept, deployed.environment, by=by, note=note, at=now)
        type(holder)._default_manager.filter(pk=kept.pk).update(archived_at=now)
        history.record("archive", kept, by=by, at=now, note=note, **history.switched("archived", True))
    holder.refresh_from_db()


# --- membership, path rules


def add_member(group: ProxyGroup, proxy: ApiProxy, *, by: str, at: datetime | None = None) -> None:
    """Let the group's tokens open this proxy, those handed out before as well (D14)."""
    now = at or timezone.now()
    with transaction.atomic():
        _locked(group)
        _locked(proxy)
        _, created = GroupMembership.objects.get_or_create(group=group, proxy=proxy)
        if created:
            history.record("add member", group, by=by, at=now, after={"proxy": proxy.slug})


def remove_member(group: ProxyGroup, proxy: ApiProxy, *, by: str, at: datetime | None = None) -> None:
    """The group's tokens no longer open this proxy, from the next request on (D14)."""
    now = at or timezone.now()
    with transaction.atomic():
        removed, _ = GroupMembership.objects.filter(group=group, proxy=proxy).delete()
        if removed:
            history.record("remove member", group, by=by, at=now, before={"proxy": proxy.slug})


def set_path_rules(proxy: ApiProxy, rules: Iterable[Rule], *, by: str, at: datetime | None = None) -> None:
    """Replace the scopes that methods and paths need (S0.2)."""
    now = at or timezone.now()
    checked = [Rule(rule.method.upper(), rule.pattern, check_scopes(rule.scopes), rule.match) for rule in rules]
    for rule in checked:
        if _PATTERN.fullmatch(rule.pattern) is None or _METHOD.fullmatch(rule.method) is None or not rule.scopes:
            raise InvalidName(gettext_noop("A path rule has a method or none, a path that begins with /, and scopes."))
        if rule.match not in ScopeMatch.values:
            raise InvalidName(gettext_noop("Scopes of a path rule match 'all' or 'any'."))
    with transaction.atomic():
        _locked(proxy)
        before = [f"{rule}: {rule.scopes}" for rule in proxy.path_rules.all()]
        proxy.path_rules.all().delete()
        try:
            with transaction.atomic():
                PathRule.objects.bulk_create([PathRule(proxy=proxy, **rule._asdict()) for rule in checked])
        except IntegrityError as doubled:
            raise NameTaken(gettext_noop("Two rules name the same method and path.")) from doubled
        after = [f"{rule.method or 'any method'} {rule.pattern}: {rule.scopes}" for rule in checked]
        history.record("set path rules", proxy, by=by, at=now, before={"rules": before}, after={"rules": after})
