"""The rules of the house (docs/architecture.md), kept by a program, each with its reason.

Every rule is a function of source text, so that each is also shown a breach and has to find it.
"""

import ast
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FLOORS = ("proxies", "credentials", "tokens", "config")
WRITES = frozenset(
    [
        "create",
        "get_or_create",
        "update_or_create",
        "bulk_create",
        "bulk_update",
        "update",
        "delete",
        "save",
        "acreate",
        "asave",
        "create_user",
    ]
)

# Model -> the modules that may write it. Raw SQL counts for the module of the verb that runs it.
WRITERS = {
    "Environment": {"proxies.catalogue"},
    "ApiProxy": {"proxies.catalogue"},
    "ProxyGroup": {"proxies.catalogue"},
    "GroupMembership": {"proxies.catalogue"},
    "PathRule": {"proxies.catalogue"},
    "TakenName": {"proxies.catalogue"},
    "Deployment": {"proxies.deployment"},
    "ChangeRecord": {"proxies.history"},
    "ScheduledJob": {"proxies.jobs"},
    "JobRun": {"proxies.jobs"},
    "KeptAnswer": {"proxies.repeating"},
    "Credential": {"credentials.clients"},
    "CredentialSecret": {"credentials.clients", "credentials.last_uses"},
    "CredentialKey": {"credentials.client_keys", "credentials.last_uses"},
    "UsedAssertion": set(),
    "CredentialDeployment": {"credentials.clients"},
    "Grant": {"credentials.clients"},
    "User": {"credentials.users", "credentials.second_factors"},
    "SecondFactor": {"credentials.second_factors"},
    "PasswordLink": {"credentials.password_links"},
    "RecoveryCode": {"credentials.second_factors"},
    "Group": {"credentials.groups"},
    "PersonalAccessToken": {"credentials.personal_tokens"},
    "ConnectionConfiguration": {"credentials.rotation", "credentials.heartbeats"},
    "ConnectionToken": {"credentials.rotation", "credentials.heartbeats"},
    "GatewayInstance": {"credentials.rotation", "credentials.heartbeats"},
    "TokenPolicy": {"tokens.policies"},
    "SigningKey": {"tokens.signing"},
    "LegacyVerifier": {"tokens.legacy"},
    "TokenFamily": set(),
    "RefreshKey": set(),
    "JwtRefreshKey": set(),
    "IssuedToken": set(),
    "TokenRequestLog": set(),
    "RateLimitWindow": set(),
    "Figures": {"tokens.figures"},
    "Webhook": {"tokens.reminders.webhooks"},
    "Reminder": {"tokens.reminders.outbox"},
    "Delivery": {"tokens.reminders.outbox"},
    "LogSeal": {"tokens.sealing"},
    "BulkWork": {"tokens.bulk_work"},
    "BulkSlice": {"tokens.bulk_work"},
    "LogMark": {"tokens.sealing"},
    "RequestRollup": {"tokens.rollups"},
}
# Table -> the statements that may change it, each run by one verb of tokens.lifecycle only.
STATEMENTS = {
    "tokens_tokenfamily": {"issue", "refresh", "revoke", "clean"},
    "tokens_refreshkey": {"issue", "refresh", "session", "revoke", "clean"},
    "tokens_issuedtoken": {"issue", "revoke", "clean", "sightings"},
    "tokens_tokenrequestlog": {"log"},
    "tokens_ratelimitwindow": {"limit"},
    "credentials_usedassertion": {"assertion"},
}
DOORS = (
    "views",
    "restkit",
    "admin",
    "api",
    "doors",
    "tasks",
    "management",
    "authentication",
    "urls",
    "serializers",
    "filters",
)
Breaches = Iterator[str]


def sources() -> dict[str, str]:
    """Module name -> source of everything but migrations."""
    found = {}
    for floor in FLOORS:
        for path in sorted((ROOT / floor).rglob("*.py")):
            if "migrations" not in path.parts:
                parts = path.relative_to(ROOT).with_suffix("").parts
                found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path.read_text()
    return found


def imports(source: str) -> list[str]:
    """Every module a source imports, names from packages included."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [name.name for name in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [node.module, *(f"{node.module}.{name.name}" for name in node.names)]
    return found


def floor_of(module: str) -> str:
    return module.split(".", maxsplit=1)[0]


def is_door(module: str) -> bool:
    return any(part in DOORS for part in module.split(".")[1:])


def is_kit(module: str) -> bool:
    """What the admin's screens of every floor are made with."""
    return module.startswith("proxies.adminkit")


def imports_go_down(module: str, source: str) -> Breaches:
    """config -> tokens -> credentials -> proxies: what exists by itself lies below, and circles cannot form."""
    for wanted in imports(source):
        if floor_of(wanted) in FLOORS and FLOORS.index(floor_of(wanted)) > FLOORS.index(floor_of(module)):
            yield f"{module} imports {wanted} from a floor above"


def pure_files_are_pure(module: str, source: str) -> Breaches:
    """Rules and errors use the standard library only: they are tables of values that any test can feed."""
    if not (
        module.endswith(
            (
                ".errors",
                ".rules",
                ".scope_rules",
                ".path_rules",
                ".session_rules",
                ".key_rules",
                ".reminder_rules",
                ".told",
            )
        )
        and module.count(".") == 1
        and floor_of(module) != "config"
    ):
        return
    for wanted in imports(source):
        pure = ("__future__", "tokens.rules", "tokens.scope_rules")
        if floor_of(wanted) not in sys.stdlib_module_names and not wanted.startswith(pure):
            yield f"{module} imports {wanted}, which is not of the standard library"


def models_are_ground(module: str, source: str) -> Breaches:
    """Models know their rules, errors and querysets and the models below; no verb and no door."""
    if ".models" not in module:
        return
    allowed = re.compile(
        r"(\w+\.(models|rules|errors|querysets)(\.|$)|django|proxies$|credentials$|tokens$|__future__)"
    )
    for wanted in imports(source):
        if floor_of(wanted) in FLOORS and not allowed.match(wanted):
            yield f"{module} imports {wanted}"
        if wanted.startswith(("rest_framework", "celery")):
            yield f"{module} imports {wanted}"


def the_core_knows_no_door(module: str, source: str) -> Breaches:
    """Verbs are called by doors and never know which one they were called by."""
    if floor_of(module) == "config" or is_door(module) or module.endswith((".apps", ".commandkit")) or is_kit(module):
        return
    for wanted in imports(source):
        if floor_of(wanted) in FLOORS and is_door(wanted):
            yield f"{module} imports the door {wanted}"
        if wanted.startswith(("rest_framework.", "django.http", "django.contrib.admin")) and module != "tokens.jose":
            yield f"{module} imports {wanted}"


def doors_do_not_know_each_other(module: str, source: str) -> Breaches:
    """What two doors share is core; a door that calls another has two masters."""
    kinds = ("admin", "api", "doors", "tasks", "management")
    mine = [part for part in module.split(".")[1:] if part in kinds]
    if not mine or floor_of(module) == "config":
        return
    for wanted in imports(source):
        theirs = [part for part in wanted.split(".")[1:] if part in kinds]
        if floor_of(wanted) in FLOORS and theirs and theirs[0] != mine[0]:
            yield f"{module} imports another door, {wanted}"


def statements_are_only_sql(module: str, source: str) -> Breaches:
    """The SQL of the hot paths knows values and the connection; it decides nothing."""
    if not module.startswith("tokens.statements"):
        return
    allowed = ("tokens.statements", "tokens.rules", "credentials.rules", "tokens", "tokens.path_rules", "django.db")
    for wanted in imports(source):
        if (
            floor_of(wanted) in (*FLOORS, "django")
            and not wanted.startswith(allowed[:4])
            and wanted
            not in (
                "tokens",
                "django.db",
                "django.db.connection",
                "django.db.transaction",
            )
        ):
            yield f"{module} imports {wanted}"
        if ".models" in wanted or ".lifecycle" in wanted or is_door(wanted):
            yield f"{module} imports {wanted}"


def nobody_imports_config(module: str, source: str) -> Breaches:
    """config knows all and is known by none; settings come by django.conf."""
    if floor_of(module) != "config":
        yield from (f"{module} imports {wanted}" for wanted in imports(source) if floor_of(wanted) == "config")


def each_state_has_one_writer(module: str, source: str) -> Breaches:
    """A state that two modules write has two truths."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in WRITES:
            for name in {inner.id for inner in ast.walk(node.func.value) if isinstance(inner, ast.Name)}:
                if name in WRITERS and module not in WRITERS[name]:
                    yield f"{module} writes {name}, whose writer is {sorted(WRITERS[name]) or 'tokens.lifecycle'}"


def each_table_has_its_statements(module: str, source: str) -> Breaches:
    """Raw SQL changes only the tables of its verb."""
    if module == "tests" or not module.startswith(FLOORS):
        return
    code = "\n".join(
        node.value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
    for table in re.findall(r"\b(?:INSERT INTO|UPDATE|DELETE FROM)\s+((?:tokens|credentials|proxies)_\w+)", code):
        verb = module.removeprefix("tokens.statements.")
        if verb not in STATEMENTS.get(table, set()):
            yield f"{module} changes {table}"


def raw_sql_stays_in_statements(module: str, source: str) -> Breaches:
    """Raw SQL elsewhere escapes the rules above."""
    if module.startswith("tokens.statements") or module == "tokens.verify_cache.marking":  # a cursor, which hands on
        return
    for node in ast.walk(ast.parse(source)):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in ("raw", "executemany")
        ):
            yield f"{module} runs raw SQL"


def imports_stand_at_the_top(module: str, source: str) -> Breaches:
    """An import inside a function hides a circle."""
    if floor_of(module) == "config":
        return
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef) and not (node.name == "ready" and module.endswith(".apps")):
            for inner in ast.walk(node):
                if isinstance(inner, ast.Import | ast.ImportFrom):
                    yield f"{module}.{node.name} imports inside"


def files_are_small(module: str, source: str) -> Breaches:
    """A room that cannot be overlooked is two rooms."""
    if source.count("\n") > 400:
        yield f"{module} has {source.count(chr(10))} lines; 400 is the limit"


def names_say_something(module: str, source: str) -> Breaches:
    """A module called utils attracts whatever nobody placed."""
    if module.rsplit(".", maxsplit=1)[-1] in ("utils", "helpers", "misc", "common"):
        yield f"{module} has a name that says nothing"


def no_signals_and_no_save(module: str, source: str) -> Breaches:
    """A rule in a signal or in save() runs where nobody looks for it."""
    for wanted in imports(source):
        if "signals" in wanted:
            yield f"{module} uses {wanted}"
    if ".models" in module:
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.FunctionDef) and node.name in ("save", "delete", "clean"):
                yield f"{module} overrides {node.name}()"


RULES: list[tuple[Callable[[str, str], Breaches], str, str]] = [
    (imports_go_down, "proxies.deployment", "from tokens import lifecycle"),
    (pure_files_are_pure, "tokens.rules", "from django.utils import timezone"),
    (models_are_ground, "tokens.models.policy", "from tokens.lifecycle import issue"),
    (the_core_knows_no_door, "tokens.lifecycle.issuing", "from tokens.doors import token"),
    (doors_do_not_know_each_other, "tokens.admin.tokens", "from tokens.doors import token"),
    (statements_are_only_sql, "tokens.statements.issue", "from tokens.models import IssuedToken"),
    (nobody_imports_config, "tokens.signing", "from config import settings"),
    (each_state_has_one_writer, "tokens.admin.keys", "SigningKey.objects.filter(pk=1).update(retired_at=None)"),
    (each_table_has_its_statements, "tokens.statements.verify", 'SQL = "UPDATE tokens_issuedtoken SET jti = 1"'),
    (raw_sql_stays_in_statements, "tokens.admin.log", "Model.objects.raw('SELECT 1')"),
    (imports_stand_at_the_top, "tokens.signing", "def f():\n    import json\n"),
    (files_are_small, "tokens.rules", "x = 1\n" * 401),
    (names_say_something, "tokens.utils", ""),
    (no_signals_and_no_save, "tokens.models.family", "from django.db.models.signals import post_save"),
]


@pytest.mark.parametrize("rule", [rule for rule, _, _ in RULES], ids=lambda rule: rule.__name__)
def test_the_house_keeps(rule: Callable[[str, str], Breaches]) -> None:
    breaches = [breach for module, source in sources().items() for breach in rule(module, source)]
    assert not breaches, f"{rule.__doc__}\n" + "\n".join(breaches)


@pytest.mark.parametrize(("rule", "module", "source"), RULES, ids=lambda value: getattr(value, "__name__", ""))
def test_the_rule_finds_a_breach(rule: Callable[[str, str], Breaches], module: str, source: str) -> None:
    assert list(rule(module, source)), f"{rule.__name__} is blind"


def test_no_file_of_tests_is_longer_than_400_lines_either() -> None:
    here = Path(__file__).resolve().parent
    lengths = {str(path.relative_to(here)): path.read_text().count("\n") for path in here.rglob("*.py")}
    assert len(lengths) > 300
    assert not {name: length for name, length in lengths.items() if length > 400}


def test_every_model_has_a_writer_named_here() -> None:
    from django.apps import apps

    named = {model.__name__ for floor in FLOORS[:3] for model in apps.get_app_config(floor).get_models()}
    assert not named - set(WRITERS), "a new model needs its one writer in WRITERS"
