"""Short ways to log in, refresh, renew and log out as a person."""

from typing import Any

from credentials import clients, users
from credentials.models import User
from proxies.models import ApiProxy, ProxyGroup
from tests.world import REQUEST, START, later
from tokens import lifecycle
from tokens.lifecycle import Request, Session

PASSWORD = "correct horse battery"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
WEEK, HALF_HOUR = 7 * 24 * 3600, 30 * 60


def person(username: str = "ada", *targets: ApiProxy | ProxyGroup) -> User:
    """Someone who may log in, with grants to these."""
    made = users.create_user(username=username, password=PASSWORD, email=f"{username}@example.org", by="test", at=START)
    for target in targets:
        clients.grant(to=made, target=target, by="test", at=START)
    return made


def login(username: str = "ada", at: float = 0, *, user_agent: str = FIREFOX, **more: Any) -> Session:
    request = Request(address="192.0.2.7", user_agent=user_agent)
    return lifecycle.login(username, more.pop("password", PASSWORD), request=request, at=later(at), **more)


def mint(owner: User, at: float = 0, *, audience: str = "", lifetime: int | None = None) -> Session:
    return lifecycle.mint(owner, audience=audience, lifetime=lifetime, request=REQUEST, at=later(at))


def access(raw: str, at: float = 0, **more: Any) -> Session:
    return lifecycle.access(raw, request=more.pop("request", REQUEST), at=later(at))


def renew(raw: str, at: float = 0) -> Session:
    return lifecycle.renew(raw, request=REQUEST, at=later(at))


def logout(raw: str, at: float = 0, **more: Any) -> int:
    return lifecycle.logout(raw, request=REQUEST, at=later(at), **more)


def opens(raw: str, at: float = 0) -> bool:
    """Does this open the portal's own API?"""
    from tokens.errors import NoSession

    try:
        lifecycle.authenticate(raw, at=later(at))
    except NoSession:
        return False
    return True
