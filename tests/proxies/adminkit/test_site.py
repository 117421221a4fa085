"""The sidebar has the sections that people think in, and shows nobody what they may not open."""

import re

import pytest
from django.contrib.auth.models import Permission
from django.http import HttpRequest, HttpResponse
from django.test import Client as Browser

from credentials.models import User
from proxies.adminkit import AdminPage, pages
from proxies.adminkit.site import SECTIONS, PortalSite


def sidebar(user: User) -> dict[str, list[str]]:
    browser = Browser()
    browser.force_login(user)
    page = browser.get("/admin/").content.decode()
    found = {}
    for heading, entries in re.findall(r'<h2 id="nav-[^"]*">(.*?)</h2>\s*<ul>(.*?)</ul>', page, re.DOTALL):
        found[heading] = re.findall(r"<span>(.*?)</span>", entries)
    return found


def test_the_sections_come_in_the_order_people_think_in(db: None) -> None:
    shown = sidebar(User.objects.create_superuser("root", password="x"))
    wanted = [name.replace(">", "&gt;") for name in SECTIONS]
    assert list(shown) == [name for name in wanted if name in shown]
    assert shown["Overview"][0] == "Dashboard"
    assert shown["APIs"] == ["API proxies", "Proxy groups", "Environments", "Deployments"]
    assert shown["Tokens"].index("Access tokens") < shown["Tokens"].index("Token families")


def test_s2_9_refresh_keys_are_found_under_setup_integrations(db: None) -> None:
    shown = sidebar(User.objects.create_superuser("root", password="x"))
    assert "JWT Refresh Keys" in shown["Setup &gt; Integrations"]


def test_i22_who_may_see_one_thing_is_shown_that_alone(db: None) -> None:
    clerk = User.objects.create_user("clerk", password="x", is_staff=True)
    clerk.user_permissions.add(Permission.objects.get(codename="view_apiproxy"))
    shown = sidebar(clerk)
    assert shown["APIs"] == ["API proxies"]
    assert "Tokens" not in shown


@pytest.mark.parametrize(("superuser", "status"), [(True, 200), (False, 403)])
def test_a_page_of_no_model_asks_for_its_permission(db: None, superuser: bool, status: int) -> None:
    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse("here")

    page = AdminPage("odd", "Odd", "odd/", view, "Overview", permission="proxies.view_environment")
    user = User.objects.create_user("who", password="x", is_staff=True, is_superuser=superuser)
    request = HttpRequest()
    request.user = user
    assert page.allowed(request) is superuser
    known = pages.pages()
    try:
        pages.register_page(page)
        pages.register_page(page)
        assert pages.pages() == (*known, page)
        url = next(each for each in PortalSite().get_urls() if getattr(each, "name", "") == "odd")
        assert str(url.pattern) == "odd/"
    finally:
        pages._pages[:] = known
