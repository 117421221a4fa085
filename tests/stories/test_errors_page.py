"""docs/errors.md has a row for every refusal there is, with its status and sentence as they are answered."""

import re
from collections.abc import Iterator

from proxies.adminkit import refusals
from proxies.restkit.problems import STATUS
from tests.databases import PROJECT
from tokens.doors import answers

PAGE = (PROJECT / "docs" / "errors.md").read_text(encoding="utf-8")


def classes(base: type[Exception]) -> Iterator[type[Exception]]:
    for found in base.__subclasses__():
        yield found
        yield from classes(found)


def sentences() -> dict[str, str]:
    """By code; a class that is a case of another one says the same code in other words."""
    found: dict[str, str] = {}
    for base in refusals():
        for each in classes(base):
            if "code" in vars(each):
                found[str(vars(each)["code"])] = str(getattr(each, "sentence", ""))
    return found


def test_every_refusal_of_the_management_api_and_of_commands_has_its_row() -> None:
    said = sentences()
    for code in answers.MANAGEMENT_ONLY:
        assert f"| `{code}` | {int(STATUS.get(code, 409))} | {said[code]} |" in PAGE, code


def test_every_refusal_of_the_doors_has_its_row_but_for_those_that_nobody_is_told() -> None:
    said = sentences()
    for code, (status, error) in answers.TABLE.items():
        row = f"| `{code}` | {status} | `{error}` | {said[code]} |"
        assert (row in PAGE) == (code not in answers.HIDDEN), code
    for code in answers.BY_GRANT:
        assert f"| `{code}` | 400 | `unauthorized_client`, `invalid_grant` | {said[code]} |" in PAGE, code


def test_no_row_is_left_of_a_refusal_that_is_gone() -> None:
    framework = {"invalid", "parse_error", "confirmation_wrong", "invalid_token", "permission_denied"}
    framework.add("insufficient_scope")
    framework |= {"not_found", "method_not_allowed", "changed_meanwhile", "unsupported_media_type", "if_match_missing"}
    rows = [line for line in PAGE.splitlines() if line.startswith("| `")]
    told = {code for row in rows for code in re.findall(r"`([a-z_]+)`", row.split("|")[1])}
    assert told - {"code", "error_code"} - framework <= set(sentences())
