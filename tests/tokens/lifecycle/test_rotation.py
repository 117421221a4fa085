"""Signing keys by the calendar and by hand: published before they sign, on every clock and under load (D13, I21)."""

import threading
from datetime import datetime, timedelta
from typing import Any

import jwt
import pytest

from proxies import catalogue
from proxies.errors import InvalidName
from proxies.models import ChangeRecord
from tests import world as worlds
from tests.databases import OwnDatabase
from tests.tokens.lifecycle.test_signing import issue_jwt, kid_of, published
from tests.world import REQUEST, START, World, later
from tokens import errors, key_rules, lifecycle, signing
from tokens.models import SigningKey
from tokens.signing import Turned

DAY = 24 * 3600
NOTHING = Turned(0, 0, 0)


def scheduled(world: World, days: int = 30) -> SigningKey:
    """The environment `test` rotates by itself; its first key signs."""
    catalogue.change_environment(world.test, by="test", signing_key_rotation_days=days)
    return signing.rotate(world.test, by="test", algorithm="ES256", at=START)


def sweep(seconds: float) -> Turned:
    return signing.rotate_due(at=later(seconds))


def test_d13_by_the_calendar_a_key_is_published_signs_verifies_and_retires(world: World) -> None:
    first = scheduled(world)
    assert sweep(22.9 * DAY) == NOTHING
    assert sweep(23 * DAY) == Turned(1, 0, 0)
    following = SigningKey.objects.get(published_at=later(23 * DAY), signing_since=None)
    assert (following.algorithm, published(world)) == ("ES256", {first.kid, following.kid})
    token = issue_jwt(world, at=29.9 * DAY, access=DAY)
    assert kid_of(token) == first.kid
    assert sweep(29.9 * DAY) == NOTHING
    assert sweep(30 * DAY) == Turned(0, 1, 0)
    assert kid_of(issue_jwt(world, at=30 * DAY)) == following.kid
    assert world.good(token, at=30 * DAY)
    assert sweep(30.8 * DAY) == NOTHING
    assert sweep(30.9 * DAY) == Turned(0, 0, 1)
    assert published(world) == {following.kid}
    history = ChangeRecord.objects.filter(actor="", subject_kind="signingkey").order_by("id")
    assert [record.verb for record in history] == ["stage", "publish", "rotate", "retire"]


def test_a_sweep_run_twice_does_nothing_more(world: World) -> None:
    scheduled(world)
    for due, done in ((23 * DAY, Turned(1, 0, 0)), (30 * DAY, Turned(0, 1, 0)), (31 * DAY, Turned(0, 0, 1))):
        assert [sweep(due), sweep(due), sweep(due + 59)] == [done, NOTHING, NOTHING]
    assert SigningKey.objects.count() == 2


def test_i21_after_a_long_silence_the_next_key_is_still_published_first(world: World) -> None:
    first = scheduled(world)
    assert sweep(200 * DAY) == Turned(1, 0, 0)
    assert kid_of(issue_jwt(world, at=200 * DAY)) == first.kid
    assert sweep(206.9 * DAY) == NOTHING
    assert sweep(207 * DAY) == Turned(0, 1, 0)


def test_environments_without_a_calendar_or_without_a_key_are_left_alone(world: World) -> None:
    issue_jwt(world)
    catalogue.change_environment(world.live, by="test", signing_key_rotation_days=1)
    assert sweep(1000 * DAY) == NOTHING
    assert SigningKey.objects.count() == 1


def test_a_staged_key_is_the_next_one_a_given_one_too(world: World) -> None:
    scheduled(world)
    staged = signing.stage(world.test, by="test", algorithm="RS256", at=later(DAY))
    assert sweep(23 * DAY) == Turned(1, 0, 0)
    staged.refresh_from_db()
    assert staged.state == "published"
    assert sweep(30 * DAY) == Turned(0, 1, 0)
    assert kid_of(issue_jwt(world, at=30 * DAY)) == staged.kid


def test_a_rotation_by_hand_starts_the_calendar_anew(world: World) -> None:
    scheduled(world)
    sweep(23 * DAY)
    by_hand = signing.rotate_published(world.test, by="ada", at=later(24 * DAY))
    assert sweep(30 * DAY) == Turned(0, 0, 1)
    assert sweep(47 * DAY) == Turned(1, 0, 0)
    assert kid_of(issue_jwt(world, at=53 * DAY)) == by_hand.kid


@pytest.mark.parametrize("days", [0, -1, 3651])
def test_a_calendar_of_no_days_is_refused(world: World, days: int) -> None:
    with pytest.raises(InvalidName):
        catalogue.change_environment(world.test, by="test", signing_key_rotation_days=days)


def test_i21_by_hand_too_a_key_signs_only_when_everybody_can_know_it(world: World) -> None:
    first = signing.rotate_published(world.test, by="test", at=START)
    assert first.state == "signing", "nobody keeps a set without keys, so the first need not wait"
    with pytest.raises(errors.SigningKeyState, match="Publish one first"):
        signing.rotate_published(world.test, by="test", at=later(DAY))
    following = signing.publish_next(world.test, by="test", at=later(DAY))
    assert signing.publish_next(world.test, by="test", at=later(DAY)) == following
    with pytest.raises(errors.SigningKeyState, match="a moment ago"):
        signing.rotate_published(world.test, by="test", at=later(DAY + 299))
    assert signing.rotate_published(world.test, by="test", at=later(DAY + 300)) == following
    assert kid_of(issue_jwt(world, at=DAY + 301)) == following.kid


def test_another_algorithm_waits_for_a_key_of_its_own(world: World) -> None:
    signing.rotate(world.test, by="test", at=START)
    signing.publish_next(world.test, by="test", at=START)
    with pytest.raises(errors.SigningKeyState, match="Publish one first"):
        signing.rotate_published(world.test, by="test", algorithm="ES256", at=later(DAY))
    wanted = signing.publish_next(world.test, by="test", algorithm="ES256", at=later(DAY))
    assert signing.rotate_published(world.test, by="test", algorithm="ES256", at=later(2 * DAY)) == wanted


def test_a_key_that_never_signed_is_taken_back_and_one_that_signed_is_not(world: World) -> None:
    signing.rotate(world.test, by="test", at=START)
    following = signing.publish_next(world.test, by="test", at=START)
    signing.retire(following, by="test", at=later(1))
    assert following.kid not in published(world)
    assert signing.rotate(world.test, by="test", at=later(2)) != following
    for key in SigningKey.objects.all():
        with pytest.raises(errors.SigningKeyState):
            signing.retire(key, by="test", at=later(3))


# --- Races: one caller of many does each step -------------------------------------------------------------------------


def _sweep_at(_index: int, seconds: float) -> Turned:
    return sweep(seconds)


def _publish_next(_index: int, world: World) -> str:
    return signing.publish_next(world.test, by="test", at=later(1)).kid


def _rotate_published(_index: int, world: World) -> str:
    return signing.rotate_published(world.test, by="test", at=later(DAY)).kid


def test_sweeps_that_run_at_one_moment_publish_one_key_and_rotate_once(own_database: OwnDatabase) -> None:
    world = worlds.build()
    scheduled(world)
    for seconds, done in ((23 * DAY, Turned(1, 0, 0)), (30 * DAY, Turned(0, 1, 0)), (31 * DAY, Turned(0, 0, 1))):
        outcomes = [each.get() for each in own_database.run_in_threads(4, _sweep_at, seconds)]
        assert sorted(outcomes, key=str) == sorted([done, NOTHING, NOTHING, NOTHING], key=str)
    assert [key.state for key in SigningKey.objects.order_by("id")] == ["retired", "signing"]


def test_who_publish_the_next_key_at_one_moment_publish_the_same_and_one_rotation_of_several_is_done(
    own_database: OwnDatabase,
) -> None:
    world = worlds.build()
    signing.rotate(world.test, by="test", algorithm="ES256", at=START)
    assert len({each.get() for each in own_database.run_in_threads(4, _publish_next, world)}) == 1
    outcomes = own_database.run_in_threads(4, _rotate_published, world)
    assert sorted(type(each.error).__name__ for each in outcomes) == ["NoneType", *["SigningKeyState"] * 3]


# --- Under load -------------------------------------------------------------------------------------------------------


class Load:
    """Issuers and a sweep that race in each step of a clock that leaps by hours, and what each of them saw."""

    CALLERS = 3

    def __init__(self, world: World) -> None:
        self.world, self.now = world, START
        self.steps = [40 if step % 6 == 0 else 5000 for step in range(72)]  # three and a half days; keys rotate daily
        # Nobody leaps while a request runs: none lasts as long as the clock leaps (key_rules.AFTERGLOW).
        self.together = threading.Barrier(self.CALLERS)
        self.tokens: list[tuple[datetime, str]] = []
        self.sets: list[tuple[datetime, dict[str, Any]]] = []

    def act(self, index: int) -> None:
        for seconds in self.steps:
            self.together.wait(60)
            if index:
                answer = lifecycle.issue(self.world.key_of(self.world.orders), request=REQUEST, at=self.now)
                self.tokens.append((self.now, answer.access_token))
            else:
                self.fetch()
                signing.rotate_due(at=self.now)
                self.fetch()
            self.together.wait(60)
            if index == 0:
                self.now += timedelta(seconds=seconds)

    def fetch(self) -> None:
        self.sets.append((self.now, {str(key["kid"]): key for key in signing.jwks(self.world.test)}))


def test_i21_rotation_under_load_every_jwt_verifies_by_the_jwks_from_its_first_use_until_its_end(
    own_database: OwnDatabase,
) -> None:
    world = worlds.build()
    scheduled(world, days=1)
    world.policy(world.orders, format="jwt", access=2 * 3600)
    load = Load(world)
    for each in own_database.run_in_threads(load.CALLERS, load.act):
        each.get()

    used = set()
    for issued, raw in load.tokens:
        kid = jwt.get_unverified_header(raw)["kid"]
        used.add(kid)
        expires = issued + timedelta(hours=2)
        # A validator may use a set for as long as it may be kept.
        sets = [keys for at, keys in load.sets if issued - key_rules.JWKS_LIFETIME <= at < expires]
        assert all(kid in keys for keys in sets), (issued, kid)
        options: Any = {"verify_exp": False, "verify_iat": False, "verify_nbf": False}
        key = jwt.PyJWK(sets[0][kid])
        claims = jwt.decode(raw, key, algorithms=["ES256"], audience=world.orders.audience, options=options)
        assert claims["exp"] == int(expires.timestamp())
    assert len(used) >= 3, "it did rotate under way"
    assert max(len(keys) for _, keys in load.sets) <= 3
    states = [key.state for key in SigningKey.objects.order_by("id")]
    assert states.count("signing") == 1
    assert "retired" in states
