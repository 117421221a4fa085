"""Honest clients that keep a model: what they hold, what must be dead, what they were answered. They judge."""

import base64
import http.client
import json
import random
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import urlencode

from tests.faults.installation import Installation
from tests.faults.processes import Node

RECOVERY_SECONDS = 5.0
PATIENCE_SECONDS = 25.0
PROXIES = {"orders": "orders", "billing": "billing"}


@dataclass
class Asked:
    """One request of a token: its id, and the status it was answered with; None: no answer came."""

    request_id: str
    action: str
    status: int | None
    took: float


def ask(
    node: Node, method: str, path: str, headers: dict[str, str], form: dict[str, str] | None = None
) -> tuple[int | None, dict[str, Any]]:
    """Status and body; None where no answer came."""
    wire = http.client.HTTPConnection("127.0.0.1", node.port, timeout=PATIENCE_SECONDS)
    try:
        body = urlencode(form) if form is not None else None
        if body is not None:
            headers = {**headers, "Content-Type": "application/x-www-form-urlencoded"}
        wire.request(method, path, body, headers)
        answer = wire.getresponse()
        content = answer.read()
        return answer.status, json.loads(content) if content[:1] == b"{" else {}
    except (OSError, http.client.HTTPException, ValueError):
        return None, {}
    finally:
        wire.close()


def verify(node: Node, proxy: str, access: str) -> int | None:
    return ask(node, "GET", "/auth/verify", {"X-Proxy": proxy, "Authorization": f"Bearer {access}"})[0]


@dataclass
class Honest:
    """One client of one proxy. After any fault it holds a working token, or can refresh (I26)."""

    proxy: str
    client: tuple[str, str]
    nodes: list[Node]
    asked: list[Asked] = field(default_factory=list)
    seen: Counter[tuple[str, int | None]] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    dead: list[str] = field(default_factory=list)
    access: str = ""
    refresh: str = ""
    in_doubt: bool = False
    slowest: float = 0.0

    def step(self) -> None:
        """One thing that a client does."""
        if not self.refresh:
            self.issue()
        elif random.random() < 0.35:
            self.use_refresh()
        elif random.random() < 0.15:
            self.revoke()
        else:
            self.use()

    def _token_request(self, action: str, path: str, form: dict[str, str]) -> tuple[int | None, dict[str, Any]]:
        request_id = uuid.uuid4().hex
        pair = base64.b64encode(":".join(self.client).encode()).decode()
        started = time.monotonic()
        headers = {"Authorization": f"Basic {pair}", "X-Request-ID": request_id}
        status, body = ask(random.choice(self.nodes), "POST", path, headers, form)
        took = time.monotonic() - started
        self.asked.append(Asked(request_id, action, status, took))
        self._note(action, status, took)
        return status, body

    def _note(self, action: str, status: int | None, took: float) -> None:
        self.seen[action, status] += 1
        self.slowest = max(self.slowest, took)
        if status not in (200, 503, None):
            self.wrong.append(f"{action} of an honest client was answered {status}")

    def issue(self) -> int | None:
        status, body = self._token_request("issue", "/oauth2/token", {"grant_type": "client_credentials"})
        if status == 200:
            self.access, self.refresh, self.in_doubt = body["access_token"], body["refresh_token"], False
        return status

    def _ask_refresh(self) -> tuple[int | None, dict[str, Any]]:
        form = {"grant_type": "refresh_token", "refresh_token": self.refresh}
        return self._token_request("refresh", "/oauth2/token", form)

    def lose_a_refresh(self) -> None:
        """One whose answer does not arrive, where it holds something to refresh: it cannot know what happened (D2)."""
        if self.refresh:
            self._ask_refresh()
            self.in_doubt = True

    def use_refresh(self) -> int | None:
        status, body = self._ask_refresh()
        if status != 200:
            # It may have happened all the same; the same question is asked again later.
            self.in_doubt = True
            return status
        if self.proxy == "orders" and body["access_token"] != self.access:
            self.dead.append(self.access)  # D6
        self.access, self.refresh, self.in_doubt = body["access_token"], body["refresh_token"], False
        return status

    def revoke(self) -> int | None:
        """Everything it holds. A 200 is a promise (I7); without one it is asked again until there is one."""
        if self.in_doubt:
            return self.use_refresh()
        status, _ = self._token_request("revoke", "/oauth2/revoke", {"token": self.refresh})
        if status == 200:
            self.dead.append(self.access)
            self.access = self.refresh = ""
        else:
            self.in_doubt = True
            # Revoked or not, nobody knows; a new start is not what I26 asks of those who revoke.
            self.access = self.refresh = ""
            self.in_doubt = False
        return status

    def use(self) -> None:
        """Its own token is good at both nodes, and what is dead is dead at both (I6)."""
        node = random.choice(self.nodes)
        if self.dead and random.random() < 0.5:
            shown = random.choice(self.dead[-20:])
            status = verify(node, self.proxy, shown)
            if status == 200:
                self.wrong.append("a token that was revoked or replaced was accepted (I6, I7)")
            elif status not in (401, 503, None):
                self.wrong.append(f"verify was answered {status}")
            self.seen["verify", status if status != 401 else 200] += 1
            return
        if self.in_doubt:
            return
        started = time.monotonic()
        self._note("verify", verify(node, self.proxy, self.access), time.monotonic() - started)

    def settle(self, patience: float = 0.0) -> None:
        """After the fault: what it holds works, or can be had by the refresh token it holds.

        A 503 is asked again for so many seconds: it decides nothing.
        """

        def decided(act: Callable[[], int | None]) -> int | None:
            end = time.monotonic() + patience
            while (status := act()) in (503, None) and time.monotonic() < end:
                time.sleep(0.1)
            return status

        if not self.refresh:
            assert decided(self.issue) == 200
        if self.in_doubt or random.random() < 0.5:
            status = decided(self.use_refresh)
            assert status == 200, f"an honest client lost what it had (I26): {status}"
        for node in self.nodes:
            status = decided(partial(verify, node, self.proxy, self.access))
            assert status == 200, f"a token that was handed out does not work (I26): {status}"
            for gone in self.dead[-10:]:
                status = decided(partial(verify, node, self.proxy, gone))
                assert status == 401, f"a token that was revoked came back (I6, I7): {status}"


@dataclass
class Crowd:
    """Honest clients at work, each in a thread of its own."""

    portal: Installation
    members: list[Honest]
    stop: threading.Event = field(default_factory=threading.Event)

    def statuses(self) -> Counter[int | None]:
        """What was answered since it was last asked."""
        found: Counter[int | None] = Counter()
        for member in self.members:
            for (_, status), count in member.seen.items():
                found[status] += count
            member.seen.clear()
        return found

    def wait_until_served(self) -> float:
        """How long until both nodes serve everything again; fails past RECOVERY_SECONDS."""
        started = time.monotonic()
        fine = 0
        probe = self.members[0]
        while fine < 2 * len(probe.nodes):
            node = probe.nodes[fine % len(probe.nodes)]
            pair = base64.b64encode(":".join(probe.client).encode()).decode()
            form = {"grant_type": "client_credentials"}
            status, _ = ask(node, "POST", "/oauth2/token", {"Authorization": f"Basic {pair}"}, form)
            fine = fine + 1 if status == 200 else 0
            if time.monotonic() - started > RECOVERY_SECONDS:
                raise AssertionError(f"no recovery in {RECOVERY_SECONDS} seconds; the last answer was {status}")
            time.sleep(0.05)
        return time.monotonic() - started

    def judge(self, *, answers_may_be_lost: bool = False, patience: float = 0.0) -> None:
        """Every member holds a working token, and nothing wrong was seen by any of them."""
        wrong = [each for member in self.members for each in member.wrong]
        assert not wrong, Counter(wrong)
        for member in self.members:
            member.settle(patience)
        lost = [each for member in self.members for each in member.asked if each.status is None]
        assert answers_may_be_lost or not lost, f"{len(lost)} requests were not answered at all, not even by 503 (I13)"


@contextmanager
def at_work(
    portal: Installation, *, members: int = 6, pause: float = 0.03, again: list[Honest] | None = None
) -> Iterator[Crowd]:
    """Clients of both proxies at both nodes; stopped at the end. `again`: those of before go on with what they have."""
    names = list(PROXIES)
    crowd = Crowd(
        portal,
        again
        or [Honest(names[n % 2], tuple(portal.clients[names[n % 2]]), list(portal.nodes)) for n in range(members)],
    )

    def work(member: Honest) -> None:
        while not crowd.stop.wait(pause):
            member.step()

    threads = [threading.Thread(target=work, args=(member,), daemon=True) for member in crowd.members]
    for thread in threads:
        thread.start()
    try:
        yield crowd
    finally:
        crowd.stop.set()
        for thread in threads:
            thread.join(PATIENCE_SECONDS + 5)
