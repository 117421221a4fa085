"""Changing name, description, targets and owner (F4)."""

import pytest

from credentials import rotation
from credentials.errors import InvalidConnection
from proxies.models import ChangeRecord
from tests.credentials.connections import asked, opened, verbs

pytestmark = pytest.mark.django_db


def test_name_description_targets_and_owner_can_be_changed_and_tokens_stay():
    made = opened()

    changed = rotation.change(
        made.token.configuration, by="bob", name="Edge", description="new", target_ports="80,443,80", owner_name="Web"
    )

    assert (changed.name, changed.description, changed.target_ports) == ("Edge", "new", "80, 443")
    assert asked(made.raw).reason is None
    record = ChangeRecord.objects.latest("id")
    assert record.before == {"name": "EU edge", "description": "", "target_ports": "", "owner_name": ""}


def test_a_change_that_changes_nothing_leaves_no_entry():
    made = opened()
    rotation.change(made.token.configuration, by="bob", name="EU edge")
    assert len(verbs(made.token.configuration)) == 1


@pytest.mark.parametrize("changes", [{"name": " "}, {"target_host": "a b"}, {"description": "\x00"}])
def test_a_value_that_cannot_work_changes_nothing(changes):
    made = opened()
    with pytest.raises(InvalidConnection):
        rotation.change(made.token.configuration, by="bob", **changes)
