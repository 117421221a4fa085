"""All commands of the portal keep the same manners: help, JSON, words, exit codes, and a row in the documentation."""

import importlib
import inspect
import io
import json
import re
from argparse import ArgumentParser, _SubParsersAction
from collections.abc import Iterator

import pytest
from django.core.management import get_commands, load_command_class
from django.core.management.base import BaseCommand

from proxies.commandkit import PortalCommand
from tests import world as worlds
from tests.databases import PROJECT
from tests.tokens.commands.calling import run
from tests.world import World

OURS = {name: app for name, app in get_commands().items() if app in ("proxies", "credentials", "tokens")}
# They speak for themselves: the demo to whoever starts the portal for the first time.
APART = {"demo"}


@pytest.fixture
def world(db: None) -> World:
    made = worlds.build()
    made.credential("shop", made.orders)
    return made


def command(name: str) -> BaseCommand:
    return load_command_class(OURS[name], name)


def parsers(name: str) -> Iterator[tuple[str, ArgumentParser]]:
    """The parser of a command and of each of its verbs."""
    whole = command(name).create_parser("manage.py", name)
    yield name, whole
    for action in whole._actions:
        if isinstance(action, _SubParsersAction):
            yield from ((f"{name} {verb}", parser) for verb, parser in action.choices.items())


@pytest.mark.parametrize("name", sorted(OURS))
def test_every_command_helps(name: str) -> None:
    found = command(name)
    assert found.help, name
    for words, parser in parsers(name):
        text = io.StringIO()
        parser.print_help(text)
        assert parser.description, words
        own = [action for action in parser._actions if action.dest not in _DJANGO]
        for action in own:
            if action.dest in ("json", "yes"):
                assert action.help, words
            if isinstance(action, _SubParsersAction):
                assert all(each.help for each in action._choices_actions), words


_DJANGO = frozenset(
    ("help", "version", "verbosity", "settings", "pythonpath", "traceback", "no_color", "force_color", "skip_checks")
)


@pytest.mark.parametrize("name", sorted(set(OURS) - APART))
def test_every_command_takes_json_and_turns_refusals_into_sentences(name: str) -> None:
    found = command(name)
    assert isinstance(found, PortalCommand), name
    for words, parser in parsers(name):
        assert "--json" in parser._option_string_actions, words


@pytest.mark.parametrize("name", sorted(OURS))
def test_i5_no_command_takes_a_secret_or_token_as_a_word(name: str) -> None:
    """Every user of the machine can read the words of a command."""
    for words, parser in parsers(name):
        for action in parser._actions:
            takes_a_value = action.nargs != 0 and action.const is None
            named = " ".join([action.dest, *action.option_strings])
            if takes_a_value and re.search(r"secret|password|(^|[-_ ])token$", named):
                number = action.help is not None and "number" in action.help
                assert named.endswith(("_file", "-file", "-out")) or "_file " in named or number, (words, named)


@pytest.mark.parametrize("name", sorted(OURS))
def test_every_command_is_in_the_documentation(name: str) -> None:
    docs = "\n".join(path.read_text(encoding="utf-8") for path in (PROJECT / "docs").glob("*.md"))
    assert re.search(rf"`(manage\.py )?{name}\b|, `{name}\b", docs), f"docs/commands.md has no row for {name}"


@pytest.mark.parametrize("name", sorted(OURS))
def test_the_source_of_a_command_begins_with_its_name(name: str) -> None:
    module = importlib.import_module(f"{OURS[name]}.management.commands.{name}")
    assert (module.__doc__ or "").strip() == f"manage.py {name}."
    assert len(inspect.getsource(module).splitlines()) < 250


# Words with which each command succeeds, in this order, in a small world. Dangerous ones come last.
TRIED: list[tuple[str, ...]] = [
    ("add_environment", "third"),
    ("change_environment", "third", "--description", "a third one"),
    ("add_proxy", "sales", "--scopes", "read"),
    ("change_proxy", "sales", "--name", "Sales"),
    ("add_group", "all", "--members", "sales"),
    ("change_group", "all", "--scopes", "read"),
    ("member", "add", "all", "billing"),
    ("deploy", "sales"),
    ("set_mode", "sales", "credentials", "--yes"),
    ("open_credential", "second"),
    ("deploy_credential", "second"),
    ("change_credential", "second", "--owner-name", "Ada"),
    ("grant", "second", "sales"),
    ("set_policy", "second", "--credential", "--lifetime", "60", "--no-refresh"),
    ("policy", "suspend", "second", "--credential"),
    ("rotate_secret", "second"),
    ("retire_secret", "second"),
    ("deactivate_credential", "second", "--yes"),
    ("reactivate_credential", "second"),
    ("users", "create", "ada", "--no-password"),
    ("users", "change", "ada", "--email", "ada@example.com"),
    ("users", "access", "ada", "--staff", "on"),
    ("users", "list"),
    ("connection", "open", "edge", "--type", "other"),
    ("connection", "generate", "edge"),
    ("connection", "show", "edge"),
    ("connection", "list"),
    ("mint", "ada"),
    ("signing_key", "next"),
    ("rotate_signing_key", "--at-once"),
    ("signing_key", "list"),
    ("clean_tokens",),
    ("expire_licences",),
    ("check_log",),
    ("rotate_encryption_key",),
    ("export",),
    ("legacy_verifier", "list"),
    ("revoke", "--user", "ada", "--yes"),
    ("users", "deactivate", "ada", "--yes"),
    ("users", "reactivate", "ada"),
    ("connection", "close", "edge", "--yes"),
    ("member", "remove", "all", "billing", "--yes"),
    ("withdraw", "second", "sales", "--yes"),
    ("undeploy", "sales", "--yes"),
    ("undeploy_credential", "second", "--yes"),
    ("change_key", "second", "--yes"),
    ("archive_credential", "second", "--yes"),
    ("change_signing_key", "--yes"),
    ("archive", "sales", "--yes"),
]
# What wants a secret, a token or a file, or answers with its exit code, has tests of its own.


def test_every_command_answers_machines_in_json_and_people_in_sentences(world: World) -> None:
    for words in TRIED:
        done = run(*words, "--json")
        assert done.status == 0, (words, done.err)
        assert isinstance(json.loads(done.out), dict), words


def test_every_command_is_run_by_a_test() -> None:
    tests = "\n".join(path.read_text(encoding="utf-8") for path in (PROJECT / "tests").rglob("test_*.py"))
    missing = {name for name in OURS if not re.search(rf"""["']{name}["']""", tests)}
    assert not missing, f"no test calls {missing}"


def test_people_get_sentences(world: World) -> None:
    for words in TRIED:
        done = run(*words)
        assert done.status == 0, (words, done.err)
        assert done.out.strip(), words
        assert not done.out.lstrip().startswith("{"), words


def test_an_unknown_thing_is_one_sentence_and_exit_code_1(world: World) -> None:
    """Wrong words of argparse itself are 2, as everywhere."""
    cases: list[tuple[str, ...]] = [
        ("deploy", "nothing"), ("undeploy", "nothing"), ("archive", "nothing"), ("set_policy", "nothing"),
        ("change_proxy", "nothing"), ("change_group", "orders"), ("change_environment", "nothing"),
        ("rotate_secret", "nothing"), ("change_key", "nothing"), ("grant", "nothing", "orders"), ("mint", "nobody"),
        ("users", "deactivate", "nobody"), ("revoke", "--user", "nobody"), ("connection", "show", "nothing"),
    ]  # fmt: skip
    for words in cases:
        done = run(*words)
        assert done.status == 1, (words, done)
        assert not done.out, words
        assert "Traceback" not in done.err
        assert len(done.err.strip().splitlines()) == 1, (words, done.err)
