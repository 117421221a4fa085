"""What applying a file would do, as values: steps in their order, and a sentence for each."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder

from proxies.adminkit import ImpactLine

_NOUNS = {
    "environments": "environment",
    "proxies": "API proxy",
    "groups": "group",
    "credentials": "credential",
    "users": "user",
    "connections": "connection",
}


class Effect(StrEnum):
    """What a step means for what lives. The last two want the name typed (D12)."""

    MAKES = "makes"
    CHANGES = "changes"
    REFUSES = "refuses while it is so"
    ENDS = "ends for good"


@dataclass(frozen=True, slots=True)
class Step:
    """One call of one writer: what, to which thing, with which values. Secrets are not among what is shown."""

    verb: str
    section: str
    name: str
    values: Mapping[str, Any] = field(default_factory=dict)
    before: Mapping[str, Any] = field(default_factory=dict)
    effect: Effect = Effect.CHANGES

    @property
    def subject(self) -> str:
        """The thing, in words."""
        return f"{_NOUNS[self.section]} {self.name}"

    @property
    def dangerous(self) -> bool:
        """True where something that works now will not any more."""
        return self.effect in (Effect.REFUSES, Effect.ENDS)

    def shown(self) -> dict[str, Any]:
        """For machines."""
        return {
            "verb": self.verb,
            "section": self.section,
            "name": self.name,
            "values": _plain(self.values),
            "before": _plain(self.before),
            "effect": str(self.effect),
        }


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: str(value) if isinstance(value, Given) else value for name, value in values.items()}


@dataclass(frozen=True, slots=True)
class Given:
    """A secret that the file names, read already. It is never shown."""

    secret: str

    def __repr__(self) -> str:
        return "(from its file)"


@dataclass(frozen=True, slots=True)
class Difference:
    """Steps from what is to what the file says; how much is so already; what the file does not name."""

    steps: tuple[Step, ...]
    unchanged: int
    unnamed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """A step with what it would end."""

    step: Step
    sentence: str
    impact: tuple[ImpactLine, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be done. The fingerprint says whether it is still the same plan."""

    steps: tuple[PlannedStep, ...]
    unchanged: int
    unnamed: tuple[str, ...]
    secrets: int

    @property
    def nothing(self) -> bool:
        """True where everything is as the file says."""
        return not self.steps

    @property
    def to_confirm(self) -> list[str]:
        """The names that have to be typed: of each thing that something dangerous is done to, once."""
        return list(dict.fromkeys(each.step.name for each in self.steps if each.step.dangerous))

    @property
    def fingerprint(self) -> str:
        """What says whether it is still the same plan."""
        return fingerprint([each.step for each in self.steps])

    def shown(self) -> dict[str, Any]:
        """For machines."""
        return {
            "steps": [
                {
                    **each.step.shown(),
                    "sentence": each.sentence,
                    "impact": [{"label": line.label, "count": line.count} for line in each.impact],
                }
                for each in self.steps
            ],
            "unchanged": self.unchanged,
            "not_in_the_file": list(self.unnamed),
            "new_secrets": self.secrets,
            "fingerprint": self.fingerprint,
        }


def fingerprint(steps: Sequence[Step]) -> str:
    """Differs where the steps differ. What they would end is not part of it: tokens come and go."""
    told = json.dumps([step.shown() for step in steps], cls=DjangoJSONEncoder, sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()[:32]


# --- sentences

_SENTENCES = {
    "add": "Add the {subject}{values}.",
    "change": "Change the {subject}: {changes}.",
    "make default": "Make the {subject} the default one, which serves the endpoints without /env/<slug>/.",
    "sign": "Make the first signing key of the {subject}, {algorithm}.",
    "set mode": "Manage the {subject} by {mode}; tokens obtained the other way are refused while it is so.",
    "set path rules": "Set {count} path rules of the {subject}.",
    "set policy": "Set the token policy of the {subject}: {changes}. Tokens handed out before keep their terms.",
    "suspend": "Suspend the policy of the {subject}: no new tokens and no refresh while it is so.",
    "resume": "Let the suspended policy of the {subject} count again.",
    "open key": "Make a key for the {subject}{values}.",
    "change key": "Change the key of the {subject}: {changes}.",
    "give secret": "Put the secret of its file beside the present one of the {subject}; no token ends.",
    "set methods": "Let the client of the {subject} prove itself by {methods}{certificate}; no token ends.",
    "add key": "Let the public key {other} prove the client of the {subject}.",
    "remove key": "Take the public key {other} of the {subject} out of service; no token ends.",
    "deactivate": "Deactivate the {subject}{ends}.",
    "reactivate": "Reactivate the {subject}.",
    "deactivate key": "Deactivate the key of the {subject}; its tokens are refused while it is so.",
    "reactivate key": "Reactivate the key of the {subject}.",
    "add member": "Let tokens of the {subject} open {other}.",
    "remove member": "Tokens of the {subject} no longer open {other}.",
    "deploy": "Deploy the {subject} in {other}.",
    "undeploy": "Undeploy the {subject} in {other}: its tokens there end at once and for good.",
    "grant": "Let the {subject} use {other}{values}.",
    "withdraw": "The {subject} may no longer use {other}.",
    "extend licence": "Set the end of the licence of the {subject}: {licence}.",
    "archive": "Archive the {subject}, which the file does not name: its tokens end, and the name is never free.",
    "close": "Delete the {subject}, which the file does not name: its tokens end.",
}
_LONGEST_SHOWN = 60


def sentence(step: Step) -> str:
    """What the step does, for people."""
    values = step.values
    return _SENTENCES[step.verb].format(
        subject=step.subject,
        values=_in_brackets(values, leave_out=("other",)),
        changes="; ".join(_change(name, step) for name in values),
        other=values.get("other", ""),
        mode="the credentials granted to it" if values.get("mode") == "credentials" else "its own policy and key",
        algorithm=values.get("signing_algorithm", ""),
        count=len(values.get("path_rules", ())),
        methods=_brief(values.get("auth_methods")),
        certificate=f" (certificate of {values['certificate_name']})" if values.get("certificate_name") else "",
        licence=values.get("licence_ends_at") or "never",
        ends=", whose tokens end for good" if step.section == "users" else ", whose tokens are refused while it is so",
    )


def _change(name: str, step: Step) -> str:
    if name not in step.before:
        return f"{name} {_brief(step.values[name])}"
    return f"{name} {_brief(step.before[name])} -> {_brief(step.values[name])}"


def _in_brackets(values: Mapping[str, Any], leave_out: tuple[str, ...]) -> str:
    told = [f"{name} {_brief(value)}" for name, value in values.items() if name not in leave_out and value]
    return f" ({'; '.join(told)})" if told else ""


def _brief(value: Any) -> str:
    if isinstance(value, list | tuple):
        value = " ".join(str(each) for each in value) or "none"
    if value is None or value == "":
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    told = str(value)
    return told if len(told) <= _LONGEST_SHOWN else told[: _LONGEST_SHOWN - 3] + "..."
