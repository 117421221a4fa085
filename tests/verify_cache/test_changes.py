"""That the races race: each change ends what was good, at the doors of which that is said."""

import pytest

from tests.verify_cache import changes
from tests.verify_cache.changes import Scene
from tests.verify_cache.racing import question
from tests.verify_cache.test_races import build

pytestmark = [pytest.mark.django_db, pytest.mark.on_postgresql]


@pytest.mark.parametrize("door", ["verify", "introspect"])
@pytest.mark.parametrize("name", changes.CHANGES)
def test_a_change_ends_a_good_answer(name: str, door: str) -> None:
    named = build()
    ask = question(door, named)
    with changes.CHANGES[name](Scene(named)) as round_:
        assert ask(round_.proxy, round_.token) == 200
        round_.end()
        ended = ask(round_.proxy, round_.token) != 200
    assert ended is (door == "verify" or name not in changes.TOLD_ALIKE)
