"""YAML text to plain values, with suspicion: bounded, no aliases, no key twice, keys as they are written."""

from typing import Any

import yaml

from tokens.errors import InvalidConfiguration

MAXIMUM_LENGTH = 4 * 1024 * 1024
MAXIMUM_DEPTH = 12
MAXIMUM_VALUES = 400_000
_SafeLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_SafeLoader):
    """Safe, and stricter: a key that is given twice is refused instead of the first one being forgotten."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[str, Any]:  # noqa: ARG002
        found: dict[str, Any] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(None, None, "a key must be a word", key.start_mark)
            # As written: an environment `no` is not the value false.
            name = str(key.value)
            if name in found:
                raise yaml.constructor.ConstructorError(None, None, f"{name[:60]!r} is given twice", key.start_mark)
            found[name] = self.construct_object(value, deep=True)
        return found


_Loader.add_constructor("tag:yaml.org,2002:map", lambda loader, node: loader.construct_mapping(node))


def read(text: str) -> Any:
    """The values of a YAML (or JSON) text. Raises InvalidConfiguration with the line."""
    if len(text.encode("utf-8", "replace")) > MAXIMUM_LENGTH:
        raise InvalidConfiguration(f"The file is larger than {MAXIMUM_LENGTH // 1024 // 1024} MiB.")
    try:
        _check_shape(text)
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a subclass of the safe loader
    except yaml.MarkedYAMLError as broken:
        where = f"Line {broken.problem_mark.line + 1}: " if broken.problem_mark else ""
        raise InvalidConfiguration(f"{where}{broken.problem or 'this is not YAML'}.") from broken
    except (yaml.YAMLError, ValueError, OverflowError) as broken:
        raise InvalidConfiguration(f"This is not YAML: {str(broken).splitlines()[0][:200]}.") from broken


def _check_shape(text: str) -> None:
    """Look at the events first, which needs no recursion: depth, number of values, aliases."""
    depth = 0
    for count, event in enumerate(yaml.parse(text, Loader=_SafeLoader)):
        mark: Any = event.start_mark
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            raise yaml.MarkedYAMLError(problem="anchors and aliases are not used here", problem_mark=mark)
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAXIMUM_DEPTH or count > MAXIMUM_VALUES:
            raise yaml.MarkedYAMLError(problem="too deep, or too many values", problem_mark=mark)
