"""Cleaning beside a model of D17 in Python, in histories by the dice (I11, I12, S0.6)."""

import random
from dataclasses import dataclass
from datetime import timedelta

import pytest

from credentials.errors import CredentialError
from tests.tokens import people
from tests.world import REQUEST, World, later
from tokens import errors, lifecycle, signing
from tokens.lifecycle import Session, TokenAnswer
from tokens.models import IssuedToken, RefreshKey, TokenFamily, TokenRequestLog

HOUR = 3_600
DAY = 86_400
RETENTION = 30 * DAY


@dataclass
class Held:
    """What a client of the model holds."""

    answer: TokenAnswer
    previous: TokenAnswer | None = None


def needed(at: float) -> tuple[set[int], set[int]]:
    """By the words of D17: ids of access tokens and refresh keys that must not go."""
    now = later(at)
    since, recently = now - timedelta(seconds=RETENTION), now - timedelta(hours=1)
    tokens: set[int] = set()
    keys: set[int] = set()
    for family in TokenFamily.objects.prefetch_related("tokens", "refresh_keys"):
        retained = family.revoked_at is not None and family.revoked_at > since
        own_tokens, own_keys = list(family.tokens.all()), list(family.refresh_keys.all())
        static, of_client = family.refresh_mode == "static", family.kind == "client"

        def step(key: RefreshKey, at_step: int = family.sequence, static: bool = static) -> int:
            return at_step if static else key.sequence

        for record, kept in [(each, tokens) for each in own_tokens] + [(each, keys) for each in own_keys]:
            live = record.expires_at is None or record.expires_at > now
            held_back = record.revoked_at is not None and record.revoked_at > since
            if live or retained or held_back:
                kept.add(record.pk)
        for token in own_tokens:
            pair = [key for key in own_keys if step(key) == token.sequence] if of_client else []
            if any(key.expires_at > now or key.created_at > recently for key in pair):
                tokens.add(token.pk)
        for key in own_keys:
            pair_lives = any(
                token.expires_at is None or token.expires_at > now
                for token in own_tokens
                if token.sequence == step(key)
            )
            may_ask_again = any(n.sequence == key.sequence + 1 and n.created_at > recently for n in own_keys)
            if pair_lives or may_ask_again or key.created_at > recently:
                keys.add(key.pk)
    return tokens, keys


class History:
    """Clients and people at work by the dice, time that passes, and a cleaning now and then."""

    def __init__(self, world: World, dice: random.Random) -> None:
        self.world, self.dice, self.at = world, dice, 0.0
        self.held: list[Held] = []
        self.sessions: list[Session] = []

    @property
    def client(self) -> lifecycle.Client:
        return self.world.key_of(self.world.orders)

    def step(self) -> None:
        self.at += self.dice.choice([0.1, 1, 5, 59, 60, 600, HOUR, 5 * HOUR])
        acts = [self.issue, self.issue, self.log_in, self.refresh, self.refresh, self.refresh, self.replay, self.revoke]
        try:
            self.dice.choice([*acts, self.use_session, self.use_session])()
        except (errors.TokenError, CredentialError):
            pass  # the model only needs some history

    def issue(self) -> None:
        dice = self.dice
        self.world.policy(
            self.world.orders,
            access=dice.choice([1, 60, HOUR, DAY]),
            refresh=dice.choice([1, 60, HOUR, DAY, 3 * DAY]),
            count=dice.choice([None, 1, 3]),
            mode=dice.choice(["rotating", "rotating", "static"]),
            window=dice.choice([0, 10, HOUR]),
            format=dice.choice(["opaque", "jwt"]),
            family=dice.choice([None, None, DAY]),
            never_expires=dice.random() < 0.1,
        )
        self.held.append(Held(self.world.issue(self.client, at=self.at)))

    def refresh(self) -> None:
        if self.held:
            chosen = self.dice.choice(self.held)
            answer = self.world.refresh(self.client, chosen.answer.refresh_token or "", at=self.at)
            chosen.previous, chosen.answer = chosen.answer, answer

    def replay(self) -> None:
        if self.held and (shown := self.dice.choice(self.held).previous) is not None:
            self.world.refresh(self.client, shown.refresh_token, at=self.at)

    def revoke(self) -> None:
        if self.held and self.dice.random() < 0.4:
            chosen = self.dice.choice(self.held).answer
            raw = self.dice.choice([chosen.access_token, chosen.refresh_token or "nothing"])
            lifecycle.revoke(self.client, raw, request=REQUEST, at=later(self.at))

    def log_in(self) -> None:
        self.sessions.append(people.login(at=self.at))

    def use_session(self) -> None:
        if self.sessions:
            number = self.dice.randrange(len(self.sessions))
            raw = self.sessions[number].refresh
            act = self.dice.choice(["access", "access", "access", "renew", "logout"])
            if act == "renew":
                self.sessions[number] = people.renew(raw, at=self.at)
            elif act == "logout":
                people.logout(raw, at=self.at)
            else:
                people.access(raw, at=self.at)

    def good(self) -> list[bool]:
        """Whether each token is good now; what was revoked stays refused when its row is purged."""
        shown = [answer for each in self.held for answer in (each.answer, each.previous) if answer is not None]
        return [self.world.good(answer, at=self.at) for answer in shown]

    def clean(self) -> None:
        tokens, keys = needed(self.at)
        before, log = self.good(), list(TokenRequestLog.objects.order_by("id").values())
        now = later(self.at)
        rows = IssuedToken.objects.count(), RefreshKey.objects.count()
        foreseen = lifecycle.clean(at=now, dry_run=True)
        assert (foreseen.tokens, foreseen.refresh_keys) == (rows[0] - len(tokens), rows[1] - len(keys))
        done = lifecycle.clean(at=now, window=self.dice.choice([1, 3, 500]))
        assert (done.tokens, done.refresh_keys) == (foreseen.tokens, foreseen.refresh_keys)
        assert set(IssuedToken.objects.values_list("pk", flat=True)) == tokens
        assert set(RefreshKey.objects.values_list("pk", flat=True)) == keys
        assert not TokenFamily.objects.filter(tokens=None, refresh_keys=None).exists()
        assert self.good() == before
        again = lifecycle.clean(at=now)
        assert (again.tokens, again.refresh_keys, again.families) == (0, 0, 0)
        assert list(TokenRequestLog.objects.order_by("id").values()) == log


@pytest.mark.parametrize("seed", range(8))
def test_d17_i11_i12_cleaning_removes_nothing_needed_and_everything_else_and_twice_is_once(
    world: World, seed: int
) -> None:
    signing.rotate(world.test, by="test", algorithm="ES256", at=later(0))
    people.person()
    history = History(world, random.Random(seed))
    for _ in range(12):
        for _ in range(6):
            history.step()
        history.at += history.dice.choice([0, 1, HOUR, DAY, 10 * DAY, 31 * DAY])
        history.clean()
