"""REST of the explanation and of configuration as code."""

import pytest

from credentials.models import Credential, User
from proxies import deployment
from proxies.models import ApiProxy, ChangeRecord
from tests.api import caller, issued, opens, person, problem, signed_in, with_token
from tokens.api.configuration import Configuration
from tokens.lifecycle import Client
from tokens.models import IssuedToken, TokenRequestLog

pytestmark = pytest.mark.django_db
EXPLAIN, APPLY, EXPORT = "/api/v1/explain/", "/api/v1/apply/", "/api/v1/configuration/"
EVERYTHING = [name.partition(".")[2] for need in Configuration.needs.values() for name in (need.permission, *need.also)]
DOCUMENT = {
    "environments": {"test": {}},
    "proxies": {"mail": {"scopes": ["read"], "deployed_in": ["test"], "key": {"client_id": "mail-key"}}},
}


@pytest.fixture
def viewer(db):
    return caller("view_issuedtoken", "view_tokenrequestlog", name="vera")


@pytest.fixture
def builder(db):
    return caller(*EVERYTHING, name="bea")


def test_it_says_what_failed_who_did_it_and_the_way_out(viewer, world):
    raw = issued(world.key_of(world.orders))
    deployment.undeploy(world.orders, world.test, by="olga", note="retired")
    before = TokenRequestLog.objects.count()

    by_value = viewer.post(EXPLAIN, {"token": raw, "proxy": "orders"})
    by_jti = viewer.post(EXPLAIN, {"jti": IssuedToken.objects.get().jti})
    by_row = viewer.post(EXPLAIN, {"log_id": TokenRequestLog.objects.latest("id").pk})

    found = by_value.json()
    assert (found["good"], found["reason"]) == (False, "holder_undeployed")
    failed = next(check for check in found["checks"] if check["passed"] is False)
    assert (failed["changed"]["by"], failed["changed"]["note"]) == ("olga", "retired")
    assert found["remedy"]
    assert raw not in by_value.content.decode()
    assert by_jti.json()["reason"] == by_row.json()["reason"] == "holder_undeployed"
    assert by_row.json()["log"]["action"] == "issue"
    assert TokenRequestLog.objects.count() == before


def test_odd_questions_are_refused(viewer, world):
    for body, status in (
        ({}, 400),
        ({"jti": "x", "token": "y"}, 400),
        ({"jti": "x", "proxy": "nothing"}, 400),
        ({"log_id": 1e300}, 400),
        ({"log_id": 2**61}, 404),
        ({"token": "x" * 16_385}, 400),
        ({"jti": "x", "at": "now"}, 400),
    ):
        assert problem(viewer.post(EXPLAIN, body))[0] == status, body
    assert viewer.post(EXPLAIN, {"token": "lk_at_nonsense"}).json()["good"] is False


def test_a_row_of_the_log_takes_what_it_takes_to_read_the_log(viewer, world):
    issued(world.key_of(world.orders))
    row = {"log_id": TokenRequestLog.objects.latest("id").pk}
    assert problem(caller("view_issuedtoken").post(EXPLAIN, row)) == (403, "permission_denied")
    vera = User.objects.get(username="vera")
    assert problem(with_token(vera, "read").post(EXPLAIN, row)) == (403, "insufficient_scope")
    assert with_token(vera, "read", "log:read").post(EXPLAIN, row).status_code == 200


def test_a_configuration_is_planned_confirmed_and_applied(builder, world):
    told = builder.post(f"{APPLY}?dry_run=1", {"document": DOCUMENT})
    asked = builder.post(APPLY, {"document": DOCUMENT})

    plan = told.json()
    assert (plan["applied"], plan["new_secrets"]) == (False, 1)
    assert "Add the API proxy mail" in plan["steps"][0]["sentence"]
    assert (problem(asked), asked.json()["confirm"]) == ((428, "confirmation_missing"), plan["fingerprint"])
    assert not ApiProxy.objects.filter(slug="mail").exists()

    done = builder.post(APPLY, {"document": DOCUMENT, "confirm": plan["fingerprint"]})

    assert done.json()["applied"] is True
    secret = done.json()["secrets"]["clients"]["mail-key"]
    assert ChangeRecord.objects.filter(actor="bea", verb="add", subject_name="Mail").exists()
    key = Credential.objects.get(client_id="mail-key")
    assert key.proxy is not None
    from tokens import policies

    policies.set_policy(key.proxy, by="test", access_token_lifetime_secs=60, refresh_allowed=False)
    raw = secret["client_secret"] if isinstance(secret, dict) else secret
    assert opens(issued(Client("mail-key", raw)), "mail")
    again = builder.post(f"{APPLY}?dry_run=1", {"document": DOCUMENT}).json()
    assert (again["steps"], again["new_secrets"]) == ([], 0)


def test_another_plan_than_the_one_confirmed_is_not_applied(builder, world):
    answer = builder.post(APPLY, {"document": DOCUMENT, "confirm": "0" * 32})
    assert problem(answer) == (409, "plan_changed")
    assert not ApiProxy.objects.filter(slug="mail").exists()


def test_odd_documents_are_400_and_say_where(builder, world):
    for document in (
        {"proxies": {"mail": {"scope": ["read"]}}},
        {"proxies": {"No Slug": {}}},
        {"proxies": []},
        {"colour": "blue"},
        {"proxies": {"mail": {"key": {"client_secret_file": "/etc/passwd"}}}},
        {"version": 9},
    ):
        answer = builder.post(f"{APPLY}?dry_run=1", {"document": document})
        assert problem(answer) == (400, "invalid_configuration"), document
        assert answer.json()["errors"]["non_field_errors"]
        assert "root:" not in answer.content.decode()
    for body in ({}, {"document": None}, {"document": [1]}, {"document": {}, "prune": True}):
        assert problem(builder.post(APPLY, body))[0] == 400, body


def test_nobody_but_a_superuser_acts_on_a_superuser_by_a_file(builder, world):
    person(name="root", is_superuser=True)
    body = {"document": {"users": {"root": {"active": False}}}}
    for url in (APPLY, f"{APPLY}?dry_run=1"):
        assert problem(builder.post(url, body)) == (403, "permission_denied")
    assert signed_in(person(name="other", is_superuser=True)).post(f"{APPLY}?dry_run=1", body).status_code == 200


@pytest.mark.parametrize("missing", ["change_deployment", "add_user", "delete_connectionconfiguration"])
def test_i22_applying_takes_every_permission(world, missing):
    nearly = caller(*(name for name in EVERYTHING if name != missing))
    assert problem(nearly.post(f"{APPLY}?dry_run=1", {"document": DOCUMENT})) == (403, "permission_denied")
    assert problem(nearly.get(EXPORT)) == (403, "permission_denied")


def test_what_is_exported_is_applied_again_without_a_change(builder, world):
    exported = builder.get(EXPORT)
    told = builder.post(f"{APPLY}?dry_run=1", {"document": exported.json()["document"]})
    assert told.json()["steps"] == []
    assert told.json()["unchanged"] > 3
    assert "lk_" not in exported.content.decode()
