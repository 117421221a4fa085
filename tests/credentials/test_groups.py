"""Groups are made and changed by one module, and what changed is in the history (R34)."""

import pytest
from django.contrib.auth.models import Group, Permission

from credentials import groups
from credentials.errors import InvalidCredential
from proxies.models import ChangeRecord

pytestmark = pytest.mark.django_db


def permission(codename: str) -> Permission:
    return Permission.objects.get(codename=codename)


def test_a_group_is_made_and_what_it_may_do_is_in_the_history() -> None:
    made = groups.add_group(name="Editors", permissions=[permission("change_apiproxy")], by="root")
    assert groups.names_of(made) == "proxies.change_apiproxy"
    record = ChangeRecord.objects.get()
    assert (record.verb, record.actor, record.after) == ("create", "root", {"permissions": "proxies.change_apiproxy"})


def test_a_name_is_used_once() -> None:
    with pytest.raises(InvalidCredential):
        groups.add_group(name="Viewer", permissions=[], by="root")
    with pytest.raises(InvalidCredential):
        groups.add_group(name="", permissions=[], by="root")


def test_a_change_keeps_before_and_after_and_no_change_keeps_nothing() -> None:
    viewer = Group.objects.get(name="Viewer")
    before = groups.names_of(viewer)
    groups.set_permissions(viewer, viewer.permissions.all(), by="root")
    assert not ChangeRecord.objects.exists()
    groups.set_permissions(viewer, [permission("view_apiproxy")], by="root")
    record = ChangeRecord.objects.get()
    assert record.before == {"permissions": before}
    assert record.after == {"permissions": "proxies.view_apiproxy"}
