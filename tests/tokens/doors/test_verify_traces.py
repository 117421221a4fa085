"""ANY /auth/verify leaves nothing behind but the time of use (D25)."""

import os
import threading
from datetime import timedelta
from unittest import mock

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.tokens.doors.asking import rows, tokens_of, verify
from tests.tokens.doors.verified import check_good
from tests.world import START
from tokens import sightings
from tokens.models import IssuedToken

# --- What is left behind: nothing but the time of use -----------------------------------------------------------------

# As it is, before a fixture keeps the thread away.
START_THREAD = sightings._start


def test_d25_verify_leaves_no_row_and_writes_nothing(world):
    _, access, _ = tokens_of(world)
    before = rows()

    with CaptureQueriesContext(connection) as asked:
        for raw in (access, "nonsense", None):
            verify(raw)
        verify(access, "billing")
        verify(access, HTTP_X_REQUIRED_SCOPE="everything")

    assert rows() == before
    assert all(query["sql"].lstrip().startswith("SELECT") for query in asked)
    assert IssuedToken.objects.get().last_used_at is None


def test_d25_last_used_moves_when_the_sightings_are_written(world):
    with time_machine.travel(START, tick=False):
        _, access, _ = tokens_of(world)
        verify(access, REMOTE_ADDR="192.0.2.99")
    assert sightings.flush() == 1
    token = IssuedToken.objects.get()
    expected = (START, "orders", "192.0.2.99")
    assert (token.last_used_at, token.last_used_proxy, token.last_used_address) == expected

    for seconds, moved in ((30, 0), (59, 0), (61, 1), (40, 0)):
        with time_machine.travel(START + timedelta(seconds=seconds), tick=False):
            sightings.seen(token.pk, proxy="orders", address="192.0.2.99")
        assert sightings.flush() == moved, seconds
    token.refresh_from_db()
    assert token.last_used_at == START + timedelta(seconds=61)


def test_d25_a_refused_call_is_no_use(world):
    _, access, _ = tokens_of(world)

    verify(access, "billing")
    verify(access, HTTP_X_REQUIRED_SCOPE="everything")

    assert sightings.flush() == 0


@pytest.mark.parametrize("address", ["", "unix:", "fe80::1%eth0", "not an address"])
def test_d25_an_odd_address_of_the_caller_loses_nobody_s_time_of_use(world, address):
    _, access, _ = tokens_of(world)

    check_good(verify(access, REMOTE_ADDR=address))

    assert sightings.flush() == 1
    assert IssuedToken.objects.get().last_used_at is not None


def test_i18_the_address_of_use_is_believed_from_trusted_proxies_only(world, settings):
    _, access, _ = tokens_of(world)

    def used_from(peer: str, forwarded: str) -> str | None:
        IssuedToken.objects.update(last_used_at=None, last_used_address=None)
        verify(access, REMOTE_ADDR=peer, HTTP_X_FORWARDED_FOR=forwarded)
        sightings.flush()
        return IssuedToken.objects.get().last_used_address

    assert used_from("192.0.2.1", "203.0.113.5") == "192.0.2.1"
    settings.TRUSTED_PROXIES = ["192.0.2.0/24"]
    assert used_from("192.0.2.1", "203.0.113.5") == "203.0.113.5"
    assert used_from("192.0.2.1", "198.51.100.1, 203.0.113.5, 192.0.2.2") == "203.0.113.5"
    assert used_from("192.0.2.1", "nonsense") == "192.0.2.1"
    assert used_from("203.0.113.9", "198.51.100.1") == "203.0.113.9"


def test_a_user_name_that_no_header_can_carry_is_percent_encoded():
    from tokens.doors.verify import visible

    assert visible("anna") == "anna"
    assert visible("b\xe9a o'neil\r\n") == "b%C3%A9a%20o'neil%0D%0A"
    assert visible("100%") == "100%25"


@pytest.mark.parametrize("part", ["flush", "connections"])
def test_a_fault_while_sightings_are_written_does_not_end_their_thread(part, monkeypatch, caplog) -> None:
    tried = mock.MagicMock(side_effect=RuntimeError("not of the database"))
    tried.close_all.side_effect = RuntimeError("not of the database")
    monkeypatch.setattr(sightings, part, tried)
    monkeypatch.setattr(sightings, "_stop", mock.Mock(wait=mock.Mock(side_effect=[False, False, True])))
    sightings._run()
    assert tried.call_count + tried.close_all.call_count == 2
    assert caplog.text.count("last-used times of a few seconds were lost") == 2


def test_a_thread_of_sightings_that_cannot_start_is_tried_again(monkeypatch) -> None:
    started = mock.Mock(side_effect=[RuntimeError("can't start new thread"), None])
    monkeypatch.setattr(sightings, "_thread", None)
    monkeypatch.setattr(threading.Thread, "start", started)
    with pytest.raises(RuntimeError):
        START_THREAD()
    START_THREAD()
    assert started.call_count == 2
    assert sightings._thread is not None


def test_a_forked_process_begins_with_no_thread_of_sightings(monkeypatch) -> None:
    monkeypatch.setattr(sightings, "_thread", threading.current_thread())
    child = os.fork()
    if not child:
        os._exit(0 if sightings._thread is None else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert sightings._thread is threading.current_thread()
