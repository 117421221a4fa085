"""One table from refusals to answers: complete, exact, and the same as in the request log."""

import importlib
import json
import pkgutil
from collections.abc import Iterator

import pytest

import credentials
import proxies
import tokens
from credentials.errors import CredentialError
from proxies.errors import ProxyError
from proxies.restkit.problems import STATUS
from tests.databases import PROJECT
from tests.tokens.doors.asking import REGISTERED, check_error
from tests.world import Answered
from tokens.doors import answers
from tokens.errors import RateLimited, TokenError
from tokens.lifecycle import audit

Refusal = type[TokenError] | type[CredentialError] | type[ProxyError]
FLOORS: tuple[Refusal, ...] = (TokenError, CredentialError, ProxyError)


def below(base: Refusal) -> Iterator[Refusal]:
    for each in base.__subclasses__():
        yield each
        yield from below(each)


def every_refusal() -> list[Refusal]:
    """Every refusal that the product can make, wherever it is defined."""
    for package in (tokens, credentials, proxies):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if ".migrations." not in module.name:
                importlib.import_module(module.name)
    found = {each for base in FLOORS for each in below(base)}
    return sorted((each for each in found if not each.__module__.startswith("tests.")), key=lambda each: each.__name__)


def codes() -> dict[str, str]:
    return {each.code: each.__name__ for each in every_refusal()}


def test_r11_every_refusal_has_a_row_or_belongs_to_screens_and_commands():
    rows = set(answers.TABLE) | answers.BY_GRANT | answers.MANAGEMENT_ONLY

    missing = {name for code, name in codes().items() if code not in rows}
    assert not missing, f"tokens/doors/answers.py has no row for {', '.join(sorted(missing))}"
    unused = rows - set(codes())
    assert not unused, f"no refusal has the code {', '.join(sorted(unused))}"


def test_r11_no_refusal_has_two_rows():
    assert not set(answers.TABLE) & answers.BY_GRANT
    assert not set(answers.TABLE) & answers.MANAGEMENT_ONLY
    assert not answers.BY_GRANT & answers.MANAGEMENT_ONLY
    assert set(answers.TABLE) >= answers.HIDDEN


def test_every_refusal_has_a_code_of_its_own_and_a_sentence():
    assert len(codes()) == len(every_refusal())
    bases = {base.code for base in FLOORS} | {base.sentence for base in FLOORS}
    for each in every_refusal():
        assert each.code not in bases, each
        assert each.sentence not in bases, each


def test_every_refusal_that_somebody_is_told_has_its_row_in_docs_errors():
    page = (PROJECT / "docs" / "errors.md").read_text(encoding="utf-8")
    said = {each.code: each.sentence for each in every_refusal()}
    wanted = {f"| `{code}` | {int(STATUS.get(code, 409))} | {said[code]} |" for code in answers.MANAGEMENT_ONLY}
    for code, (status, error) in answers.TABLE.items():
        if code not in answers.HIDDEN:
            wanted.add(f"| `{code}` | {status} | `{error}` | {said[code]} |")
    for code in answers.BY_GRANT:
        wanted.add(f"| `{code}` | 400 | `unauthorized_client`, `invalid_grant` | {said[code]} |")

    rows = {line for line in page.splitlines() if line.startswith("| `") and line.split("`")[1] in said}

    assert sorted(wanted - rows) == [], "docs/errors.md lacks these rows"
    # What the framework refuses stands there in other words.
    assert sorted(row for row in rows - wanted if " 401 | Show a token" not in row) == [], "docs/errors.md has these"


def test_r11_every_error_is_a_registered_one_and_has_its_status():
    allowed = {
        "invalid_client": {401},
        "invalid_token": {401},
        "invalid_credentials": {401},
        "temporarily_unavailable": {429},
        "server_error": {503},
        "invalid_request": {400, 404},
    }
    for code, (status, error) in answers.TABLE.items():
        assert error in REGISTERED, code
        assert status in allowed.get(error, {400}), code


def made(each: Refusal) -> TokenError | CredentialError | ProxyError:
    return each()


@pytest.mark.parametrize("refreshing", [False, True])
def test_r11_every_refusal_looks_as_rfc_6749_says(refreshing):
    for each in every_refusal():
        if each.code in answers.MANAGEMENT_ONLY:
            continue
        answered = answers.refusal(made(each), refreshing=refreshing)
        status, error = answers.lookup(each.code, refreshing=refreshing)
        shown = "client_auth_failed" if each.code in answers.HIDDEN else each.code
        as_seen = Answered(answered.status, dict(answered.headers), answered.body)
        check_error(as_seen, status, error, None if shown == error else shown)
        assert ("Retry-After" in as_seen.headers) is (each is RateLimited)


def test_d10_a_holder_s_fault_is_unauthorized_client_at_issue_and_invalid_grant_at_refresh():
    for code in answers.BY_GRANT:
        assert answers.lookup(code, refreshing=False) == (400, "unauthorized_client")
        assert answers.lookup(code, refreshing=True) == (400, "invalid_grant")


def test_i9_the_log_has_the_status_of_the_answer():
    # What the limiter turns away has no row.
    answered = {code: status for code, (status, _) in answers.TABLE.items() if code != RateLimited.code}
    answered |= dict.fromkeys(answers.BY_GRANT, 400)

    assert {code: audit._status(code) for code in answered} == answered


def test_r12_only_a_401_carries_the_challenge():
    for each in every_refusal():
        if each.code not in answers.MANAGEMENT_ONLY:
            headers = dict(answers.refusal(made(each), challenge=True).headers)
            status, error = answers.lookup(each.code, refreshing=False)
            assert ("WWW-Authenticate" in headers) is (status == 401)
            scheme = "Bearer" if error == "invalid_token" else "Basic"
            assert headers.get("WWW-Authenticate", scheme).startswith(scheme)


def test_r11_a_quote_in_a_sentence_does_not_leave_the_allowed_characters():
    from tokens.errors import InvalidRequest

    body = answers.refusal(InvalidRequest('the "name" is\\wrong\u20ac\n')).body.decode()

    assert body.startswith('{"error":"invalid_request","error_description":"the \'name\' is?wrong??"')


@pytest.mark.parametrize(
    "body", [{}, {"active": False}, {"sub": 'zoë \u2028"\\', "aud": ["a", "b"], "exp": 1, "x": None}]
)
def test_an_answer_is_the_librarys_json_with_and_without_its_quick_encoder(body, monkeypatch) -> None:
    wanted = json.dumps(body, separators=(",", ":")).encode()
    assert answers.answer(200, body).body == wanted
    monkeypatch.setattr(answers, "_pieces", None)
    assert answers.answer(200, body).body == wanted


def test_what_is_no_json_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="not JSON serializable"):
        answers.answer(200, {"moment": object()})
