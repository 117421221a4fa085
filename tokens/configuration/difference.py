"""From what is to what a file says, as steps. Values in, steps out: no query, no clock.

What a file leaves out stays as it is. A list or mapping that it names is meant whole: a deployment, member, grant or
path rule that is not in it goes.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tokens.configuration.plans import Difference, Effect, Given, Step
from tokens.configuration.schema import Document, Entry, Sections

_APART = (
    "default", "signing_algorithm", "mode", "path_rules", "deployed_in", "policy", "key", "members", "grants",
    "active", "client_secret_file", "suspended", "licence_ends_at", "environment",
    "auth_methods", "certificate_name", "public_keys",
)  # fmt: skip
_PRUNED = ("proxies", "groups", "credentials", "connections")


def difference(document: Document, present: Sections, *, proved: frozenset[str] = frozenset()) -> Difference:
    """The steps, in an order in which each finds what it needs.

    `proved` are the client ids whose secret in the file is one of those in service.
    """
    found: list[list[Step]] = []
    unchanged = 0
    for section, entries in document.sections.items():
        before = present.get(section, {})
        for index, (name, entry) in enumerate(_ordered(section, entries, before)):
            steps = list(_KINDS[section](_Subject(section, name, entry, before.get(name), proved)))
            if section == "environments" and not before and index == 0:
                steps = [step for step in steps if step.verb != "make default"]  # the first one is
            unchanged += not steps
            found.append(steps)
    unnamed = [
        (section, name)
        for section in document.sections
        for name in present.get(section, {})
        if name not in document.sections[section]
    ]
    ending = [_put_away(section, name) for section, name in unnamed if document.prune and section in _PRUNED]
    kept = [f"{section}.{name}" for section, name in unnamed if not (document.prune and section in _PRUNED)]
    steps = [step for each in found for step in each]
    # Nothing is taken away before everything that is to be there is there.
    return Difference(
        (
            *(step for step in steps if step.effect is not Effect.ENDS),
            *(step for step in steps if step.effect is Effect.ENDS),
            *ending,
        ),
        unchanged,
        tuple(kept),
    )


def _ordered(section: str, entries: Mapping[str, Entry], before: Mapping[str, Entry]) -> list[tuple[str, Entry]]:
    """As the file has them; but the first environment ever is the default one, so that one is made first."""
    if section != "environments" or before:
        return list(entries.items())
    return sorted(entries.items(), key=lambda each: not each[1].get("default", False))


class _Subject:
    """One thing of the file beside what it is now."""

    def __init__(
        self, section: str, name: str, wanted: Entry, before: Entry | None, proved: frozenset[str] = frozenset()
    ) -> None:
        self.section, self.name, self.wanted, self.proved = section, name, wanted, proved
        self.is_new = before is None
        self.before: Entry = before or {}

    def step(
        self, verb: str, values: Entry | None = None, before: Entry | None = None, effect: Effect = Effect.CHANGES
    ) -> Step:
        return Step(verb, self.section, self.name, values or {}, before or {}, effect)

    def simple(self, *apart: str) -> tuple[Entry, Entry]:
        """The plain fields that differ, and what they were."""
        wanted = {name: value for name, value in self.wanted.items() if name not in (*_APART, *apart)}
        changed = {name: value for name, value in wanted.items() if not same(value, self.before.get(name, _NOTHING))}
        return changed, {name: self.before[name] for name in changed if name in self.before}

    def differs(self, name: str, otherwise: Any = None) -> bool:
        """True where the file names it and it is not so."""
        return name in self.wanted and not same(self.wanted[name], self.before.get(name, otherwise))

    def added_or_changed(self, *apart: str, more: Entry | None = None) -> Iterator[Step]:
        changed, before = self.simple(*apart)
        if self.is_new:
            yield self.step("add", {**changed, **(more or {})}, effect=Effect.MAKES)
        elif changed:
            yield self.step("change", changed, before)

    def each_in(self, name: str) -> tuple[list[str], list[str]]:
        """Of a list or mapping that the file names whole: what comes and what goes."""
        if name not in self.wanted:
            return [], []
        wanted, before = self.wanted[name], self.before.get(name, [])
        return [each for each in wanted if each not in before], [each for each in before if each not in wanted]


_NOTHING = object()


def same(wanted: Any, before: Any) -> bool:
    """True where two values mean the same; in lists the order says nothing."""
    if isinstance(wanted, list) and isinstance(before, list):
        return sorted(map(_comparable, wanted)) == sorted(map(_comparable, before))
    return bool(wanted == before) and isinstance(wanted, bool) == isinstance(before, bool)


def _comparable(value: Any) -> str:
    if isinstance(value, dict):
        whole: dict[str, Any] = {"method": "", "match": "all"} | value
        return repr(sorted((name, sorted(each) if isinstance(each, list) else each) for name, each in whole.items()))
    return repr(value)


# --- one function for each kind of thing


def _environment(subject: _Subject) -> Iterator[Step]:
    yield from subject.added_or_changed()
    if subject.wanted.get("default") and not subject.before.get("default"):
        yield subject.step("make default")
    if subject.differs("signing_algorithm"):
        yield subject.step("sign", {"signing_algorithm": subject.wanted["signing_algorithm"]})


def _holder(subject: _Subject) -> Iterator[Step]:
    mode = {"mode": subject.wanted["mode"]} if subject.is_new and "mode" in subject.wanted else {}
    yield from subject.added_or_changed(more=mode)
    if subject.differs("mode", "own") and not subject.is_new:
        before = {"mode": subject.before["mode"]}
        yield subject.step("set mode", {"mode": subject.wanted["mode"]}, before, Effect.REFUSES)
    if subject.differs("path_rules", []):
        values = {"path_rules": subject.wanted["path_rules"]}
        yield subject.step("set path rules", values, {"path_rules": subject.before.get("path_rules", [])})
    come, go = subject.each_in("members")
    yield from (subject.step("add member", {"other": each}) for each in come)
    yield from (subject.step("remove member", {"other": each}, effect=Effect.REFUSES) for each in go)
    yield from _policy(subject)
    if "key" in subject.wanted:
        key = _Subject(subject.section, subject.name, subject.wanted["key"], subject.before.get("key"), subject.proved)
        yield from _key(key)
    yield from _deployments(subject)


def _policy(subject: _Subject) -> Iterator[Step]:
    if "policy" not in subject.wanted:
        return
    policy = _Subject(subject.section, subject.name, subject.wanted["policy"], subject.before.get("policy"))
    changed, before = policy.simple()
    if changed or policy.is_new:
        yield policy.step("set policy", changed, before)
    if policy.differs("suspended", otherwise=False):
        yield policy.step("suspend" if policy.wanted["suspended"] else "resume")


def _deployments(subject: _Subject) -> Iterator[Step]:
    come, go = subject.each_in("deployed_in")
    yield from (subject.step("deploy", {"other": each}) for each in come)
    yield from (subject.step("undeploy", {"other": each}, effect=Effect.ENDS) for each in go)


def _secret(subject: _Subject, client_id: str) -> Entry:
    """The secret that a file gives, where it is not in service already."""
    given = subject.wanted.get("client_secret_file")
    return {"client_secret_file": given} if isinstance(given, Given) and client_id not in subject.proved else {}


def _key(key: _Subject) -> Iterator[Step]:
    changed, before = key.simple()
    if key.is_new:
        yield key.step("open key", changed | _secret(key, ""), effect=Effect.MAKES)
    else:
        changed.pop("client_id", None)
        if changed:
            yield key.step("change key", changed, before)
        if secret := _secret(key, key.before["client_id"]):
            yield key.step("give secret", secret)
    yield from _proofs(key)
    yield from _activity(key, " key")


_SECRETS = ["client_secret_basic", "client_secret_post"]


def _proofs(subject: _Subject) -> Iterator[Step]:
    """Ways of authentication, and the keys for them. A key that is another one goes before the other comes."""
    otherwise = {"auth_methods": _SECRETS, "certificate_name": ""}
    changed = {name: subject.wanted[name] for name in otherwise if subject.differs(name, otherwise[name])}
    wanted, before = subject.wanted.get("public_keys", {}), subject.before.get("public_keys", {})
    kept = {kid for kid, key in wanted.items() if kid in before and _same_key(key, before[kid])}
    if "public_keys" in subject.wanted:
        yield from (subject.step("remove key", {"other": kid}) for kid in before if kid not in kept)
        yield from (subject.step("add key", {"other": kid, **key}) for kid, key in wanted.items() if kid not in kept)
    if changed:
        whole = {name: subject.wanted.get(name, subject.before.get(name, value)) for name, value in otherwise.items()}
        yield subject.step("set methods", whole, {name: subject.before[name] for name in changed if subject.before})


def _same_key(wanted: Entry, before: Entry) -> bool:
    named = {"authority": False} | wanted
    return all(same(value, before.get(name)) for name, value in named.items())


def _activity(subject: _Subject, suffix: str = "", ending: Effect = Effect.REFUSES) -> Iterator[Step]:
    if subject.differs("active", otherwise=True):
        on = subject.wanted["active"]
        verb = "reactivate" if on else "deactivate"
        # A new one that is to be off harms nobody.
        effect = Effect.CHANGES if on or subject.is_new else ending
        yield subject.step(f"{verb}{suffix}", effect=effect)


def _credential(subject: _Subject) -> Iterator[Step]:
    secret = _secret(subject, subject.name)
    yield from subject.added_or_changed(more=secret)
    if secret and not subject.is_new:
        yield subject.step("give secret", secret)
    yield from _proofs(subject)
    yield from _grants(subject)
    yield from _policy(subject)
    yield from _deployments(subject)
    yield from _activity(subject)


def _grants(subject: _Subject) -> Iterator[Step]:
    wanted, before = subject.wanted.get("grants", {}), subject.before.get("grants", {})
    for target, terms in wanted.items():
        now = before.get(target)
        if now is None or any(not same(value, now[name]) for name, value in terms.items()):
            yield subject.step("grant", {"other": target, **(now or {}), **terms})
    _, go = subject.each_in("grants")
    yield from (subject.step("withdraw", {"other": target}, effect=Effect.REFUSES) for target in go)


def _user(subject: _Subject) -> Iterator[Step]:
    yield from subject.added_or_changed()
    yield from _grants(subject)
    yield from _activity(subject, ending=Effect.ENDS)


def _connection(subject: _Subject) -> Iterator[Step]:
    fixed = ("deployment_type", "environment", "licence_ends_at")
    permanent = {name: subject.wanted[name] for name in fixed if name in subject.wanted} if subject.is_new else {}
    if subject.is_new:
        yield from subject.added_or_changed(more=permanent)
        return
    yield from subject.added_or_changed("deployment_type")
    if subject.differs("licence_ends_at"):
        before = {"licence_ends_at": subject.before["licence_ends_at"]}
        yield subject.step("extend licence", {"licence_ends_at": subject.wanted["licence_ends_at"]}, before)


_KINDS: Mapping[str, Callable[[_Subject], Iterator[Step]]] = {
    "environments": _environment,
    "proxies": _holder,
    "groups": _holder,
    "credentials": _credential,
    "users": _user,
    "connections": _connection,
}


def _put_away(section: str, name: str) -> Step:
    return Step("close" if section == "connections" else "archive", section, name, effect=Effect.ENDS)
