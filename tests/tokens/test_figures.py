"""The figures of the dashboard: right, taken by one at a time, at most a minute old, and never waited for."""

from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from credentials import clients, rotation
from credentials.heartbeats import Report, heartbeat
from proxies import deployment
from proxies.sentences import of_kept
from proxies.time_limit import TooLong
from tests.databases import OwnDatabase
from tests.world import REQUEST, World, later
from tokens import figure_counts, figures, lifecycle, rollups, signing
from tokens.models import Figures, IssuedToken


def live(world: World, at: float) -> dict[tuple[str, str], int]:
    return {(row["environment"], row["kind"]): row["live"] for row in figure_counts.tokens(later(at))}


def test_live_tokens_are_counted_by_environment_and_kind(world: World) -> None:
    orders, commerce = world.key_of(world.orders), world.key_of(world.commerce)
    world.policy(world.commerce, access=600, refresh=600, format="jwt")
    world.issue(orders)
    world.issue(orders)
    world.issue(orders, environment="live")
    world.issue(commerce)
    assert live(world, 1) == {("test", "opaque"): 2, ("live", "opaque"): 1, ("test", "jwt"): 1}
    assert live(world, 60) == {("test", "jwt"): 1}


@pytest.mark.parametrize("what", ["revoke", "undeploy", "change key", "refresh", "change signing key"])
def test_d11_what_has_ended_is_not_counted(world: World, what: str) -> None:
    world.policy(world.orders, access=600, refresh=600, format="jwt" if what == "change signing key" else "opaque")
    answer = world.issue(world.key_of(world.orders))
    token = IssuedToken.objects.get()
    if what == "revoke":
        lifecycle.revoke_token(token, by="ada", because="", request=REQUEST, at=later(1))
    elif what == "undeploy":
        deployment.undeploy(world.orders, world.test, by="ada", at=later(1))
    elif what == "change key":
        clients.change_key(world.credentials["orders"], by="ada", at=later(1))
    elif what == "refresh":
        world.refresh(world.key_of(world.orders), answer.refresh_token, at=1)
    else:
        signing.change(world.test, by="ada", at=later(1))
    assert sum(live(world, 2).values()) == (1 if what == "refresh" else 0)


def test_never_expiring_unused_idle_and_soon_are_told_apart(world: World) -> None:
    world.policy(world.orders, never_expires=True)
    world.policy(world.billing, access=100 * 86_400, refresh_allowed=False)
    world.issue(world.key_of(world.orders))
    world.issue(world.key_of(world.billing))

    def told(days: float) -> dict[str, int]:
        rows = figure_counts.tokens(later(days * 86_400))
        return {name: sum(row[name] for row in rows) for name in ("live", "soon", "never", "unused", "idle")}

    assert told(0.01) == {"live": 2, "soon": 0, "never": 1, "unused": 0, "idle": 0}
    assert told(1) == {"live": 2, "soon": 0, "never": 1, "unused": 2, "idle": 0}
    assert told(99.5) == {"live": 2, "soon": 1, "never": 1, "unused": 2, "idle": 2}
    IssuedToken.objects.filter(expires_at=None).update(last_used_at=later(80 * 86_400))
    assert told(99.5) == {"live": 2, "soon": 1, "never": 1, "unused": 1, "idle": 1}


def test_refresh_tokens_with_one_refresh_left_are_counted(world: World) -> None:
    client = world.key_of(world.orders)
    world.policy(world.orders, access=60, refresh=600, count=2)
    answer = world.issue(client)
    assert figure_counts.refresh_tokens(later(1)) == {"live": 1, "near_limit": 0}
    world.refresh(client, answer.refresh_token, at=2)
    assert figure_counts.refresh_tokens(later(3)) == {"live": 1, "near_limit": 1}


def test_d34_f4_connections_that_need_somebody_are_counted(world: World) -> None:
    made = rotation.open_connection(
        name="edge", deployment_type="kubernetes", environment=world.test, by="ada", at=later(0)
    )
    heartbeat(made.raw, Report("edge-1", "kubernetes"), address="192.0.2.1", at=later(10))
    assert figure_counts.attention(later(20))["connections_in_trouble"] == 0
    assert figure_counts.attention(later(10 + 301))["connections_in_trouble"] == 1
    year = figure_counts.attention(later(400 * 86_400))
    assert (year["connections_overdue"], year["connections_recommended"]) == (1, 0)


def test_charts_sum_up_hours_and_days_with_one_series_for_each_outcome(world: World) -> None:
    client = world.key_of(world.orders)
    answer = world.issue(client)
    world.refresh(client, answer.refresh_token, at=1)
    with pytest.raises(Exception, match=r"\w"):
        world.issue(client, target="nowhere", at=3_600)
    world.issue(client, at=86_400)
    rollups.roll_up(at=later(86_401))
    found = figure_counts.charts(later(86_401))
    assert len(found["hours"]) == 24
    assert len(found["days"]) == 30
    assert found["hours"][-1] == ["2026-01-02T12:00:00+00:00", 1, 0, 0]
    assert found["hours"][0] == ["2026-01-01T13:00:00+00:00", 0, 0, 1]
    assert found["days"][-2] == ["2026-01-01T00:00:00+00:00", 1, 1, 1]
    assert found["summed_to"] == "2026-01-02T12:00:00+00:00"


def test_the_age_of_signing_keys_and_the_jobs_are_among_the_figures(world: World) -> None:
    signing.ensure(world.test, by="ada")
    (key,) = figure_counts.signing_keys(later(0) + timedelta(days=10_000))
    assert (key["environment"], of_kept(key["next"])) == ("test", "rotates by hand")
    assert "Count requests by the hour" in {job["name"] for job in figure_counts.background(later(1))}


# ------------------------------------------------------------------------------------------------- who counts, and when


@pytest.fixture
def counted(db: None, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Counting is a note of when it was asked for."""
    asked: list[Any] = []

    def everything(now: Any) -> dict[str, int]:
        asked.append(now)
        return {"n": len(asked)}

    monkeypatch.setattr(figure_counts, "everything", everything)
    return asked


def test_figures_are_at_most_a_minute_old(counted: list[Any]) -> None:
    first = figures.for_page(at=later(0))
    assert first is not None
    assert (first.figures, first.taken_at) == ({"n": 1}, later(0))
    assert figures.for_page(at=later(59)).figures == {"n": 1}  # type: ignore[union-attr]
    assert figures.for_page(at=later(60)).figures == {"n": 2}  # type: ignore[union-attr]
    assert counted == [later(0), later(60)]


def test_one_counts_at_a_time_and_a_dead_one_is_waited_for_no_longer_than_its_lease(counted: list[Any]) -> None:
    Figures.objects.create(pk=1, counting_since=later(0))
    assert not figures.take(at=later(119))
    assert counted == []
    assert figures.take(at=later(120))
    assert Figures.objects.get().counting_since is None


def test_a_page_never_waits_for_a_count_that_takes_long(counted: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    assert figures.take(at=later(0))
    Figures.objects.update(took_ms=5_000)
    kept = figures.for_page(at=later(1_000))
    assert kept is not None
    assert kept.taken_at == later(0)  # old, and its age is shown

    @contextmanager
    def too_long(seconds: float) -> Any:
        yield
        raise TooLong

    monkeypatch.setattr(figures, "answered_within", too_long)
    Figures.objects.update(took_ms=1)
    assert figures.for_page(at=later(1_000)).taken_at == later(0)  # type: ignore[union-attr]
    assert Figures.objects.get().counting_since is None
    Figures.objects.all().delete()
    assert figures.for_page(at=later(1_000)) is None


def take_at_once(index: int) -> bool:
    return figures.take(at=later(0) + timedelta(milliseconds=index))


def test_of_many_that_count_at_once_one_does(own_database: OwnDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    held = threading.Event()

    def everything(now: Any) -> dict[str, Any]:
        held.wait(1)
        return {}

    monkeypatch.setattr(figure_counts, "everything", everything)
    outcomes = own_database.run_in_threads(6, take_at_once)
    assert sorted(outcome.get() for outcome in outcomes) == [False] * 5 + [True]
