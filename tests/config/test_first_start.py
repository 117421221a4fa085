"""What the first start says, and that it is said once."""

import pytest
from django.core.management import call_command

from config import portal

URL = "http://127.0.0.1:8000"


@pytest.fixture
def data(db: None, settings, tmp_path):
    settings.DATA_DIR = tmp_path
    return tmp_path


def test_the_password_is_printed_at_the_first_start_and_not_at_the_second(data, capsys) -> None:
    portal.wish_for_demo(data).touch()
    call_command("demo", quiet=True)
    assert capsys.readouterr().out == ""

    portal.announce(URL, data, demo=True)
    first = capsys.readouterr().out
    portal.announce(URL, data, demo=True)
    second = capsys.readouterr().out

    assert (first.count(", password "), first.count("  curl ")) == (1, 3)
    assert "password" not in second
    assert f"Admin: {URL}/admin/" in second


def test_a_start_broken_off_before_it_was_printed_prints_it_the_next_time(data, capsys, monkeypatch) -> None:
    portal.wish_for_demo(data).touch()
    call_command("demo", quiet=True)

    def stop(_: str) -> None:
        raise portal.Stopped

    with monkeypatch.context() as broken_off:
        broken_off.setattr(portal, "say", stop)
        with pytest.raises(portal.Stopped):
            portal.announce(URL, data, demo=True)
    capsys.readouterr()
    portal.announce(URL, data, demo=True)

    assert ", password " in capsys.readouterr().out


def test_without_a_demo_only_the_address_is_printed(data, capsys) -> None:
    portal.announce(URL, data, demo=False)
    said = capsys.readouterr().out
    assert "is ready" in said
    assert "password" not in said
