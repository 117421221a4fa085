"""The doors of logins: parsing, refusals, rendering, CORS (S1, S2, D22, D24, D27, D38)."""

from typing import Any

import pytest
from django.test import Client as Browser
from django.urls import reverse

from tests.tokens.people import PASSWORD, login, person
from tests.world import call
from tokens.models import RefreshKey, TokenRequestLog

JSON = "application/json"
LOGIN, REFRESH, RENEW, LOGOUT = "/api/auth/login", "/api/auth/refresh", "/api/auth/renew", "/api/auth/logout"
SESSIONS = "/api/auth/sessions"


@pytest.fixture
def web(world) -> Browser:
    return Browser(HTTP_USER_AGENT="test")


def post(web: Browser, path: str, body: Any = None, **headers: Any) -> Any:
    return web.post(path, {} if body is None else body, content_type=JSON, **headers)


def log_in(web: Browser, **more: Any) -> dict[str, Any]:
    answer = post(web, LOGIN, {"username": "ada", "password": PASSWORD, **more})
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = answer.json()
    return found


def bearer(raw: str) -> dict[str, str]:
    return {"HTTP_AUTHORIZATION": f"Bearer {raw}"}


def refused(answer: Any) -> tuple[int, str, str | None]:
    assert answer.headers["Cache-Control"] == "no-store"
    body = answer.json()
    return answer.status_code, body["error"], body.get("error_code")


def rows() -> int:
    return TokenRequestLog.objects.count()


def test_d27_login_answers_the_four_fields_and_is_kept_by_nobody(web):
    person()

    answer = post(web, LOGIN, {"username": "ada", "password": PASSWORD})

    assert set(answer.json()) == {"access", "refresh", "access_expires_at", "refresh_expires_at"}
    assert answer.headers["Cache-Control"] == "no-store"
    assert not answer.cookies


def test_s1_2_and_d27_the_whole_walk(web):
    person()
    pair = log_in(web, device_id="phone")

    fresh = post(web, REFRESH, {"refresh": pair["refresh"]}).json()
    assert set(fresh) == {"access", "access_expires_at"}
    listed = web.get(SESSIONS, **bearer(fresh["access"])).json()
    assert [(each["device_id"], each["current"]) for each in listed] == [("phone", True)]
    assert listed[0]["last_used_at"]
    renewed = post(web, RENEW, {"refresh": pair["refresh"]}).json()
    assert set(renewed) == {"refresh", "refresh_expires_at"}
    assert post(web, LOGOUT, {"refresh": renewed["refresh"]}).json() == {"ended": 1}

    assert web.get(SESSIONS, **bearer(fresh["access"])).status_code == 401
    assert refused(post(web, REFRESH, {"refresh": renewed["refresh"]})) == (
        400,
        "invalid_grant",
        "refresh_token_revoked",
    )


@pytest.mark.parametrize("path", [REFRESH, RENEW, LOGOUT])
def test_d22_the_refresh_token_may_come_as_bearer_of_a_post(web, path):
    person()

    assert post(web, path, **bearer(log_in(web)["refresh"])).status_code == 200


@pytest.mark.parametrize("path", [REFRESH, RENEW, LOGOUT])
def test_s1_11_a_refresh_token_by_get_is_refused_and_not_used_up(web, path):
    person()
    raw = log_in(web)["refresh"]
    before = rows()

    for answer in (web.get(path, **bearer(raw)), web.put(path, {"refresh": raw}, content_type=JSON)):
        assert refused(answer)[:2] == (405, "invalid_request")

    assert rows() == before + 2
    assert RefreshKey.objects.get().last_used_at is None


@pytest.mark.parametrize("name", ["refresh", "refresh_token", "token"])
@pytest.mark.parametrize("path", [REFRESH, RENEW, LOGOUT])
def test_s1_12_and_r19_a_refresh_token_in_the_url_is_refused_and_not_used_up(web, path, name):
    person()
    raw = log_in(web)["refresh"]

    assert refused(post(web, f"{path}?{name}={raw}", {"refresh": raw})) == (400, "invalid_request", None)

    assert RefreshKey.objects.get().last_used_at is None
    assert not RefreshKey.objects.get().family.revoked_at
    last = TokenRequestLog.objects.latest("id")
    assert (last.outcome, last.reason) == ("refused", "invalid_request")
    assert raw not in str(last.__dict__)


def test_s1_7_an_access_token_in_the_url_opens_nothing(web):
    person()
    raw = log_in(web)["access"]

    for name in ("access_token", "token", "access"):
        assert web.get(f"{SESSIONS}?{name}={raw}").status_code in (401, 403)


def test_d38_wrong_credentials_are_401_and_say_nothing_more(web):
    person()

    for username in ("ada", "nobody"):
        answer = post(web, LOGIN, {"username": username, "password": "wrong"})
        assert refused(answer) == (401, "invalid_credentials", None)
        assert answer.json()["error_description"] == "The user name or the password is wrong."


def test_d38_too_many_attempts_are_429_with_retry_after_and_leave_no_row(web, settings):
    settings.TOKEN_RATE_LIMIT_PER_MINUTE = 2
    person()
    wrong = {"username": "ada", "password": "wrong"}
    for _ in range(2):
        post(web, LOGIN, wrong)
    before = rows()

    answer = post(web, LOGIN, wrong)

    assert refused(answer) == (429, "temporarily_unavailable", "rate_limited")
    assert int(answer.headers["Retry-After"]) > 0
    assert rows() == before


def test_d38_failures_of_one_name_from_one_address_add_up_and_successes_do_not(web, settings):
    settings.LOGIN_FAILURES_ALLOWED = 3
    person()
    person("bob")
    wrong = {"username": "ada", "password": "wrong"}
    for _ in range(5):
        log_in(web)
    for _ in range(3):
        assert post(web, LOGIN, wrong).status_code == 401

    for password in ("wrong", PASSWORD):
        assert refused(post(web, LOGIN, {**wrong, "password": password}))[0] == 429

    # No lock-out of a stranger's making: another address and another name are not concerned.
    elsewhere = post(web, LOGIN, {"username": "ada", "password": PASSWORD}, REMOTE_ADDR="198.51.100.9")
    assert elsewhere.status_code == 200
    assert post(web, LOGIN, {"username": "bob", "password": PASSWORD}).status_code == 200


BAD_LOGINS: list[Any] = [
    b"",
    b"{",
    b"[]",
    b"null",
    b'"x"',
    b"{}",
    b'{"username": "ada"}',
    b'{"username": "ada", "password": null}',
    b'{"username": ["ada"], "password": "x"}',
    b'{"username": "ada", "password": "x", "lifetime": "long"}',
    b'{"username": "ada", "password": "x", "lifetime": 0}',
    b'{"username": "ada", "password": "x", "lifetime": 1e999}',
    b'{"username": "ada", "password": "x", "lifetime": 99999999999999999999}',
    b'{"username": "a\\u0000da", "password": "x"}',
    b'{"username": "' + b"x" * 200 + b'", "password": "x"}',
    b'{"username": "ada", "password": "' + b"x" * 20_000 + b'"}',
    b"[" * 10_000,
    b"\xff\xfe",
]


@pytest.mark.parametrize("body", BAD_LOGINS, ids=range(len(BAD_LOGINS)))
def test_d24_a_malformed_login_is_400_and_leaves_its_row(web, body):
    answer = web.generic("POST", LOGIN, body, content_type=JSON)

    assert refused(answer)[:2] == (400, "invalid_request")
    assert TokenRequestLog.objects.latest("id").action == "login"
    assert rows() == 1


def test_d24_a_form_is_not_json(web):
    answer = web.post(LOGIN, {"username": "ada", "password": PASSWORD})

    assert refused(answer)[0] == 400
    assert PASSWORD not in str(TokenRequestLog.objects.get().__dict__)


@pytest.mark.parametrize("body", [{}, {"refresh": ""}, {"refresh": 5}, {"refresh": "x" * 17_000}, {"refresh": None}])
def test_d24_a_refresh_without_a_token_is_400(web, body):
    assert refused(post(web, REFRESH, body))[0] == 400


@pytest.mark.parametrize(
    ("body", "said"), [("null", "No data provided"), ("[]", "Expected a dictionary, but got list.")]
)
def test_d24_a_body_that_is_no_object_is_refused_in_words(web, body, said):
    answer = web.post(RENEW, body, content_type=JSON)

    assert refused(answer)[0] == 400
    assert said in answer.json()["error_description"]


def test_d22_a_refresh_token_in_body_and_header_is_refused(web):
    person()
    raw = log_in(web)["refresh"]

    assert refused(post(web, REFRESH, {"refresh": raw}, **bearer(raw))) == (400, "invalid_request", None)


def test_d29_the_wrong_kind_is_named(web, world):
    person()
    pair = log_in(web)
    oauth = world.issue(world.key_of(world.orders), at=9e6)

    for raw in (pair["access"], oauth.access_token, oauth.refresh_token):
        for path in (REFRESH, RENEW, LOGOUT):
            assert refused(post(web, path, {"refresh": raw})) == (400, "invalid_grant", "wrong_token_kind")


def test_s1_10_a_refresh_token_opens_no_request(web):
    person()
    raw = log_in(web)["refresh"]

    for path in (SESSIONS, reverse("connection-list")):
        answer = web.get(path, **bearer(raw))
        assert answer.status_code == 401
        assert "Bearer" in answer.headers["WWW-Authenticate"]
    assert call("/auth/verify", method="GET", HTTP_X_PROXY="orders", **bearer(raw)).status == 401


def test_s1_3_the_access_token_opens_what_its_person_may_do(web):
    from django.contrib.auth.models import Permission

    ada = person()
    raw = log_in(web)["access"]
    assert web.get(reverse("connection-list"), **bearer(raw)).status_code == 403

    ada.user_permissions.add(Permission.objects.get(codename="view_connectionconfiguration"))

    assert web.get(reverse("connection-list"), **bearer(raw)).status_code == 200


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer  ", "Bearer a b", "Bearer x", "bearer \xff", "Basic x", "Bearer a.b.c", "x" * 9_000]
)
def test_r18_a_malformed_bearer_is_401(web, header):
    assert web.get(SESSIONS, HTTP_AUTHORIZATION=header).status_code == 401


def test_d27_sessions_end_by_jti_and_others_are_not_found(web):
    person()
    person("bob")
    first, second = log_in(web), log_in(web)
    bobs = login("bob")
    jti = next(each["jti"] for each in web.get(SESSIONS, **bearer(first["access"])).json() if not each["current"])

    for unreadable in ("%00", "x" * 500, "%E2%80%AE", "..%2f"):
        assert web.delete(f"{SESSIONS}/{unreadable}", **bearer(first["access"])).status_code == 404
    assert web.delete(f"{SESSIONS}/{bobs.jti}", **bearer(first["access"])).status_code == 404
    assert web.delete(f"{SESSIONS}/{jti}", **bearer(first["access"])).status_code == 204

    assert web.get(SESSIONS, **bearer(second["access"])).status_code == 401
    assert web.get(SESSIONS, **bearer(first["access"])).status_code == 200


def test_d27_end_others_keeps_the_one_that_asks(web):
    person()
    first, second = log_in(web), log_in(web)

    assert post(web, f"{SESSIONS}/end-others", **bearer(first["access"])).json() == {"ended": 1}

    assert web.get(SESSIONS, **bearer(first["access"])).status_code == 200
    assert web.get(SESSIONS, **bearer(second["access"])).status_code == 401


def test_r41_an_admin_session_needs_its_csrf_token(world):
    ada = person()
    web = Browser(enforce_csrf_checks=True)
    web.force_login(ada)

    assert web.get(SESSIONS).status_code == 200
    assert post(web, f"{SESSIONS}/end-others").status_code == 403


# ---------------------------------------------------------------------------------------------------------------- CORS

PAGE = "https://app.example.org"


def test_cors_is_off_by_default(web):
    person()

    answer = post(web, LOGIN, {"username": "ada", "password": PASSWORD}, HTTP_ORIGIN=PAGE)

    assert "Access-Control-Allow-Origin" not in answer.headers
    assert "Access-Control-Allow-Methods" not in web.options(LOGIN, HTTP_ORIGIN=PAGE).headers


@pytest.mark.parametrize(("origin", "allowed"), [(PAGE, True), (f"{PAGE}.evil.example", False), ("null", False)])
def test_cors_lets_the_named_origin_in_and_no_other_and_never_with_cookies(web, settings, origin, allowed):
    settings.CORS_ORIGINS = [PAGE]
    person()

    preflight = web.options(LOGIN, HTTP_ORIGIN=origin, HTTP_ACCESS_CONTROL_REQUEST_METHOD="POST")
    answers = [
        preflight,
        post(web, LOGIN, {"username": "ada", "password": "wrong"}, HTTP_ORIGIN=origin),
        web.get("/api/auth/login", HTTP_ORIGIN=origin),
    ]
    jwks = call("/.well-known/jwks.json", method="GET", HTTP_ORIGIN=origin)

    for answer in answers:
        assert answer.headers.get("Access-Control-Allow-Origin") == (origin if allowed else None)
        assert "Origin" in answer.headers["Vary"]
        assert "Access-Control-Allow-Credentials" not in answer.headers
    assert jwks.headers.get("Access-Control-Allow-Origin") == (origin if allowed else None)
    assert ("Access-Control-Allow-Methods" in preflight.headers) is allowed
    assert preflight.status_code == 204


def test_i13_a_database_that_is_away_is_503_at_every_session_door(web, monkeypatch):
    from django.db import OperationalError

    def away(*args: Any, **named: Any) -> None:
        raise OperationalError("a secret detail")

    person()
    raw = log_in(web)["refresh"]
    monkeypatch.setattr("tokens.statements.database.rows", away)

    for path, body in ((LOGIN, {"username": "ada", "password": PASSWORD}), (REFRESH, {"refresh": raw})):
        answer = post(web, path, body)
        assert answer.status_code == 503
        assert b"secret" not in answer.content
