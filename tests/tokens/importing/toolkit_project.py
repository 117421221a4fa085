"""A small project with the real django-oauth-toolkit, run in a process of its own.

    python -m tests.tokens.importing.toolkit_project DATABASE_URL < wishes.json > answers.json

Wishes: {"do": "make"} makes people, applications and tokens by its own endpoints; {"do": "revoke", ...} and
{"do": "ask", ...} call its endpoints as a client does.
"""

import json
import os
import sys
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import environ
from django.conf import settings
from django.contrib.auth.hashers import PBKDF2PasswordHasher


class QuickPBKDF2(PBKDF2PasswordHasher):
    """The hash that the toolkit keeps, with fewer rounds."""

    iterations = 2_000


def configure(url: str) -> None:
    settings.configure(
        SECRET_KEY="x" * 50,
        DATABASES={"default": environ.Env.db_url_config(url)},
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "oauth2_provider",
        ],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
        ],
        ROOT_URLCONF=__name__ if __name__ != "__main__" else "tests.tokens.importing.toolkit_project",
        PASSWORD_HASHERS=[
            "tests.tokens.importing.toolkit_project.QuickPBKDF2",
            "django.contrib.auth.hashers.ScryptPasswordHasher",
        ],
        ALLOWED_HOSTS=["*"],
        USE_TZ=True,
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        OAUTH2_PROVIDER={
            "PKCE_REQUIRED": False,
            "SCOPES": {"read": "r", "write": "w", "groups": "g"},
            "DEFAULT_SCOPES": ["read", "write"],
            "ACCESS_TOKEN_EXPIRE_SECONDS": 36_000,
            "COMPLIANT_BCP_RFC9700_TOKEN_STORAGE": os.environ.get("TOOLKIT_REDACTS") == "1",
        },
    )
    import django

    django.setup()


def client() -> Any:
    from django.test import Client

    return Client()


def token(application: dict[str, str], **form: str) -> dict[str, Any]:
    """POST /o/token/ as the application does."""
    body = {"client_id": application["client_id"], "client_secret": application["client_secret"], **form}
    answer = client().post("/o/token/", body)
    return {"status": answer.status_code, **json.loads(answer.content)}


def by_code(application: dict[str, str], username: str, scope: str) -> dict[str, Any]:
    """The authorization code flow, from the login to the tokens."""
    browser = client()
    assert browser.login(username=username, password="correct horse battery staple")
    wish = {"response_type": "code", "client_id": application["client_id"], "scope": scope}
    asked = browser.get("/o/authorize/", {**wish, "redirect_uri": "https://app.example/cb"})
    assert asked.status_code == 302, asked.content
    code = parse_qs(urlsplit(asked["Location"]).query)["code"][0]
    return token(application, grant_type="authorization_code", code=code, redirect_uri="https://app.example/cb")


def applications() -> dict[str, dict[str, str]]:
    from django.contrib.auth import get_user_model
    from django.contrib.auth.hashers import make_password
    from oauth2_provider.generators import generate_client_secret
    from oauth2_provider.models import get_application_model

    model, owner = get_application_model(), get_user_model().objects.get(username="ada")
    made = {}
    wanted: dict[str, dict[str, Any]] = {
        "service": {"authorization_grant_type": "client-credentials"},
        "web": {"authorization_grant_type": "authorization-code"},
        "plain": {"authorization_grant_type": "client-credentials", "hash_client_secret": False},
        "single page": {"authorization_grant_type": "authorization-code", "client_type": "public"},
        "typed": {
            "authorization_grant_type": "client-credentials",
            "hash_client_secret": False,
            "client_secret": "secret",
        },
        "scrypt": {"authorization_grant_type": "client-credentials"},
        "typed and hashed": {"authorization_grant_type": "client-credentials", "client_secret": "hunter2"},
    }
    for name, more in wanted.items():
        secret = str(more.pop("client_secret", generate_client_secret()))
        kept = make_password(secret, hasher="scrypt") if name == "scrypt" else secret
        one = model.objects.create(
            name=name, user=owner, redirect_uris="https://app.example/cb", skip_authorization=True,
            **{"client_type": "confidential", "client_secret": kept, **more},
        )  # fmt: skip
        made[name] = {"client_id": one.client_id, "client_secret": secret, "kept": one.client_secret}
    return made


def make() -> dict[str, Any]:
    from django.contrib.auth import get_user_model
    from django.core.management import call_command
    from django.utils import timezone
    from oauth2_provider.models import get_access_token_model, get_refresh_token_model

    call_command("migrate", verbosity=0)
    people = get_user_model().objects
    for username in ("ada", "bob", "gone"):
        people.create_user(username, f"{username}@example.com", "correct horse battery staple", first_name=username)
    apps = applications()
    told: dict[str, Any] = {"applications": apps}
    told["service"] = token(apps["service"], grant_type="client_credentials", scope="read")
    told["plain"] = token(apps["plain"], grant_type="client_credentials", scope="read write")
    told["groups"] = token(apps["service"], grant_type="client_credentials", scope="read groups")
    told["ada"] = by_code(apps["web"], "ada", "read write")
    told["bob"] = by_code(apps["web"], "bob", "read")
    told["public"] = by_code(apps["single page"], "ada", "read")
    first = by_code(apps["web"], "gone", "read")
    told["rotated"] = first
    told["gone"] = token(apps["web"], grant_type="refresh_token", refresh_token=first["refresh_token"])
    # Bob's access token is over, his refresh token is not.
    access, refresh = get_access_token_model().objects, get_refresh_token_model().objects
    past = timezone.now() - timedelta(hours=1)
    access.filter(pk=refresh.get(user__username="bob", revoked=None).access_token_id).update(expires=past)
    # A token by hand, of nobody's application, and one that is over.
    alone = access.model(user=people.get(username="ada"), scope="read", expires=timezone.now() + timedelta(hours=1))
    alone.token = told["alone"] = "tokenwithoutanapplication0001"
    alone.save()
    over = access.model(scope="read", expires=past)
    over.token = told["over"] = "tokenwhosetimeisover0000000001"
    over.save()
    people.filter(username="gone").update(is_active=False)
    return told


def urlpatterns_() -> list[Any]:
    from django.urls import include, path

    return [path("o/", include("oauth2_provider.urls", namespace="oauth2_provider"))]


def main() -> None:
    configure(sys.argv[1])
    wish = json.load(sys.stdin)
    if wish["do"] == "make":
        answer: Any = make()
    elif wish["do"] == "revoke":
        done = client().post("/o/revoke_token/", wish["form"])
        answer = {"status": done.status_code}
    else:
        answer = token(wish["application"], **wish["form"])
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
elif settings.configured and "oauth2_provider" in settings.INSTALLED_APPS:
    urlpatterns = urlpatterns_()
