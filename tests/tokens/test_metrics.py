"""What a process counts of its requests."""

import re

import pytest

from tests.databases import run_in_threads
from tests.tokens.doors.asking import ask_token, tokens_of, verify
from tests.world import World, call
from tokens import metrics
from tokens.lifecycle import Client


def figure(name: str, **labels: str) -> float:
    """A figure as Prometheus reads it; 0 where it is not there yet."""
    text = metrics.text().decode()
    for line in text.splitlines():
        found = re.fullmatch(r"(\w+)(?:\{(.*)\})? (\S+)", line)
        if found and found[1] == name and dict(re.findall(r'(\w+)="([^"]*)"', found[2] or "")) == labels:
            return float(found[3])
    return 0.0


def requests(door: str, outcome: str, reason: str) -> float:
    return figure("latchkey_requests_total", door=door, outcome=outcome, reason=reason)


@pytest.fixture(autouse=True)
def no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "_start", lambda: None)


def test_requests_are_counted_by_door_outcome_and_reason(world: World, settings) -> None:
    settings.CLIENT_RATE_LIMIT_PER_MINUTE = settings.TOKEN_RATE_LIMIT_PER_MINUTE = 0
    before = {
        which: requests(*which)
        for which in (
            ("token", "granted", ""),
            ("token", "refused", "client_auth_failed"),
            ("verify", "granted", ""),
            ("verify", "refused", "token_unknown"),
            ("introspect", "refused", "client_auth_failed"),
            ("token", "refused", "invalid_request"),
        )
    }
    client, access, _ = tokens_of(world)
    stranger = Client(client.client_id, "wrong")
    ask_token(stranger)
    verify(access)
    reason = verify("lk_at_" + "0" * 72).json["error_code"]
    call("/oauth2/introspect", {"token": access}, client=stranger)
    call("/oauth2/token", {}, client=client)
    del before["verify", "refused", "token_unknown"]
    for which, count in before.items():
        assert requests(*which) == count + 1, which
    assert requests("verify", "refused", reason) >= 1


def test_times_are_counted_by_bucket_and_summed(world: World) -> None:
    def bucket(bound: str) -> float:
        return figure("latchkey_request_seconds_bucket", door="a door", le=bound)

    for seconds in (0.0001, 0.001, 0.0011, 99.0):
        metrics.answered("a door", 200, "", seconds)
    assert [bucket(bound) for bound in ("0.0005", "0.001", "0.0025", "10.0", "+Inf")] == [1, 2, 3, 3, 4]
    assert figure("latchkey_request_seconds_count", door="a door") == 4
    assert figure("latchkey_request_seconds_sum", door="a door") == pytest.approx(99.0022)


def test_a_revocation_s_delay_is_counted_when_it_is_committed(world: World) -> None:
    client, access, _ = tokens_of(world)
    before = figure("latchkey_revocation_delay_seconds_count")
    call("/oauth2/revoke", {"token": access}, client=client)
    assert figure("latchkey_revocation_delay_seconds_count") == before + 1
    call("/oauth2/revoke", {"token": access}, client=Client(client.client_id, "wrong"))
    assert figure("latchkey_revocation_delay_seconds_count") == before + 1


def count_many(index: int) -> None:
    for _ in range(500):
        metrics.answered("counted in parallel", 200, "", 0.001)
        if index == 0:
            metrics.flush()


def test_no_request_is_lost_or_counted_twice_while_threads_count_and_flush() -> None:
    for outcome in run_in_threads(8, count_many):
        outcome.get()
    assert requests("counted in parallel", "granted", "") == 4000
    assert figure("latchkey_request_seconds_count", door="counted in parallel") == 4000


@pytest.mark.parametrize(
    ("status", "word"), [(200, "granted"), (401, "refused"), (405, "refused"), (429, "limited"), (503, "unavailable")]
)
def test_an_outcome_is_one_word(status, word) -> None:
    assert metrics.outcome(status) == word
