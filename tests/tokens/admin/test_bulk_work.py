"""Lists of tokens are revoked whole, in the background where they are long; progress, pause and resume (D12)."""

from typing import Any

import pytest
from django.test import Client as Browser

from credentials.models import User
from tests import world as worlds
from tests.jobs import ran
from tests.world import World
from tokens.admin import bulk_revocation
from tokens.models import BulkWork, IssuedToken, RefreshKey, TokenFamily, TokenRequestLog

MANY = 5


@pytest.fixture
def world(db: None) -> World:
    made = worlds.build()
    for second in range(MANY):
        made.issue(made.key_of(made.orders), at=second)
    made.issue(made.key_of(made.billing))
    return made


@pytest.fixture
def root(db: None) -> Browser:
    browser = Browser()
    browser.force_login(User.objects.create_superuser("root", password="x"))
    return browser


def ask(browser: Browser, screen: str, query: str = "", **more: Any) -> Any:
    asked = {"action": "revoke_selected", "index": "0", "select_across": "1", "_selected_action": "1", **more}
    return browser.post(f"/admin/tokens/{screen}/{query}", asked)


@pytest.mark.parametrize(
    ("screen", "model", "how"),
    [
        ("issuedtoken", IssuedToken, "token"),
        ("tokenfamily", TokenFamily, "family"),
        ("refreshkey", RefreshKey, "key"),
        ("refreshkey", TokenFamily, "family"),
    ],
)
def test_d12_a_short_list_is_revoked_at_once(world: World, root: Browser, screen: str, model: Any, how: str) -> None:
    page = ask(root, screen).content.decode()
    assert "No live token depends on it" in page  # they have expired; what is live is counted below
    assert f"revoke {MANY + 1}" in page
    assert ask(root, screen, typed=f"revoke {MANY + 1}", how=how).status_code == 302
    assert not model.objects.filter(revoked_at=None).exists()
    assert not BulkWork.objects.exists()
    assert TokenRequestLog.objects.filter(action="revoke", actor="root").count() == MANY + 1


@pytest.mark.parametrize("screen", ["issuedtoken", "tokenfamily", "refreshkey"])
def test_d12_a_long_one_is_revoked_in_the_background_and_no_other_rows(
    world: World, root: Browser, screen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_revocation, "AT_ONCE", MANY - 1)
    how = "token" if screen == "issuedtoken" else "family"
    query = "?q=" + world.key_of(world.orders).client_id if screen != "refreshkey" else ""
    total = MANY if query else MANY + 1
    page = ask(root, screen, query).content.decode()
    assert "in the background" in page

    done = ask(root, screen, query, typed=f"revoke {total}", how=how, because="leak")

    work = BulkWork.objects.get()
    assert done["Location"] == f"/admin/tokens/bulkwork/{work.pk}/change/"
    assert (work.total, work.by, work.because) == (total, "root", "leak")
    assert work.chosen_by == (query.removeprefix("?") or "everything")
    assert not TokenFamily.objects.exclude(revoked_at=None).exists()
    ran("bulk_work")
    model: Any = IssuedToken if how == "token" else TokenFamily
    assert model.objects.exclude(revoked_at=None).count() == total


def test_d12_the_page_tells_how_far_it_is_and_pauses_and_resumes_it(
    world: World, root: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_revocation, "AT_ONCE", 1)
    ask(root, "tokenfamily", typed=f"revoke {MANY + 1}", how="family")
    work = BulkWork.objects.get()
    url = f"/admin/tokens/bulkwork/{work.pk}/"
    shown = root.get(f"{url}change/")
    assert f'<progress value="0" max="{MANY + 1}"' in shown.content.decode()
    assert shown["Refresh"] == "5"

    paused = root.post(f"{url}act/pause/", follow=True)
    assert f"Paused after 0 of {MANY + 1} rows." in paused.content.decode()
    assert "Refresh" not in paused
    assert ran("bulk_work")["rows"] == 0
    root.post(f"{url}act/resume/")
    ran("bulk_work")

    over = root.get(f"{url}change/")
    assert f"{MANY + 1} of {MANY + 1}" in over.content.decode()
    assert "Refresh" not in over
    assert root.get("/admin/tokens/bulkwork/").status_code == 200


def test_d12_the_page_counts_what_is_live(world: World, root: Browser) -> None:
    world.policy(world.billing, never_expires=True)
    world.issue(world.key_of(world.billing))
    assert "Never-expiring tokens among them" in ask(root, "tokenfamily").content.decode()


def test_d12_the_list_having_changed_it_asks_again(world: World, root: Browser) -> None:
    answer = ask(root, "tokenfamily", typed="revoke 1", how="family")
    assert "This is not what it asks for" in answer.content.decode()
    assert not TokenFamily.objects.exclude(revoked_at=None).exists()


def test_who_may_revoke_tokens_alone_cannot_ask_for_their_families(world: World, root: Browser) -> None:
    answer = ask(root, "issuedtoken", typed=f"revoke {MANY + 1}", how="family")
    assert answer.status_code == 200
    assert not TokenFamily.objects.exclude(revoked_at=None).exists()
