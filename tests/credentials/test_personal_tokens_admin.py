"""Personal access tokens in the admin: made with scopes and an end, shown once, revoked (S3.12, D19)."""

import pytest
from django.contrib.auth.models import Group
from django.test import Client as Browser

from credentials import personal_tokens, secrets
from credentials.models import PersonalAccessToken, User
from proxies.adminkit import act_url
from proxies.models import ChangeRecord

URL = "/admin/your-tokens/"
NEW = {"name": "nightly", "scopes": ["read", "log:read"], "lifetime": str(7 * 24 * 3600)}


def browser_of(name: str, **more: bool) -> Browser:
    browser = Browser()
    browser.force_login(User.objects.create_user(name, password="x", is_staff=True, **more))
    return browser


@pytest.fixture
def ada(db: None) -> Browser:
    return browser_of("ada")


def test_s3_12_a_person_without_any_permission_makes_one_with_chosen_scopes_and_end(ada: Browser) -> None:
    answer = ada.post(URL, NEW)
    page = answer.content.decode()
    start = page.index(secrets.PERSONAL_TOKEN)
    made = PersonalAccessToken.objects.get()
    raw = page[start:].split("<")[0].split('"')[0]
    assert personal_tokens.shown(raw) == made
    assert (made.name, made.scopes, made.owner.username) == ("nightly", "read log:read", "ada")
    assert (made.expires_at - made.created_at).days == 7
    assert "no-store" in answer["Cache-Control"]
    # Once, and nowhere else.
    assert raw not in ada.get(URL).content.decode()
    assert raw not in str(dict(ada.session))
    assert raw not in str(list(ChangeRecord.objects.values()))


@pytest.mark.parametrize("wrong", [{"scopes": []}, {"scopes": ["root"]}, {"lifetime": "1"}, {"name": ""}])
def test_s3_12_what_cannot_be_is_told_on_the_form(ada: Browser, wrong: dict[str, object]) -> None:
    assert "errorlist" in ada.post(URL, {**NEW, **wrong}).content.decode()
    assert not PersonalAccessToken.objects.exists()


def test_s3_12_one_revokes_ones_own_and_nobody_elses(ada: Browser) -> None:
    bob = browser_of("bob")
    ada.post(URL, NEW)
    token = PersonalAccessToken.objects.get()
    assert "nightly" not in bob.get(URL).content.decode()
    for key in (token.pk, "x", "0"):
        assert bob.post(URL, {"revoke": key}).status_code == 404
    done = ada.post(URL, {"revoke": token.pk}, follow=True)
    assert [str(told) for told in done.context["messages"]] == ["nightly is revoked."]
    token.refresh_from_db()
    assert token.revoked_by == "ada"


def test_s3_12_admins_see_everybodys_and_revoke_with_the_permission_alone(ada: Browser) -> None:
    ada.post(URL, NEW)
    token = PersonalAccessToken.objects.get()
    listing = "/admin/credentials/personalaccesstoken/"
    assert ada.get(listing).status_code == 403
    viewer = browser_of("vera")
    User.objects.get(username="vera").groups.add(Group.objects.get(name="Viewer"))
    assert "nightly" in viewer.get(listing).content.decode()
    assert token.digest not in viewer.get(f"{listing}{token.pk}/change/").content.decode()
    assert viewer.post(act_url(token, "revoke"), {"because": ""}).status_code == 403
    root = browser_of("root", is_superuser=True)
    assert root.post(act_url(token, "revoke"), {"because": "leak"}).status_code == 302
    token.refresh_from_db()
    assert (token.revoked_by, token.revoked_because) == ("root", "leak")


def test_r41_without_the_csrf_token_nothing_is_made(ada: Browser) -> None:
    browser = Browser(enforce_csrf_checks=True)
    browser.force_login(User.objects.get(username="ada"))
    assert browser.post(URL, NEW).status_code == 403
    assert not PersonalAccessToken.objects.exists()
