"""The lock, and what pip reads, are one: the same packages, versions and hashes."""

import re
import tomllib

import pytest

from tests.databases import PROJECT


def exported(name: str) -> dict[str, tuple[str, set[str]]]:
    text = (PROJECT / name).read_text(encoding="utf-8").replace("\\\n", " ")
    found = {}
    for line in text.splitlines():
        if match := re.match(r"([A-Za-z0-9._-]+)(?:\[[^]]*\])?==(\S+)", line):
            found[match[1].lower()] = (match[2], set(re.findall(r"--hash=(sha256:[0-9a-f]{64})", line)))
    return found


def locked() -> dict[str, tuple[str, set[str]]]:
    packages = tomllib.loads((PROJECT / "uv.lock").read_text(encoding="utf-8"))["package"]
    return {
        package["name"]: (
            package["version"],
            {file["hash"] for file in [package.get("sdist"), *package.get("wheels", [])] if file},
        )
        for package in packages
        if "registry" in package["source"]
    }


def test_the_lock_names_the_public_index_only():
    packages = tomllib.loads((PROJECT / "uv.lock").read_text(encoding="utf-8"))["package"]
    sources = {package["source"].get("registry", "the project") for package in packages}

    assert sources == {"https://pypi.org/simple", "the project"}


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_what_pip_installs_is_what_is_locked_with_hashes(name):
    lock = locked()

    assert exported(name)
    for package, (version, hashes) in exported(name).items():
        assert (version, hashes) == lock[package], package


def test_everything_locked_is_exported_for_developers():
    assert exported("requirements-dev.txt").keys() == locked().keys()
