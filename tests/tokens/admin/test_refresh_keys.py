"""The screen of JWT refresh keys: parsing, permission, rendering (S2.9-S2.21, D30)."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client as Browser

from credentials.models import User
from tests.tokens.people import PASSWORD, access, login, person, renew
from tokens import lifecycle
from tokens.admin.lifetime_field import LifetimeField
from tokens.lifecycle import Request
from tokens.models import JwtRefreshKey, TokenRequestLog

LIST = "/admin/tokens/jwtrefreshkey/"
ADD, FIND = f"{LIST}add/", f"{LIST}find/"
HOSTILE = ["<script>alert(1)</script>", "x" * 10_000, "a\x00b", "a\r\nSet-Cookie: x=1", "abc\u202egnp.exe"]


@pytest.fixture
def web(world: Any) -> Browser:
    browser = Browser()
    browser.force_login(User.objects.create_superuser("root", password=PASSWORD))
    return browser


def allowed(*codenames: str) -> Browser:
    """A browser of somebody who may do only this."""
    someone = User.objects.create_user("someone", password=PASSWORD, is_staff=True)
    someone.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    browser = Browser()
    browser.force_login(someone)
    return browser


def detail(key: JwtRefreshKey) -> str:
    return f"{LIST}{key.pk}/change/"


def content(answer: Any) -> str:
    return str(answer.content.decode())


def fresh_login(**more: Any) -> Any:
    """A session of now, as the screen looks at it by the real clock."""
    request = Request(address="192.0.2.7", user_agent=more.pop("user_agent", "test"))
    return lifecycle.login("ada", PASSWORD, request=request, **more)


def test_s2_9_the_menu_has_it_under_setup_and_integrations(web):
    page = content(web.get("/admin/"))

    assert page.index("Setup &gt; Integrations") < page.index(f'href="{LIST}"')
    assert "JWT Refresh Keys" in page


def test_s2_10_a_button_opens_the_add_form(web):
    assert f'href="{ADD}"' in content(web.get(LIST))


def test_s2_11_and_d30_the_form_has_exactly_two_fields_and_the_value_is_shown_once(web):
    form = web.get(ADD).context["form"]
    assert list(form.fields) == ["audience", "lifetime"]

    answer = web.post(ADD, {"audience": "My tool", "lifetime_0": "2592000", "lifetime_1": ""})

    raw = answer.context["values"][0][1]
    assert "no-store" in answer.headers["Cache-Control"]
    assert lifecycle.access(raw, request=Request()).access
    key = JwtRefreshKey.objects.get()
    assert (key.lifetime_secs, key.family.audience, str(key.family.user)) == (2592000, "My tool", "root")
    for page in (LIST, detail(key), ADD, "/admin/"):
        assert raw not in content(web.get(page))
    assert raw not in str(dict(web.session))


def test_s2_12_the_audience_suggests_the_portal_proxies_and_groups(web, settings):
    page = content(web.get(ADD))

    for audience in (settings.PORTAL_AUDIENCE, "https://orders.example/api", "https://commerce.example/"):
        assert f'<option value="{audience}">' in page


@pytest.mark.parametrize(
    ("chosen", "free", "seconds"),
    [("86400", "", 86400), ("2592000", "45 days", 45 * 86400), ("", "3600", 3600), ("31536000", "", 31536000)],
)
def test_s2_13_the_lifetime_is_a_list_or_a_free_value(chosen, free, seconds):
    assert LifetimeField().clean([chosen, free]) == seconds


@pytest.mark.parametrize(("chosen", "free"), [("", ""), ("", "soon"), ("", "0"), ("", "2 years"), ("-1", "")])
def test_s2_13_another_lifetime_is_refused_with_what_to_write(web, chosen, free):
    answer = web.post(ADD, {"audience": "My tool", "lifetime_0": chosen, "lifetime_1": free})

    assert answer.context["form"].errors["lifetime"]
    assert not JwtRefreshKey.objects.exists()


def test_d30_a_refusal_of_the_core_is_a_sentence_on_the_form_and_a_row_of_the_log(web):
    answer = web.post(ADD, {"audience": "orders", "lifetime_0": "86400", "lifetime_1": ""})

    assert "Grant it to this person first" in content(answer)
    assert TokenRequestLog.objects.get().reason == "invalid_target"


def test_s2_14_to_s2_21_the_list_shows_every_column(web):
    """S2.14 Expires At, S2.15 Created At, S2.16 Revoked At, S2.17 Last Used, S2.18 Content, S2.19 Token Hash,
    S2.20 JTI, S2.21 Device Info.
    """
    person()
    session = fresh_login(device_id="my phone", user_agent="curl/8.5")
    key = JwtRefreshKey.objects.get()

    page = content(web.get(LIST))

    for heading in (
        "Audience", "Status", "Expires At", "Created At", "Revoked At", "Last Used", "Content", "Token Hash", "JTI",
        "Device Info",
    ):  # fmt: skip
        assert heading in page
    assert "ada@example.org" in page
    assert key.token_hash[:8] in page
    assert key.jti[:8] in page
    assert "my phone" in page
    assert session.refresh not in page


def test_d30_and_s2_16_revoked_at_of_a_live_key_holds_the_button_and_of_an_ended_one_the_time(web):
    person()
    fresh_login()
    key = JwtRefreshKey.objects.get()
    button = f"{LIST}{key.pk}/act/revoke/"
    assert button in content(web.get(LIST))

    assert web.post(button, {"because": "lost laptop"}).status_code == 302

    page = content(web.get(LIST))
    assert button not in page
    assert "Revoked" in page
    assert "root: lost laptop" in content(web.get(detail(key)))


def test_s2_7_revoking_twice_keeps_the_first_time(web):
    person()
    fresh_login()
    key = JwtRefreshKey.objects.get()
    web.post(f"{LIST}{key.pk}/act/revoke-key/", {"because": "first"})
    before = JwtRefreshKey.objects.get().revoked_at

    web.post(f"{LIST}{key.pk}/act/revoke-key/", {"because": "second"})
    web.post(f"{LIST}{key.pk}/act/revoke/", {"because": "third"})

    key.refresh_from_db()
    assert (key.revoked_at, key.revoked_because) == (before, "first")


def test_d30_nothing_is_deleted_and_nothing_edited_here(web):
    person()
    fresh_login()
    key = JwtRefreshKey.objects.get()

    assert web.post(f"{LIST}{key.pk}/delete/", {"post": "yes"}).status_code == 403
    assert web.post(detail(key), {"audience": "x"}).status_code == 403
    assert web.post(LIST, {"action": "delete_selected", "_selected_action": [key.pk]}).status_code == 302
    assert JwtRefreshKey.objects.count() == 1


def test_the_detail_shows_the_family_as_a_line_of_generations(web):
    person()
    session = fresh_login(user_agent="curl/8.5")
    lifecycle.renew(session.refresh, request=Request(address="198.51.100.4", user_agent="curl/9.0"))

    page = content(web.get(detail(JwtRefreshKey.objects.latest("id"))))

    assert page.index("First key") < page.index("Renewal 1")
    assert "198.51.100.4" in page


STATES = {"live": 1, "renewed": 1, "expired": 1, "revoked": 2, "ended": 1}


def one_of_each_state() -> None:
    person()
    person("bob")
    login("bob")  # of 1 January 2026: expired long ago
    fresh_login()
    session = fresh_login()
    lifecycle.renew(session.refresh, request=Request())
    revoked = JwtRefreshKey.objects.latest("id")
    lifecycle.revoke_key(revoked, by="root", because="", request=Request())
    lifecycle.revoke_family(fresh_family(), by="root", because="", request=Request())
    ended = person("eve")
    lifecycle.login("eve", PASSWORD, request=Request())
    from credentials import users

    users.deactivate(ended, by="root")


def fresh_family() -> Any:
    fresh_login()
    return JwtRefreshKey.objects.latest("id").family


@pytest.mark.parametrize("state", STATES)
def test_the_status_filter_agrees_with_the_badge(web, state):
    one_of_each_state()

    answer = web.get(LIST, {"status": state})

    shown = [str(answer.context["cl"].model_admin.status(key)) for key in answer.context["cl"].result_list]
    assert len(shown) == STATES[state]
    assert all(state in badge for badge in shown)


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({}, 2),
        ({"owner": "ada"}, 1),
        ({"owner": "nobody"}, 0),
        ({"audience": "My tool"}, 1),
        ({"use": "never"}, 1),
        ({"use": "30"}, 0),
        ({"q": "My tool"}, 1),
        ({"q": "desk"}, 1),
        ({"q": "nothing"}, 0),
        ({"q": "a\x00b"}, 2),
    ],
)
def test_the_list_is_filtered_and_searched(web, query, count):
    ada = person()
    raw = fresh_login(device_id="desk").refresh
    lifecycle.access(raw, request=Request())
    bob = person("bob")
    lifecycle.mint(bob, audience="My tool", lifetime=None, request=Request())
    assert ada.pk

    assert len(web.get(LIST, query).context["cl"].result_list) == count


def test_search_by_the_first_letters_of_jti_and_hash(web):
    person()
    fresh_login()
    fresh_login()
    key = JwtRefreshKey.objects.latest("id")

    for term in (key.jti[:12], key.token_hash[:12], key.jti, key.token_hash):
        assert [found.pk for found in web.get(LIST, {"q": term}).context["cl"].result_list] == [key.pk]


def test_b40_a_token_is_found_by_pasting_it_and_is_logged_nowhere(web, caplog, world):
    person()
    session = fresh_login()
    key = JwtRefreshKey.objects.get()
    before = TokenRequestLog.objects.count()

    assert web.post(FIND, {"token": f"  {session.refresh}\n"}).url == detail(key)
    assert "/admin/tokens/issuedtoken/" in web.post(FIND, {"token": session.access}).url
    opaque = world.issue(world.key_of(world.orders))
    assert "/admin/tokens/refreshkey/" in web.post(FIND, {"token": opaque.refresh_token}).url
    for unknown in ("nothing", "a.b.c", session.refresh[:-40] + "x" * 40 + ".y"):
        answer = web.post(FIND, {"token": unknown})
        assert "No token of this portal" in content(answer)
        assert unknown not in content(answer)
    assert TokenRequestLog.objects.count() == before + 1  # the issue
    assert session.refresh not in caplog.text
    assert web.get(FIND, {"token": session.refresh}).context["form"].is_bound is False


def bulk(web: Browser, keys: list[int], **more: str) -> Any:
    return web.post(LIST, {"action": "revoke_selected", "_selected_action": keys, "index": "0", **more})


def test_s2_7_bulk_revocation_says_what_dies_and_asks_for_a_confirmation(web):
    person()
    sessions = [fresh_login() for _ in range(3)]
    keys = list(JwtRefreshKey.objects.order_by("id").values_list("pk", flat=True))
    web.post(f"{LIST}{keys[0]}/act/revoke/", {})

    page = bulk(web, keys)
    assert page.status_code == 200
    assert "Live JWTs" in content(page)
    assert lifecycle.access(sessions[1].refresh, request=Request()).access
    wrong = bulk(web, keys, how="family", typed="revoke 2", because="")
    assert "This is not what it asks for" in content(wrong)

    done = bulk(web, keys, how="family", typed="revoke 3", because="phishing")

    assert done.status_code == 302
    assert "2 keys revoked, 1 was already." in content(web.get(LIST))
    states = {str(web_state(key)) for key in JwtRefreshKey.objects.all()}
    assert states == {"revoked"}
    assert TokenRequestLog.objects.filter(action="revoke").count() == 4


def web_state(key: JwtRefreshKey) -> str:
    from django.utils import timezone

    from tokens.querysets import state_of

    return state_of(key, timezone.now())


def test_bulk_revocation_of_the_keys_alone_leaves_access_tokens(web):
    person()
    session = fresh_login()
    keys = list(JwtRefreshKey.objects.values_list("pk", flat=True))

    bulk(web, keys, how="key", typed="revoke 1", because="")

    assert lifecycle.authenticate(session.access).user_id
    assert JwtRefreshKey.objects.get().revoked_at
    assert JwtRefreshKey.objects.get().family.revoked_at is None


@pytest.mark.parametrize(
    ("may", "sees", "adds", "revokes"),
    [
        ((), 403, 403, 403),
        (("view_jwtrefreshkey",), 200, 403, 403),
        (("view_jwtrefreshkey", "add_jwtrefreshkey"), 200, 200, 403),
        (("view_jwtrefreshkey", "change_jwtrefreshkey"), 200, 403, 200),
    ],
)
def test_r15_and_i22_each_thing_needs_its_permission_also_for_a_forged_post(world, may, sees, adds, revokes):
    person()
    fresh_login()
    key = JwtRefreshKey.objects.get()
    web = allowed(*may)

    assert web.get(LIST).status_code == sees
    assert web.get(FIND).status_code == sees
    assert web.post(FIND, {"token": "x"}).status_code == sees
    assert web.get(ADD).status_code == adds
    assert web.post(ADD, {"audience": "x", "lifetime_0": "bad"}).status_code == adds
    assert web.get(f"{LIST}{key.pk}/act/revoke/").status_code == revokes
    if sees == 200:
        bulk(web, [key.pk], how="family", typed="revoke 1", because="")
        key.family.refresh_from_db()
        assert (key.family.revoked_at is not None) is (revokes == 200)


@pytest.mark.parametrize("hostile", HOSTILE, ids=["script", "10 kB", "NUL", "CR LF", "RTL"])
def test_b45_hostile_devices_stay_inert_in_list_detail_confirmation_and_log(web, hostile):
    person()
    fresh_login(user_agent=hostile, device_id=hostile[:150])
    key = JwtRefreshKey.objects.get()

    pages = [
        content(web.get(LIST)),
        content(web.get(detail(key))),
        content(bulk(web, [key.pk])),
        content(web.get("/admin/tokens/tokenrequestlog/")),
        content(web.get(f"{LIST}{key.pk}/act/revoke/")),
    ]

    for page in pages:
        assert "<script>alert" not in page
        assert "\x00" not in page
        assert "\u202e" not in page
        assert "Set-Cookie: x" not in page or "\r\nSet-Cookie" not in page
    assert TokenRequestLog.objects.latest("id").user_agent.isprintable()


def test_the_number_of_queries_does_not_depend_on_the_rows(web, django_assert_max_num_queries):
    person()
    fresh_login()
    with django_assert_max_num_queries(12):
        web.get(LIST)
    for _ in range(20):
        fresh_login()

    with django_assert_max_num_queries(12):
        web.get(LIST)


def test_s2_17_last_used_moves_in_the_list(web):
    person()
    session = login()
    renewed = renew(session.refresh, 1)
    access(renewed.refresh, 60)

    assert "2026-01-01 12:01" in content(web.get(LIST))
