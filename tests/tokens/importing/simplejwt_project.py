"""A small project with the real djangorestframework-simplejwt and its blacklist, run in a process of its own.

    python -m tests.tokens.importing.simplejwt_project DATABASE_URL < wishes.json > answers.json

Wishes: {"do": "make"} makes people and tokens by its own endpoints; {"do": "post", "path", "body"} calls one.
"""

import json
import os
import sys
from datetime import timedelta
from typing import Any

import environ
from django.conf import settings

MODULE = "tests.tokens.importing.simplejwt_project"
KEY = "a shared secret of at least thirty-two bytes"


def configure(url: str) -> None:
    settings.configure(
        SECRET_KEY="x" * 50,
        DATABASES={"default": environ.Env.db_url_config(url)},
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "rest_framework",
            "rest_framework_simplejwt.token_blacklist",
        ],
        ROOT_URLCONF=MODULE,
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        ALLOWED_HOSTS=["*"],
        USE_TZ=True,
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        REST_FRAMEWORK={
            "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework_simplejwt.authentication.JWTAuthentication"]
        },
        SIMPLE_JWT={
            "ACCESS_TOKEN_LIFETIME": timedelta(hours=1),
            "REFRESH_TOKEN_LIFETIME": timedelta(days=10),
            "ALGORITHM": os.environ.get("JWT_ALGORITHM", "HS256"),
            "SIGNING_KEY": os.environ.get("JWT_SIGNING_KEY", KEY),
            "VERIFYING_KEY": os.environ.get("JWT_VERIFYING_KEY", ""),
        },
    )
    import django

    django.setup()


def post(path: str, body: dict[str, Any]) -> dict[str, Any]:
    """What one of its endpoints answers."""
    from rest_framework.test import APIClient

    answer = APIClient().post(path, body, format="json")
    return {"status": answer.status_code, **(answer.json() if answer.content else {})}


def make() -> dict[str, Any]:
    from django.contrib.auth import get_user_model
    from django.core.management import call_command
    from django.utils import timezone
    from rest_framework_simplejwt.token_blacklist.models import OutstandingToken

    call_command("migrate", verbosity=0)
    people = get_user_model().objects
    told: dict[str, Any] = {}
    for username in ("ada", "bob", "eve", "dora", "gone", "late"):
        people.create_user(username, f"{username}@example.com", "correct horse battery staple")
        told[username] = post("/token/", {"username": username, "password": "correct horse battery staple"})
    told["second"] = post("/token/", {"username": "ada", "password": "correct horse battery staple"})
    told["sliding"] = post("/sliding/", {"username": "bob", "password": "correct horse battery staple"})
    assert post("/blacklist/", {"refresh": told["eve"]["refresh"]})["status"] == 200
    people.get(username="dora").delete()
    people.filter(username="gone").update(is_active=False)
    OutstandingToken._default_manager.filter(user__username="late").update(
        expires_at=timezone.now() - timedelta(hours=1)
    )
    return told


def urls() -> list[Any]:
    from django.urls import path
    from rest_framework_simplejwt import views

    return [
        path("token/", views.TokenObtainPairView.as_view()),
        path("sliding/", views.TokenObtainSlidingView.as_view()),
        path("refresh/", views.TokenRefreshView.as_view()),
        path("blacklist/", views.TokenBlacklistView.as_view()),
    ]


def main() -> None:
    configure(sys.argv[1])
    wish = json.load(sys.stdin)
    json.dump(make() if wish["do"] == "make" else post(wish["path"], wish["body"]), sys.stdout)


if __name__ == "__main__":
    main()
elif settings.configured and "rest_framework_simplejwt.token_blacklist" in settings.INSTALLED_APPS:
    urlpatterns = urls()
