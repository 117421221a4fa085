"""The screens of connection configurations and the Manage tokens dialog, also for forged POSTs."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from credentials import rotation
from credentials.models import ConnectionConfiguration, ConnectionToken, User
from tests.credentials.connections import active, beat, environment, opened, verbs

pytestmark = pytest.mark.django_db
BASE = "/admin/credentials/connectionconfiguration/"
VIEW, ADD, CHANGE, DELETE = (f"{verb}_connectionconfiguration" for verb in ("view", "add", "change", "delete"))
REVEAL, TOKENS = "reveal_connectiontoken", "change_connectiontoken"


def caller(*codenames: str, csrf: bool = False) -> Client:
    user = User.objects.create_user("ada", password="x", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client = Client(enforce_csrf_checks=csrf)
    client.force_login(user)
    return client


@pytest.fixture
def admin() -> Client:
    return caller(VIEW, ADD, CHANGE, DELETE, REVEAL, TOKENS)


def dialog(made: rotation.Made) -> str:
    return f"{BASE}{made.token.configuration_id}/tokens/"


def act(client: Client, made: rotation.Made, name: str, **more: Any) -> Any:
    return client.post(dialog(made), {"act": name, "token": made.token.pk, **more})


def text(answer: Any) -> str:
    """What is read on the page, in one line."""
    return " ".join(re.sub(r"<[^>]*>", " ", answer.content.decode()).split())


def button(answer: Any, name: str) -> list[str]:
    return re.findall(rf'<button[^>]*value="{name}"[^>]*>', answer.content.decode())


def test_s4_2_opening_shows_the_first_token_in_the_answer_and_nowhere_else(admin):
    place = environment()
    values = {"name": "EU edge", "deployment_type": "kubernetes", "environment": place.pk, "target_protocol": "https"}

    answer = admin.post(f"{BASE}add/", values)

    configuration = ConnectionConfiguration.objects.get()
    raw = rotation.reveal(configuration.tokens.get(), by="")
    assert raw in answer.content.decode()
    assert "no-store" in answer.headers["Cache-Control"]
    for page in (BASE, f"{BASE}{configuration.pk}/change/", f"{BASE}{configuration.pk}/tokens/"):
        assert raw not in admin.get(page).content.decode()
    assert raw not in str(dict(admin.session))


def test_s4_4_and_s4_5_the_dialog_reminds_to_keep_tokens_confidential_and_to_rotate(admin):
    page = text(admin.get(dialog(opened())))
    assert "Keep tokens confidential and do not share them." in page
    assert "at least once a year. Twice a year is the recommended practice." in page


def test_s4_6_the_order_after_a_compromise_is_told(admin):
    made = opened(at=timezone.now())
    page = text(admin.get(dialog(made)))
    assert "generate a new one, register it on the instances, then revoke the old one" in page
    assert "Register it on all instances, then revoke the old one." in text(act(admin, made, "generate"))


def test_s4_3_s4_9_generating_in_the_dialog_shows_the_value_and_two_active_tokens(admin):
    made = opened(at=timezone.now())

    answer = act(admin, made, "generate")

    new = ConnectionToken.objects.latest("pk")
    assert rotation.reveal(new, by="") in answer.content.decode()
    assert made.raw not in answer.content.decode()
    assert "2 of 2 active tokens" in text(answer)
    assert "no-store" in answer.headers["Cache-Control"]


def test_s4_10_generate_is_disabled_at_two_with_the_reason_and_the_server_refuses(admin):
    made = opened(at=timezone.now())
    assert "disabled" not in button(admin.get(dialog(made)), "generate")[0]
    rotation.generate(made.token.configuration, by="ada")

    page = admin.get(dialog(made))
    forged = act(admin, made, "generate")

    assert "disabled" in button(page, "generate")[0]
    assert "Two tokens are active, which is the limit." in text(page)
    assert forged.status_code == 409
    assert len(active(made.token.configuration)) == 2


def test_s4_16_revoke_is_disabled_at_one_with_the_reason_and_a_forged_post_is_refused(admin):
    made = opened(at=timezone.now())

    page = admin.get(dialog(made))
    forged = act(admin, made, "revoke", confirmed="on", even_if_in_use="on")

    assert "disabled" in button(page, "revoke")[0]
    assert "The only active token cannot be revoked. Generate another one first." in text(page)
    assert forged.status_code == 409
    assert "This is the only active token." in text(forged)
    assert active(made.token.configuration) == [made.token.pk]


def test_s4_15_s4_18_revoking_asks_first_and_then_lists_who_when_and_why(admin):
    made = opened(at=timezone.now())
    rotation.generate(made.token.configuration, by="ada")

    asked = act(admin, made, "revoke")
    assert len(active(made.token.configuration)) == 2
    assert "It was never used." in text(asked)

    done = act(admin, made, "revoke", confirmed="on", because="rotated")
    assert len(active(made.token.configuration)) == 1
    assert re.search(rf"Token {made.token.pk} revoked \d{{4}}-\d\d-\d\d .* ada Revoked by a user: rotated", text(done))


def test_d36_a_token_used_in_the_last_hour_asks_again_naming_the_instance(admin):
    made = opened(at=timezone.now())
    rotation.generate(made.token.configuration, by="ada")
    beat(made.raw, instance="edge-7", at=timezone.now() - timedelta(minutes=3))
    assert "last used 3" in text(admin.get(dialog(made)))

    again = act(admin, made, "revoke", confirmed="on", because="rotated")

    assert again.status_code == 409
    assert "used within the last hour by instance edge-7 at 192.0.2.7" in text(again)
    assert 'value="rotated"' in again.content.decode()
    assert len(active(made.token.configuration)) == 2
    act(admin, made, "revoke", confirmed="on", even_if_in_use="on")
    assert len(active(made.token.configuration)) == 1


def test_d32_replace_now_asks_and_then_works_for_the_only_one(admin):
    made = opened(at=timezone.now())
    act(admin, made, "replace")
    assert active(made.token.configuration) == [made.token.pk]

    done = act(admin, made, "replace", confirmed="on", because="leaked")

    new = ConnectionToken.objects.latest("pk")
    assert rotation.reveal(new, by="") in done.content.decode()
    assert active(made.token.configuration) == [new.pk]


@pytest.mark.parametrize("name", ["show", "copy"])
def test_s4_11_s4_13_show_and_copy_are_posts_with_an_audit_entry_and_are_not_kept(admin, name):
    made = opened()

    answer = act(admin, made, name)

    assert made.raw in answer.content.decode()
    assert "no-store" in answer.headers["Cache-Control"]
    assert verbs(made.token.configuration)[-1] == (f"{name} token", "ada")
    assert made.raw not in admin.get(dialog(made)).content.decode()
    assert made.raw not in admin.get(f"{dialog(made)}?act={name}&token={made.token.pk}").content.decode()


def test_s4_17_up_to_three_revoked_tokens_are_listed(admin):
    made = opened(at=timezone.now())
    for _ in range(5):
        made = rotation.replace_now(made.token, by="ada")
    page = admin.get(dialog(made)).content.decode()
    assert page.count("connection-badge connection-bad") == 3


def test_s4_20_deleting_wants_the_typed_name_and_shows_what_ends(admin):
    made = opened(at=timezone.now())
    beat(made.raw, at=timezone.now())
    address = f"{BASE}{made.token.configuration_id}/act/delete/"

    page = text(admin.get(address))
    admin.post(address, {"typed_name": "wrong"})
    assert len(active(made.token.configuration)) == 1
    admin.post(address, {"typed_name": "EU edge", "because": "site closed"})

    assert "active connection tokens 1" in page
    assert "edge-1" in page
    assert active(made.token.configuration) == []
    closed = admin.get(dialog(made))
    assert "This configuration was deleted." in text(closed)
    assert act(admin, made, "generate").status_code == 409


def test_d34_age_badges_in_list_detail_and_dialog(admin):
    old = opened(name="old", at=timezone.now() - timedelta(days=400))
    opened(name="half", at=timezone.now() - timedelta(days=200))
    opened(name="new", at=timezone.now())

    page = admin.get(BASE)

    assert text(page).count("rotation overdue") == text(page).count("rotation recommended") == 2  # badge and filter
    assert "rotation overdue" in text(admin.get(f"{BASE}{old.token.configuration_id}/change/"))
    assert "rotation overdue" in text(admin.get(dialog(old)))
    listed = text(admin.get(BASE, {"rotation": "overdue"}))
    assert "1 connection configuration" in listed


def test_d33_the_last_refusal_is_shown_in_list_and_detail(admin):
    made = opened(at=timezone.now())
    with pytest.raises(Exception, match="refused"):
        beat(made.raw, kind="reverse_proxy", at=timezone.now())
    told = "The token was made for another deployment type: edge-1 stating reverse_proxy at 192.0.2.7"
    assert told in text(admin.get(BASE))
    assert told in text(admin.get(f"{BASE}{made.token.configuration_id}/change/"))


def test_f4_instances_are_listed_as_good_warning_or_problem(admin):
    made = opened(at=timezone.now())
    beat(made.raw, instance="edge-1", at=timezone.now())
    beat(made.raw, instance="edge-2", protecting=False, at=timezone.now())
    beat(made.raw, instance="edge-3", at=timezone.now() - timedelta(minutes=6))

    page = text(admin.get(f"{BASE}{made.token.configuration_id}/change/?tab=instances"))

    for name, status in (("edge-1", "Good"), ("edge-2", "Warning"), ("edge-3", "Problem")):
        assert f"{name} {status} kubernetes" in page


def test_the_activity_tab_lists_what_was_done_and_never_a_value(admin):
    made = opened()
    rotation.reveal(made.token, by="bob")
    page = admin.get(f"{BASE}{made.token.configuration_id}/change/?tab=activity")
    assert "bob show token" in text(page)
    assert made.raw not in page.content.decode()


def test_licence_and_change_acts(admin):
    made = opened(at=timezone.now())
    base = f"{BASE}{made.token.configuration_id}/act/"
    admin.post(f"{base}licence/", {"licence_ends_at": "2000-01-01 00:00"})
    assert ConnectionConfiguration.objects.get().licence_ends_at is None
    admin.post(f"{base}licence/", {"licence_ends_at": "2100-01-01 00:00"})
    admin.post(f"{base}change/", {"name": "New", "target_protocol": "http", "deployment_type": "other"})
    changed = ConnectionConfiguration.objects.get()
    assert (changed.name, changed.target_protocol, changed.deployment_type) == ("New", "http", "kubernetes")
    assert changed.licence_ends_at is not None


def test_the_script_gets_a_part_and_a_browser_without_it_a_page(admin):
    made = opened()
    part = admin.get(dialog(made), headers={"X-Manage-Tokens": "part"})
    page = admin.get(dialog(made))
    assert part.headers["X-Manage-Tokens"] == "part"
    assert "<html" not in part.content.decode()
    assert "X-Manage-Tokens" not in page.headers
    assert "<html" in page.content.decode()


def test_no_page_has_a_script_or_style_of_its_own(admin):
    made = opened(at=timezone.now())
    detail = f"{BASE}{made.token.configuration_id}/change/"
    for page in (BASE, detail, f"{detail}?tab=instances", f"{detail}?tab=activity", dialog(made), f"{BASE}add/"):
        source = admin.get(page).content.decode()
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", source), page


NEEDED = {"generate": CHANGE, "revoke": CHANGE, "replace": CHANGE, "show": REVEAL, "copy": REVEAL}


@pytest.mark.parametrize("name", NEEDED)
def test_a_forged_post_without_the_permission_is_403_and_changes_nothing(name):
    made = opened()
    others = {VIEW, ADD, CHANGE, DELETE, REVEAL} - {NEEDED[name]}

    answer = act(caller(*(others | {VIEW})), made, name, confirmed="on")

    assert answer.status_code == 403
    assert made.raw not in answer.content.decode()
    assert verbs(made.token.configuration) == [("open", "ada")]


@pytest.mark.parametrize("name", NEEDED)
def test_a_forged_post_without_the_csrf_token_is_403_and_changes_nothing(name):
    made = opened()
    answer = act(caller(VIEW, CHANGE, REVEAL, csrf=True), made, name, confirmed="on")
    assert answer.status_code == 403
    assert verbs(made.token.configuration) == [("open", "ada")]


def test_who_may_only_look_sees_no_button_that_acts():
    made = opened(at=timezone.now())
    client = caller(VIEW)
    page = client.get(dialog(made))
    assert "disabled" in button(page, "generate")[0]
    for name in ("show", "copy", "revoke", "replace"):
        assert not button(page, name)
    assert client.get(f"{BASE}add/").status_code == 403


def test_without_permission_or_login_there_is_no_dialog():
    made = opened()
    assert Client().get(dialog(made)).status_code == 302
    assert caller(REVEAL).get(dialog(made)).status_code == 403


def test_a_token_of_another_configuration_is_404(admin):
    mine, other = opened(), opened(name="other")
    assert admin.post(dialog(mine), {"act": "show", "token": other.token.pk}).status_code == 404
    assert len(verbs(other.token.configuration)) == 1


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"act": "drop"},
        {"act": "show", "token": "x"},
        {"act": "show", "token": "9" * 400},
        {"act": "show\x00", "token": "1"},
        {"act": "revoke", "token": "1", "because": "\x00"},
        {"act": "revoke", "token": "1", "because": "x" * 500},
    ],
)
def test_hostile_posts_are_400(admin, values):
    made = opened()
    answer = admin.post(dialog(made), values)
    assert answer.status_code == 400
    assert len(verbs(made.token.configuration)) == 1


def test_what_an_instance_calls_itself_is_escaped(admin):
    made = opened(name="<b>edge</b>", at=timezone.now())
    beat(made.raw, instance="<script>alert(1)</script>", at=timezone.now())
    for page in (BASE, dialog(made), f"{BASE}{made.token.configuration_id}/change/?tab=instances"):
        source = admin.get(page).content.decode()
        assert "<script>alert" not in source
        assert "<b>edge" not in source
