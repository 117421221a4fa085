"""What every test stands on. The environment is set here, before Django reads its settings."""

import itertools
import json
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

# Workers of pytest-xdist inherit what the first process has chosen.
_OWNER = "LATCHKEY_TEST_DATA" not in os.environ
if _OWNER:
    _folder = tempfile.mkdtemp(prefix="latchkey-tests-")
    # Names that a developer may have set for a portal of his own.
    _own = "HOST PORT PUBLIC_URL ALLOWED_HOSTS DEBUG STATIC_ROOT TRUSTED_PROXIES TRUSTED_GATEWAYS VERIFY_SOURCES"
    _own += " CLIENT_CERTIFICATE_HEADER CLIENT_CERTIFICATE_URL CLIENT_AUTH_METHODS"
    for _name in _own.split():
        os.environ.pop(_name, None)
    os.environ.update(
        LATCHKEY_TEST_DATA=_folder,
        DATA_DIR=_folder,
        DJANGO_SETTINGS_MODULE="config.settings",
        # Many threads race in one test; a pool also keeps them below the server's limit of connections.
        DATABASE_POOL_SIZE=os.environ.get("DATABASE_POOL_SIZE", "24"),
        CACHE_KEY_PREFIX=f"latchkey-test-{os.getpid()}",
    )
os.environ["CACHE_KEY_PREFIX"] += "-" + os.environ.get("PYTEST_XDIST_WORKER", "main")

from tests import databases  # noqa: E402

FAIL_ON_SKIP = os.environ.get("FAIL_ON_SKIP", "") not in {"", "0"}


_STATED_NAME = pytest.StashKey[Any]()


def pytest_configure(config: pytest.Config) -> None:
    from django.conf import settings
    from django.core.signals import setting_changed

    from proxies.settled import settings as settled

    setting_changed.connect(lambda **_: settled.forget(), weak=False)
    config.stash[_STATED_NAME] = settings.DATABASES["default"]["NAME"]
    # In a worker the settings were read before this file: keys of its own, or it deletes those of the other workers.
    settings.CACHES["default"]["KEY_PREFIX"] = os.environ["CACHE_KEY_PREFIX"]
    # Argon2 is slow by design, and the manifest needs collectstatic: neither is what most tests are about.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher", *settings.PASSWORD_HASHERS]
    settings.STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}


def pytest_unconfigure(config: pytest.Config) -> None:
    if _OWNER:
        shutil.rmtree(os.environ["LATCHKEY_TEST_DATA"], ignore_errors=True)


# --- Databases --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def _template(request: pytest.FixtureRequest, django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """The migrated test database. pytest-django makes it only where some chosen test asks for `db` itself; without it
    a clone would be one of the database in the settings."""
    from django.db import connection
    from django.test.utils import setup_databases, teardown_databases

    if connection.settings_dict["NAME"] != request.config.stash[_STATED_NAME]:
        yield
        return
    with django_db_blocker.unblock():
        made = setup_databases(verbosity=0, interactive=False, aliases={"default"})
        yield
        teardown_databases(made, verbosity=0)


@pytest.fixture
def own_database(
    request: pytest.FixtureRequest, tmp_path: Path, _template: None, django_db_blocker: Any
) -> Iterator[databases.OwnDatabase]:
    """A fresh clone of the migrated test database, with real commits, for this test alone."""
    if "db" in request.fixturenames or request.node.get_closest_marker("django_db"):
        pytest.fail("own_database commits for real; it can't be used together with db or django_db")
    from django.db import connection

    # Where no selected test asks for `db`, there is no test database, and the clone would be made of a real one.
    if not Path(str(connection.settings_dict["NAME"])).name.startswith("test"):
        pytest.fail("run this together with a test that uses db, so that there is a test database to clone")
    data_dir = tmp_path / "data"
    data_dir.mkdir(mode=0o700)
    with django_db_blocker.unblock(), databases.cloned(data_dir) as own:
        yield own


@pytest.fixture(autouse=True)
def _empty_cache() -> Iterator[None]:
    """Each test starts with nothing cached. On a shared Redis only our own keys go."""
    from django.conf import settings
    from django.core.cache import cache

    yield
    if not settings.REDIS_URL:
        cache.clear()
        return
    import redis

    with redis.Redis.from_url(settings.REDIS_URL) as client:
        if keys := list(client.scan_iter(match=f"{settings.CACHES['default']['KEY_PREFIX']}:*", count=1000)):
            client.delete(*keys)


@pytest.fixture(scope="module", autouse=True)
def _patient_with_redis(request: pytest.FixtureRequest) -> Iterator[None]:
    """A machine that is busy testing may pause for a tenth of a second: that is not what tests of counts are about."""
    from tokens import redis_counts

    stated = redis_counts.PATIENCE_SECONDS
    if request.path.name != "test_redis_counts.py":
        redis_counts.PATIENCE_SECONDS = 5.0
    redis_counts.close()
    yield
    redis_counts.PATIENCE_SECONDS = stated
    redis_counts.close()


@pytest.fixture(autouse=True)
def _no_sightings() -> Iterator[None]:
    """No thread writes last-used times behind a test's back; a test that wants them calls flush()."""
    from tokens import sightings
    from tokens.lifecycle import limiting

    start, sightings._start = sightings._start, lambda: None
    yield
    sightings._start = start
    for waiting in (
        sightings._seen,
        sightings._gateways,
        sightings._personal,
        sightings._refused,
        sightings._secrets,
        sightings._keys,
        sightings._turned_away,
        limiting._full,
    ):
        waiting.clear()


# --- What costs time and proves nothing twice -------------------------------------------------------------------------

_KEYS_AT_HAND = 12


@pytest.fixture(scope="session", autouse=True)
def _rsa_keys_at_hand() -> Iterator[None]:
    """RSA keys take a moment to find. Each process finds a dozen, and hands them out in turn."""
    from tokens import signing

    find, found, turn = signing._generate, [], itertools.count()

    def hand_out(algorithm: str) -> Any:
        if algorithm != "RS256":
            return find(algorithm)
        if len(found) < _KEYS_AT_HAND:
            found.append(find(algorithm))
            return found[-1]
        return found[next(turn) % _KEYS_AT_HAND]

    signing._generate = hand_out
    yield
    signing._generate = find


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On the second database only what asks a database runs again; tables of values are the same there.

    What reads from a PostgreSQL of its own runs where the suite has one.
    """
    if not os.environ.get("DATABASE_URL"):
        elsewhere = [item for item in items if item.get_closest_marker("on_postgresql")]
        config.hook.pytest_deselected(items=elsewhere)
        items[:] = [item for item in items if item not in elsewhere]
    if os.environ.get("LATCHKEY_TEST_ONLY_DATABASE", "") in {"", "0"}:
        return
    asks = {"db", "own_database", "_django_db_helper"}
    again = [item for item in items if asks & set(getattr(item, "fixturenames", ())) or _is_heavy(item)]
    config.hook.pytest_deselected(items=[item for item in items if item not in set(again)])
    items[:] = again


def _is_heavy(item: pytest.Item) -> bool:
    return any(item.get_closest_marker(mark) for mark in ("browser", "gateway", "fault", "slow"))


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Iterator[None]:
    """What a process keeps in mind for some seconds about imported tokens and secrets does not outlive its test."""
    from credentials import imported_secrets
    from tokens import foreign

    yield
    foreign.forget()
    imported_secrets.forget()


# --- Skips: never silent, and failures where everything is expected to be there ---------------------------------------


def _refuse_skip(report: Any) -> None:
    if FAIL_ON_SKIP and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, and FAIL_ON_SKIP is set: {_reason(report)}"


def _reason(report: Any) -> str:
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return text.removeprefix("Skipped: ")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    report = yield
    _refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Any:
    report = yield
    _refuse_skip(report)
    return report


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: Any) -> None:
    stats = terminalreporter.stats
    skips = Counter(_reason(report) for report in stats.get("skipped", []))
    if skips:
        terminalreporter.section("skipped, and why")
        for reason, count in skips.most_common():
            terminalreporter.line(f"{count:5}  {reason}")
    # The first process counts for all; a worker of pytest-xdist would count its share again.
    tally = os.environ.get("LATCHKEY_TEST_TALLY")
    if tally and "PYTEST_XDIST_WORKER" not in os.environ:
        kinds = ("passed", "failed", "error", "skipped", "xfailed", "xpassed")
        with Path(tally).open("a", encoding="utf-8") as file:
            file.write(json.dumps({kind: len(stats.get(kind, [])) for kind in kinds}) + "\n")
