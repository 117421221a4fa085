"""Each measurement writes into its own section of docs/performance.md."""

from pathlib import Path

from bench.page import write_section


def test_a_section_is_written_again_and_what_is_outside_of_its_marks_stays(tmp_path: Path) -> None:
    file = tmp_path / "performance.md"
    file.write_text("# Performance\n\nMine.\n")
    write_section("bench", "one", file)
    file.write_text(file.read_text() + "\n## Cleaning\n\nYours.\n")

    write_section("bench", "two", file)

    page = file.read_text()
    assert (page.count("<!-- bench: begin -->"), "one" in page, "two" in page) == (1, False, True)
    assert page.startswith("# Performance\n\nMine.\n")
    assert page.endswith("## Cleaning\n\nYours.\n")


def test_where_there_is_no_page_it_is_begun(tmp_path: Path) -> None:
    file = tmp_path / "performance.md"
    write_section("cleaning", "one", file)
    assert file.read_text().startswith("# Performance\n")
