"""Where secrets come from and how they are compared, kept by a program (R35: ASVS 11.5.1, 11.2.4)."""

import ast
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from config import keyfiles
from credentials import secrets

ROOT = Path(__file__).resolve().parent.parent
FLOORS = ("proxies", "credentials", "tokens", "config")
FEWEST_BYTES = 16
# Short random text that nobody has to guess: names that must not meet.
NAMES_ONLY = {
    ("proxies/jobs.py", "secrets.token_hex(8)"),
    ("config/keyfiles.py", "secrets.token_hex(4)"),
    ("config/requestids.py", "os.urandom(10)"),
    # A nonce of AES-GCM, which has twelve bytes and need not be secret.
    ("credentials/secrets.py", "os.urandom(_NONCE_LENGTH)"),
    # What says in shared memory that something moved: it is compared for having changed, and opens nothing.
    ("tokens/verify_cache/words.py", "os.urandom(8)"),
    ("tokens/verify_cache/words.py", "os.urandom(_WORDS)"),
    # The password of the demo's administrator, which is kept by Argon2.
    ("tokens/demo.py", "random.token_urlsafe(15)"),
}
_MAKES = re.compile(r"\b(token_bytes|token_hex|token_urlsafe|urandom)$")
_SECRET = re.compile(r"(^|_)(digest|signature|mac|secret|raw|password|token_hash|secret_hash|key_hash)$")


def sources() -> Iterator[tuple[str, ast.Module]]:
    for floor in FLOORS:
        for path in sorted((ROOT / floor).rglob("*.py")):
            if "migrations" not in path.parts:
                yield str(path.relative_to(ROOT)), ast.parse(path.read_text(encoding="utf-8"))


def guessable(tree: ast.Module) -> list[str]:
    """Imports of what can be predicted (random) or does not count (uuid)."""
    found = []
    for node in ast.walk(tree):
        names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
        names += [str(node.module)] if isinstance(node, ast.ImportFrom) else []
        found += [name for name in names if name.partition(".")[0] in {"random", "uuid"}]
    return found


def short(tree: ast.Module) -> list[str]:
    """Calls that make fewer bytes than 128 bits, or a number of them that is not to be seen."""
    constants = {
        target.id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not _MAKES.search(ast.unparse(node.func)):
            continue
        given = node.args[0] if node.args else None
        if isinstance(given, ast.Constant):
            size = given.value
        else:
            size = constants.get(given.id) if isinstance(given, ast.Name) else None
        if not isinstance(size, int) or size < FEWEST_BYTES:
            found.append(ast.unparse(node))
    return found


def compared(tree: ast.Module) -> list[str]:
    """Comparisons of two secrets that stop at the first letter that differs."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and any(isinstance(each, ast.Eq | ast.NotEq) for each in node.ops):
            sides = [node.left, *node.comparators]
            names = [ast.unparse(side).rpartition(".")[2] for side in sides]
            if not any(isinstance(side, ast.Constant) for side in sides) and any(map(_SECRET.search, names)):
                found.append(ast.unparse(node))
    return found


def test_r35_nothing_is_made_of_what_can_be_predicted() -> None:
    assert {name: found for name, tree in sources() if (found := guessable(tree))} == {}


def test_r35_what_is_made_by_chance_has_at_least_128_bits() -> None:
    found = {(name, call) for name, tree in sources() for call in short(tree)}
    assert found - {("credentials/secrets.py", "random.token_hex(length)")} == NAMES_ONLY


def test_r35_secrets_are_compared_in_constant_time() -> None:
    assert {name: found for name, tree in sources() if (found := compared(tree))} == {}


@pytest.mark.parametrize(
    ("rule", "breach"),
    [
        (guessable, "import random"),
        (guessable, "from uuid import uuid4"),
        (short, "import secrets\nx = secrets.token_hex(8)"),
        (short, "N = 12\nx = os.urandom(N)"),
        (short, "x = secrets.token_urlsafe(somewhere())"),
        (compared, "if row.secret_hash == given: pass"),
        (compared, "if digest != other.value: pass"),
    ],
)
def test_the_rules_find_a_breach(rule: Callable[[ast.Module], list[str]], breach: str) -> None:
    assert rule(ast.parse(breach))


@pytest.mark.parametrize("prefix", secrets.PREFIXES)
def test_r35_each_of_the_256_bits_of_a_secret_is_set_half_of_the_time(prefix: str) -> None:
    rounds = 2_000
    ones: Counter[int] = Counter()
    for _ in range(rounds):
        value = int(secrets.make(prefix)[len(prefix) : len(prefix) + 64], 16)
        ones.update(bit for bit in range(256) if value >> bit & 1)
    # Six standard deviations: one false alarm in two million runs, with all the bits of all the prefixes.
    assert all(abs(ones[bit] - rounds / 2) < 6 * (rounds / 4) ** 0.5 for bit in range(256))


def test_r35_the_installation_s_own_keys_have_256_bits() -> None:
    made = {keyfiles.new_secret_key() for _ in range(50)} | {keyfiles.new_hash_key() for _ in range(50)}
    assert len(made) == 100
    assert all(len(key) >= 64 for key in made)
