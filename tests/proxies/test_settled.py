"""Settings that are looked up once."""

import pytest
from django.test import override_settings

from proxies.settled import settings


def test_it_reads_as_djangos_own(settings) -> None:
    from proxies import settled

    settings.TOKEN_RATE_LIMIT_PER_MINUTE = 17
    assert settled.settings.TOKEN_RATE_LIMIT_PER_MINUTE == 17
    settings.TOKEN_RATE_LIMIT_PER_MINUTE = 18
    assert settled.settings.TOKEN_RATE_LIMIT_PER_MINUTE == 18


def test_each_is_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with override_settings(VERIFY_CACHE="off"):
        assert settings.VERIFY_CACHE == "off"
        monkeypatch.setattr("proxies.settled.of_django", None)
        assert settings.VERIFY_CACHE == "off"
        settings.forget()
        with pytest.raises(AttributeError):
            _ = settings.VERIFY_CACHE
    monkeypatch.undo()
    assert settings.VERIFY_CACHE


def test_what_there_is_not_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError):
        _ = settings.NO_SUCH_SETTING
