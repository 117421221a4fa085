"""Reading forms: what is quick says the same as what is thorough."""

from urllib.parse import parse_qsl

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tokens.doors import reading
from tokens.errors import InvalidRequest

PIECES = st.lists(
    st.sampled_from(["a", "token", "=", "&", ";", "%41", "%", "+", "lk_at_1", "é", "\x00", " "]), max_size=12
)


@given(PIECES.map("".join))
@example("")
@example("&&a=1&")
@example("a")
@example("=x")
@example("a=1=2")
@example("a=1&a=2")
@example("&".join(f"n{number}=1" for number in range(reading.MAXIMUM_FIELDS)))
@example("&".join(f"n{number}=1" for number in range(reading.MAXIMUM_FIELDS + 1)))
@example("&" * reading.MAXIMUM_FIELDS)
def test_r32_a_form_is_read_as_the_library_reads_it(text: str) -> None:
    try:
        pairs = parse_qsl(
            text.encode().decode("ascii"),
            keep_blank_values=True,
            encoding="utf-8",
            errors="strict",
            max_num_fields=reading.MAXIMUM_FIELDS,
        )
        doubled = len(dict(pairs)) != len(pairs)
        wanted = None if doubled or any("\x00" in value for _, value in pairs) else dict(pairs)
    except ValueError:
        wanted = None
    if wanted is None:
        with pytest.raises(InvalidRequest):
            reading._parse(text.encode())
    else:
        assert reading._parse(text.encode()) == wanted


@pytest.mark.parametrize("body", [b"a=1&b=2", b"token=lk_at_00", b"a=&b", b""])
def test_a_form_without_a_code_in_it_needs_no_library(body: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object, **__: object) -> list[tuple[str, str]]:
        assert not body
        return []

    monkeypatch.setattr(reading, "parse_qsl", never)
    assert set(reading._parse(body)) <= {"a", "b", "token"}
