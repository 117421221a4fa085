"""Cleaning beside everybody who adds to what it takes away: nothing is left without its family.

The clock is an argument, so what cleaning takes for long past is still good for the others: each sweep is a race.
"""

import threading
from typing import Any

import pytest

from tests import world as worlds
from tests.databases import OwnDatabase, close_connections
from tests.tokens import people
from tests.tokens.lifecycle.test_races import built
from tests.world import REQUEST, START, later
from tokens import errors, lifecycle, signing
from tokens.lifecycle import Client
from tokens.models import IssuedToken, RefreshKey, TokenFamily, TokenRequestLog
from tokens.statements import clean, orphans

LONG_PAST = 400 * 86_400
MINUTE_AGO = 60


def _client(client_id: str, secret: str, token_format: str) -> list[str]:
    """Gets tokens and refreshes them until they are cleaned away; the codes of what was refused."""
    client, refused = Client(client_id, secret), []
    for _ in range(12):
        answer = lifecycle.issue(client, target="orders", request=REQUEST, at=START)
        try:
            for step in range(1, 5):
                answer = lifecycle.refresh(client, answer.refresh_token or "", request=REQUEST, at=later(step))
        except errors.TokenError as error:
            refused.append(error.code)
    return refused


def _person(*_named: str) -> list[str]:
    refused = []
    for _login in range(4):
        session = people.login()
        try:
            for step in range(1, 5):
                people.access(session.refresh, at=step)
                session = people.renew(session.refresh, at=step)
        except errors.TokenError as error:
            refused.append(error.code)
    return refused


def _at_work(index: int, *named: str) -> list[str]:
    if index == 0:
        for _ in range(40):
            lifecycle.clean(at=later(LONG_PAST), window=9)
        return []
    return (_client, _client, _person)[index % 3](*named)


@pytest.mark.parametrize("mode", ["rotating", "static"])
def test_i11_cleaning_beside_issues_refreshes_and_renewals_leaves_nothing_without_its_family(
    own_database: OwnDatabase, mode: str
) -> None:
    _, client, _ = built(mode=mode, count=None)
    people.person()
    outcomes = own_database.run_in_threads(7, _at_work, client.client_id, client.secret, "opaque")
    # What was cleaned is unknown, and what was refreshed before may look spent: nothing else is refused, none fails.
    codes = {code for outcome in outcomes for code in outcome.get()}
    assert codes <= {"token_not_found", "refresh_token_reused", "refresh_token_revoked"}
    assert list(orphans.find()) == []
    assert not TokenFamily.objects.filter(tokens=None, refresh_keys=None).exists()
    lifecycle.clean(at=later(LONG_PAST))
    assert (IssuedToken.objects.count(), RefreshKey.objects.count()) == (0, 0)
    assert TokenFamily.objects.count() == 0
    assert TokenRequestLog.objects.filter(action="refresh", outcome="granted").exists()


class Between:
    """Lets somebody come between the two statements of a sweep, on a connection of its own."""

    def __init__(self, come: Any) -> None:
        self.come, self.real = come, clean.database.changed
        self.result: list[Any] = []
        self.thread = threading.Thread(target=self._call, daemon=True)

    def _call(self) -> None:
        try:
            self.result.append(self.come())
        except errors.TokenError as error:
            self.result.append(error.code)
        finally:
            close_connections()

    def changed(self, sql: str, parameters: Any, **named: Any) -> int:
        if "DELETE FROM tokens_tokenfamily" in sql and not self.thread.ident:
            self.thread.start()
            self.thread.join(1)  # it waits for what the sweep holds, or has done its worst by now
        return self.real(sql, parameters, **named)


@pytest.mark.parametrize("act", [people.access, people.renew])
def test_i11_a_session_used_while_its_family_is_being_removed_gets_nothing(
    own_database: OwnDatabase, monkeypatch: pytest.MonkeyPatch, act: Any
) -> None:
    world = worlds.build()
    signing.rotate(world.test, by="test", algorithm="ES256", at=START)
    people.person()
    session = people.login()
    IssuedToken.objects.all().delete()  # as the sweep of access tokens leaves it
    between = Between(lambda: act(session.refresh, at=MINUTE_AGO))
    monkeypatch.setattr(clean.database, "changed", between.changed)
    lifecycle.clean(at=later(LONG_PAST))
    monkeypatch.undo()
    between.thread.join(30)
    assert between.result == ["token_not_found"]
    assert list(orphans.find()) == []
    assert (IssuedToken.objects.count(), TokenFamily.objects.count()) == (0, 0)


def test_d17_a_predecessor_that_is_cleaned_leaves_its_number_which_is_never_given_again(
    own_database: OwnDatabase,
) -> None:
    world, client, raw = built(count=None, refresh=7 * 86_400)
    later_key = world.refresh(client, raw, at=6 * 86_400)
    first, second = RefreshKey.objects.order_by("id")
    lifecycle.clean(at=later(8 * 86_400))
    assert list(RefreshKey.objects.values_list("id", "parent_id")) == [(second.pk, first.pk)]
    world.refresh(client, later_key.refresh_token, at=9 * 86_400)
    assert RefreshKey.objects.order_by("-id")[0].pk > second.pk
    lifecycle.clean(at=later(LONG_PAST))
    world.issue(client, at=LONG_PAST)
    assert RefreshKey.objects.get().pk > second.pk + 1
