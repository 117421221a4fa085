"""The pictures of the documentation: each that is shown is there, and each that is there is shown."""

import re

from tests.databases import PROJECT

PICTURES = PROJECT / "docs" / "screenshots"
SHOWN = re.compile(r"!\[([^\]]*)\]\(([^)]+\.png)\)")


def shown() -> dict[str, set[str]]:
    """Picture -> what is said of it, of every document."""
    found: dict[str, set[str]] = {}
    for document in (PROJECT / "README.md", *(PROJECT / "docs").glob("*.md")):
        for words, address in SHOWN.findall(document.read_text()):
            found.setdefault(str((document.parent / address).resolve()), set()).add(words)
    return found


def test_f0_every_picture_that_is_shown_is_there_with_words_for_who_does_not_see_it() -> None:
    for picture, words in shown().items():
        assert PROJECT.joinpath(picture).is_file(), picture
        assert all(len(each) > 3 for each in words), picture


def test_f0_every_picture_that_is_there_is_shown_and_small() -> None:
    kept = {str(each.resolve()) for each in PICTURES.glob("*.png")}
    assert len(kept) > 10
    assert kept == {each for each in shown() if each.startswith(str(PICTURES.resolve()))}
    assert all((PICTURES / each).stat().st_size < 200_000 for each in kept)
