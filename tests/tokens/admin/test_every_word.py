"""Every page of the admin in a language that brackets what it translates: what stands bare is no text of ours."""

import ast
import re
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.db import models
from django.http import HttpResponse
from django.test import Client as Browser
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.text import capfirst
from django.utils.translation import trans_real

from credentials import personal_tokens
from credentials.models import ConnectionConfiguration, User
from proxies import jobs
from proxies.admin.changes import VERBS
from proxies.adminkit import PortalAdmin, act_url, pages
from proxies.api_scopes import SCOPES
from proxies.models import Deployment
from tests import words
from tests.databases import PROJECT
from tests.tokens.admin import filled
from tests.tokens.admin.test_roles import screen_url, subject_of
from tests.world import START, World
from tokens import figures
from tokens.explanations import WORDS
from tokens.models import IssuedToken

SCREENS = {screen.opts.model_name or "": screen for screen in admin.site._registry.values()}
# Columns whose words are ours, not data: a page must translate them.
OURS = {"outcome", "state", "stage", "kind", "what", "verb", "subject_kind", "trouble", "last_error"}

# Values that a field shows as examples of what a program or an operator would type there.
EXAMPLES = {"undeploy", "storefront", "token_not_found", "https://api.example.com/orders", "token"}
UNITS = {"UTC", "ms", "CSV", "JSONL", "RS256", "JWT", "hooks.example.com:443", *SCOPES}


@pytest.fixture
def language(settings: Any, monkeypatch: pytest.MonkeyPatch) -> words.Marked:
    marked = words.Marked()
    settings.LANGUAGES = [("en", "English"), (words.LANGUAGE, "Bracketed")]
    monkeypatch.setitem(trans_real._translations, words.LANGUAGE, marked)  # type: ignore[attr-defined]
    return marked


@pytest.fixture
def world(db: None) -> World:
    made = filled.build()
    since_start = (timezone.now() - START).total_seconds()
    made.policy(made.commerce, access=600, refresh=600, format="jwt")
    for holder in (made.orders, made.commerce):
        made.issue(made.key_of(holder), at=since_start)
    for name in ("clean_tokens", "roll_up_log"):
        jobs.run(name)
    figures.take()
    return made


@pytest.fixture
def browser(world: World, language: words.Marked) -> Browser:
    found = Browser(headers={"Accept-Language": words.LANGUAGE})
    found.force_login(User.objects.create_superuser("root", password="a long password"))
    return found


def data() -> set[str]:
    """What people and programs have named: values of the database and the names of its rows."""
    found = {"Latchkey", *EXAMPLES, *UNITS, *WORDS}
    for model in apps.get_models():
        if model._meta.app_label not in ("proxies", "credentials", "tokens", "auth"):
            continue
        fields = [
            each.name
            for each in model._meta.fields
            if isinstance(each, models.CharField | models.TextField) and not each.choices and each.name not in OURS
        ]
        for row in model._default_manager.all():
            found |= {str(row), capfirst(str(row)), *(str(getattr(row, name)) for name in fields)}
    found |= {each.name.removeprefix("Can ") for each in Permission.objects.all()}
    return {part for each in found for part in (each, *each.split("\n")) if re.search("[A-Za-z]{2}", part)}


def bare(browser: Browser, urls: Iterable[str]) -> dict[str, str]:
    """What stands bare, and where it was seen first."""
    values, found = data(), {}
    for url in urls:
        page = browser.get(url, follow=True).content.decode()
        for each in words.bare(page, values):
            found.setdefault(each, url)
    return found


def addresses() -> Iterator[str]:
    for screen in SCREENS.values():
        yield screen_url(screen, "changelist")
        subject = subject_of(screen)
        if isinstance(screen, PortalAdmin) and screen.add_act is not None:
            yield screen_url(screen, "add")
        if subject is not None:
            yield screen_url(screen, "change", subject.pk)
            yield from (act_url(subject, act.name) for act in screen.acts)  # type: ignore[attr-defined]
            yield from (f"{screen_url(screen, 'change', subject.pk)}?tab={tab.name}" for tab in screen.tabs)  # type: ignore[attr-defined]
    yield reverse("admin:index")
    yield from (reverse(f"admin:{page.name}") for page in pages.pages())


def test_no_page_says_anything_that_cannot_be_translated(browser: Browser, language: words.Marked) -> None:
    found = bare(browser, addresses())
    assert not found, "\n".join(f"{url}: {text}" for text, url in found.items())
    unknown = language.asked - words.in_catalogues() - {""}
    assert not unknown, "asked for a translation, and no catalogue will have it:\n" + "\n".join(sorted(unknown))


def answers(browser: Browser, world: World) -> Iterator[HttpResponse]:
    """Pages that only come after something was done or asked."""
    post, change = browser.post, screen_url
    token, deployment = (
        IssuedToken.objects.latest("pk"),
        Deployment.objects.get(proxy=world.orders, environment=world.test),
    )
    yield post(
        change(SCREENS["issuedtoken"], "changelist"), {"action": "revoke_selected", "_selected_action": token.pk}
    )
    yield post(change(SCREENS["credential"], "add"), {"name": "partner"})
    yield post(change(SCREENS["credential"], "add"), {"name": "partner", "client_id": "?"})
    yield post(change(SCREENS["apiproxy"], "add"), {"name": "Twin", "slug": "orders", "required_match": "all"})
    yield post(change(SCREENS["apiproxy"], "add"), {})
    yield post(act_url(deployment, "undeploy"), {"typed_name": "x"})
    yield post(act_url(deployment, "undeploy"), {"typed_name": str(deployment)}, follow=True)
    yield post(act_url(deployment, "undeploy"), {}, follow=True)
    yield post("/admin/explain/", {"jti": token.jti, "proxy": "orders", "environment": "test"})
    yield post("/admin/explain/", {"jti": token.jti, "fingerprint": token.jti})
    yield post("/admin/explain/", {"log_id": "99999999"})
    yield post("/admin/explain/", {"token": "lk_at_x"})
    yield post("/admin/find/", {"q": "o"})
    yield post("/admin/find/", {"q": "nothing has this name"})
    yield post("/admin/your-tokens/", {"name": "mine", "scopes": ["read"], "lifetime": "86400"})
    yield post("/admin/your-tokens/", {})
    yield post("/admin/set-password/", {"link": "x", "password": "a", "again": "b"})
    yield post("/admin/set-password/", {"link": "x", "password": "a", "again": "a"})
    yield post("/admin/second-factor/", {"begin": "1"}, follow=True)
    yield post("/admin/second-factor/", {"confirm": "1", "code": "1"})
    configuration = ConnectionConfiguration.objects.get()
    made = configuration.tokens.get()
    dialog = change(SCREENS["connectionconfiguration"], "tokens", configuration.pk)
    yield post(dialog, {"act": "revoke", "token": made.pk})
    for act in ("show", "replace", "generate", "revoke"):
        yield post(dialog, {"act": act, "token": made.pk, "confirmed": "on"})
    yield post(dialog, {"act": "nothing"})
    yield browser.get("/admin/tokens/issuedtoken/?status=revoked&use=never&expires_at__from=2026-01-01")
    yield browser.get("/admin/tokens/issuedtoken/?q=nothing")
    yield browser.get("/admin/nothing/")
    yield browser.get("/admin/proxies/apiproxy/999/change/", follow=True)
    nobody = Browser(headers={"Accept-Language": words.LANGUAGE})
    yield nobody.get("/admin/login/")
    yield nobody.post("/admin/login/", {"username": "x", "password": "x"})
    nobody.force_login(User.objects.create_user("plain", password="x", is_staff=True))
    yield nobody.get("/admin/")
    yield nobody.get("/admin/tokens/issuedtoken/")
    yield nobody.get("/admin/credentials/credential/add/")


def test_no_answer_and_no_refusal_says_anything_that_cannot_be_translated(
    browser: Browser, world: World, language: words.Marked
) -> None:
    found = {}
    for answer in answers(browser, world):
        for each in words.bare(answer.content.decode(), data()):
            found.setdefault(each, answer.request["PATH_INFO"])  # type: ignore[attr-defined]
    assert not found, "\n".join(f"{url}: {text}" for text, url in found.items())
    unknown = language.asked - words.in_catalogues() - {""}
    assert not unknown, "asked for a translation, and no catalogue will have it:\n" + "\n".join(sorted(unknown))


def test_what_programs_read_is_english_whatever_they_accept(world: World, language: words.Marked) -> None:
    root = User.objects.create_superuser("root", password="a long password")
    raw = personal_tokens.make(root, name="all", scopes=list(SCOPES), by="root").raw
    program = Browser(headers={"Accept-Language": words.LANGUAGE, "Authorization": f"Bearer {raw}"})
    refused = program.post("/api/v1/proxies/", {"name": "x", "slug": "?"}, content_type="application/json")
    assert refused.status_code == 400
    for answer in (
        refused,
        program.get("/api/schema/"),
        program.get("/api/v1/proxies/999/"),
        program.post("/oauth2/token", {"grant_type": "nothing"}),
        Browser(headers={"Accept-Language": words.LANGUAGE}).get("/api/v1/proxies/"),
    ):
        assert "⟦" not in answer.content.decode(), answer.request["PATH_INFO"]
    assert translation.get_language() == "en"


def test_the_language_of_a_page_is_left_to_nobody(world: World, language: words.Marked) -> None:
    page = Browser(headers={"Accept-Language": words.LANGUAGE}).get("/admin/login/")
    assert (page["Content-Language"], "Accept-Language" in page["Vary"]) == (words.LANGUAGE, True)
    assert f'<html lang="{words.LANGUAGE}"' in page.content.decode()
    assert translation.get_language() == "en"


def test_every_verb_of_the_history_can_be_translated() -> None:
    asked = {
        call.args[0].value
        for floor in ("proxies", "credentials", "tokens")
        for source in (PROJECT / floor).rglob("*.py")
        for call in ast.walk(ast.parse(source.read_text()))
        if isinstance(call, ast.Call) and call.args and isinstance(call.args[0], ast.Constant)
        if ast.unparse(call.func).split(".")[-1].endswith("record")
    }
    assert len(asked) > 40
    assert asked <= set(VERBS)
