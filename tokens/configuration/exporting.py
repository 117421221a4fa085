"""Export: what is configured, as a file that makes the same again. A stable order, and no secret."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import yaml
from django.utils import timezone

from tokens.configuration import present
from tokens.configuration.present import Present
from tokens.configuration.schema import VERSION
from tokens.errors import InvalidConfiguration


@dataclass(frozen=True, slots=True)
class Exported:
    """The values of the file, and sentences about what is left out."""

    values: dict[str, Any]
    left_out: tuple[str, ...]


def export(*, at: datetime | None = None) -> Exported:
    """Everything that a file can say. Raises InvalidConfiguration where two connections have one name."""
    found = present.read(at or timezone.now())
    if found.doubled:
        raise InvalidConfiguration(
            *(f"connections.{name}: several have this name; rename all but one." for name in sorted(found.doubled))
        )
    sections: dict[str, Any] = {name: dict(entries) for name, entries in found.sections.items()}
    sections["environments"] = {name: _environment(entry) for name, entry in sections["environments"].items()}
    sections["connections"] = [entry for name, entry in sections["connections"].items() if name not in found.lapsed]
    return Exported({"version": VERSION, **sections}, tuple(_left_out(found)))


def _environment(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Only the default one says so."""
    return {name: value for name, value in entry.items() if name != "default" or value}


def _left_out(found: Present) -> list[str]:
    told = [f"{section}.{name} is archived." for section, names in found.put_away.items() for name in sorted(names)]
    return told + [f"connections.{name}: its licence has ended." for name in sorted(found.lapsed)]


class _Dumper(yaml.SafeDumper):
    """Lists of words on one line, times in UTC with a Z, and never an alias."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


def _list(dumper: _Dumper, value: list[Any]) -> yaml.Node:
    short = all(isinstance(each, str | int) for each in value)
    return dumper.represent_sequence("tag:yaml.org,2002:seq", value, flow_style=short)


def _text(dumper: _Dumper, value: str) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Dumper.add_representer(list, _list)
_Dumper.add_representer(str, _text)
_Dumper.add_representer(
    datetime, lambda dumper, value: dumper.represent_scalar("tag:yaml.org,2002:timestamp", _iso(value))
)


def _iso(value: datetime) -> str:
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def text(values: Mapping[str, Any]) -> str:
    """The values as YAML, in the order they have."""
    return yaml.dump(dict(values), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)


def plain(value: Any) -> Any:
    """The values as JSON can hold them, to be read back alike."""
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    if isinstance(value, datetime):
        return _iso(value)
    return value.isoformat() if isinstance(value, date) else value
