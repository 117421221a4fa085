"""Callers of the management API to test with: people with some permissions, by session or by a token of theirs."""

from typing import Any

from django.contrib.auth.models import Permission
from rest_framework.test import APIClient

from credentials import personal_tokens
from credentials.models import User
from proxies.api_scopes import SCOPES
from tests.world import REQUEST
from tokens import lifecycle
from tokens.lifecycle import Client

BASE = "/api/v1"
PROBLEM = "application/problem+json"


def person(*permissions: str, name: str = "ada", **more: Any) -> User:
    """Someone with these permissions, as codenames."""
    user = User.objects.create_user(name, password="x", **more)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return user


def signed_in(user: User, **more: Any) -> APIClient:
    """A client with a session of the admin; it forgives no exception, as a server does not."""
    client = APIClient(raise_request_exception=False, **more)
    client.force_login(user)
    return client


def caller(*permissions: str, name: str = "ada") -> APIClient:
    """A signed-in person with these permissions."""
    return signed_in(person(*permissions, name=name))


def bearer(raw: str) -> APIClient:
    """A client that shows this token."""
    client = APIClient(raise_request_exception=False)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {raw}")
    return client


def with_token(user: User, *scopes: str, **more: Any) -> APIClient:
    """A client with a personal access token of this person; without a word, of every scope."""
    made = personal_tokens.make(user, name="test", scopes=scopes or SCOPES, by=str(user), **more)
    return bearer(made.raw)


def problem(answer: Any) -> tuple[int, str]:
    """Status and code of a refusal, which has to look like one (RFC 9457)."""
    assert answer.headers["Content-Type"] == PROBLEM, (answer.status_code, answer.content[:300])
    body = answer.json()
    assert body["status"] == answer.status_code
    assert {"type", "title", "detail"} <= set(body)
    assert "no-store" in answer.headers["Cache-Control"]
    return answer.status_code, body["code"]


def issued(client: Client, **more: Any) -> str:
    """A live access token: doors of the API look at the clock."""
    return lifecycle.issue(client, request=REQUEST, **more).access_token


def opens(raw: str, proxy: str = "orders") -> bool:
    """Does it open this proxy now?"""
    return lifecycle.verify(raw, proxy=proxy).good


def logged_in(username: str, password: str) -> str:
    """The access token of a login that is made now."""
    return lifecycle.login(username, password, request=REQUEST).access


def opens_the_portal(raw: str) -> bool:
    """Does it open the portal's own API now?"""
    return bearer(raw).get("/api/auth/sessions").status_code == 200
