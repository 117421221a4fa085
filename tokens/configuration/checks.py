"""What can be seen to be impossible before anything is done: names that are not there, what is permanent, policies."""

from collections.abc import Iterable, Mapping
from typing import Any

from tokens import policies
from tokens.configuration.fields import Problems, did_you_mean
from tokens.configuration.present import Present
from tokens.configuration.schema import Document, Entry
from tokens.errors import InvalidConfiguration, InvalidPolicy


def check(document: Document, present: Present) -> None:
    """Raises InvalidConfiguration with every path at fault."""
    problems = Problems()
    looked = _Looked(document, present)
    for section, entries in document.sections.items():
        for name, entry in entries.items():
            before = present.sections[section].get(name)
            if before is None and name in present.put_away.get(section, ()):
                problems.add(f"{section}.{name}", "it was archived, and its name is never used again.")
            _references(f"{section}.{name}", entry, looked, problems)
            _permanent(section, name, entry, before, problems)
            _policy(f"{section}.{name}.policy", entry, before or {}, problems)
    _defaults(document, present, problems)
    _names(document, present, problems)
    _connections(document, present, problems)
    if problems.found:
        raise InvalidConfiguration(*problems.found)


class _Looked:
    """The names that will be there: those of the file and those of now."""

    def __init__(self, document: Document, present: Present) -> None:
        def of(*sections: str) -> set[str]:
            return {
                name
                for section in sections
                for name in (*document.sections.get(section, ()), *present.sections[section])
            }

        self.environments, self.proxies, self.holders = of("environments"), of("proxies"), of("proxies", "groups")


def _references(path: str, entry: Entry, looked: _Looked, problems: Problems) -> None:
    environments = [entry["environment"]] if "environment" in entry else entry.get("deployed_in", [])
    _known(f"{path}.deployed_in", environments, looked.environments, "environment", problems)
    _known(f"{path}.members", entry.get("members", []), looked.proxies, "API proxy", problems)
    _known(f"{path}.grants", entry.get("grants", {}), looked.holders, "API proxy or group", problems)


def _known(path: str, names: Iterable[str], known: set[str], noun: str, problems: Problems) -> None:
    for name in names:
        if name not in known:
            problems.add(path, f"there is no {noun} {name}.{did_you_mean(name, known)}")


_PERMANENT = {
    "proxies": ("audience",),
    "groups": ("audience",),
    "connections": ("deployment_type",),
}


def _permanent(section: str, name: str, entry: Entry, before: Entry | None, problems: Problems) -> None:
    if before is None:
        return
    for field in _PERMANENT.get(section, ()):
        if field in entry and entry[field] != before[field]:
            problems.add(f"{section}.{name}.{field}", f"it is {before[field]} and permanent.")
    if (
        "signing_algorithm" in before
        and entry.get("signing_algorithm", before["signing_algorithm"]) != (before["signing_algorithm"])
    ):
        problems.add(
            f"{section}.{name}.signing_algorithm",
            f"it is {before['signing_algorithm']}. Validators have to know the next key first: signing_key next "
            f"--algorithm {entry['signing_algorithm']}, later rotate_signing_key.",
        )
    key, wanted = before.get("key"), entry.get("key", {})
    if key is not None and "client_id" in wanted and wanted["client_id"] != key["client_id"]:
        problems.add(
            f"{section}.{name}.key.client_id",
            f"it is {key['client_id']}. Another one ends all tokens: change_key {key['client_id']} --client-id",
        )


def _policy(path: str, entry: Entry, before: Entry, problems: Problems) -> None:
    """The terms as they would be kept; one that would be kept as something else is a contradiction."""
    if "policy" not in entry:
        return
    named = terms(entry["policy"])
    try:
        whole = policies.check(terms(before.get("policy", {})) | named)
    except InvalidPolicy as wrong:
        problems.add(path, str(wrong))
        return
    for name, value in named.items():
        if whole[name] != value:
            problems.add(f"{path}.{name}", "it has no meaning for tokens that never expire.")


def terms(policy: Mapping[str, Any]) -> dict[str, Any]:
    """The terms among what a file says of a policy."""
    return {name: value for name, value in policy.items() if name != "suspended"}


def _defaults(document: Document, present: Present, problems: Problems) -> None:
    named = document.sections.get("environments", {})
    wanted = [name for name, entry in named.items() if entry.get("default")]
    if len(wanted) > 1:
        problems.add("environments", f"only one can be the default, not {' and '.join(wanted)}.")
    for name, entry in named.items():
        is_now = present.sections["environments"].get(name, {}).get("default", False)
        if is_now and entry.get("default") is False and not wanted:
            problems.add(f"environments.{name}.default", "make another one the default instead.")


def _names(document: Document, present: Present, problems: Problems) -> None:
    """A slug belongs to one proxy or to one group."""
    for section, other in (("proxies", "groups"), ("groups", "proxies")):
        for name in document.sections.get(section, {}):
            if name in document.sections.get(other, {}) or name in present.sections[other]:
                problems.add(f"{section}.{name}", f"the name is that of one of the {other}.")


def _connections(document: Document, present: Present, problems: Problems) -> None:
    for name, entry in document.sections.get("connections", {}).items():
        if name in present.doubled:
            problems.add(f"connections.{name}", "several have this name; rename all but one, or leave it out.")
        elif name not in present.sections["connections"] and "deployment_type" not in entry:
            problems.add(f"connections.{name}", "deployment_type is missing.")
