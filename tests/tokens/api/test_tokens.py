"""REST of access tokens, families and refresh keys: listed without values, ended one by one or many at once."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.api import caller, issued, logged_in, opens, opens_the_portal, person, problem, signed_in
from tests.tokens.people import PASSWORD
from tests.tokens.people import person as someone
from tests.world import REQUEST
from tokens import lifecycle
from tokens.models import IssuedToken, JwtRefreshKey, TokenFamily, TokenRequestLog

pytestmark = pytest.mark.django_db
TOKENS, FAMILIES, KEYS = "/api/v1/tokens/", "/api/v1/families/", "/api/v1/refresh-keys/"
BULK = f"{TOKENS}bulk-revoke/"


@pytest.fixture
def operator(db):
    models = ("issuedtoken", "tokenfamily", "jwtrefreshkey")
    return caller(*(f"{verb}_{model}" for model in models for verb in ("view", "add", "change")), name="olga")


def last_row() -> TokenRequestLog:
    return TokenRequestLog.objects.latest("id")


def test_tokens_are_listed_by_holder_and_never_with_a_value(operator, world):
    raw = issued(world.key_of(world.orders))
    issued(world.key_of(world.billing))

    answer = operator.get(TOKENS, {"proxy": "orders"})

    (found,) = answer.json()["results"]
    assert (found["client_id"], found["user"], found["environment"]) == (
        world.clients["orders"].client_id,
        None,
        "test",
    )
    stored = IssuedToken.objects.get(jti=found["jti"])
    assert raw not in answer.content.decode()
    assert str(stored.digest) not in answer.content.decode()
    assert operator.get(f"{TOKENS}{found['jti']}/").json() == found
    assert operator.get(TOKENS, {"never_expires": "true"}).json()["results"] == []
    assert operator.get(TOKENS, {"used": "false", "revoked": "false"}).json()["results"]
    assert operator.get(TOKENS, {"issued_since": "2099-01-01T00:00:00Z"}).json()["results"] == []


def test_pages_go_on_where_the_last_ended(operator, world, django_assert_num_queries):
    for _ in range(5):
        issued(world.key_of(world.orders))
    seen = []
    url = f"{TOKENS}?page_size=2&token_format=opaque"
    while url:
        with django_assert_num_queries(5):  # session, person, two for permissions, page
            page = operator.get(url).json()
        seen += [each["jti"] for each in page["results"]]
        url = page["next"]

    assert seen == list(IssuedToken.objects.order_by("-id").values_list("jti", flat=True))
    assert len(seen) == 5


def test_the_next_page_is_linked_by_the_public_url_and_never_by_the_host(operator, world, settings):
    settings.PUBLIC_URL = "https://portal.example.com"
    settings.ALLOWED_HOSTS = ["evil.example"]
    issued(world.key_of(world.orders))
    issued(world.key_of(world.orders))
    found = operator.get(f"{TOKENS}?page_size=1", HTTP_HOST="evil.example").json()["next"]
    assert found.startswith("https://portal.example.com/api/v1/tokens/?")


def test_s2_20_a_token_is_revoked_by_its_jti_alone_and_once(operator, world):
    client = world.key_of(world.orders)
    first, second = issued(client), issued(client)
    jti = IssuedToken.objects.earliest("id").jti

    done = operator.post(f"{TOKENS}{jti}/revoke/", {"because": "test"})
    again = operator.post(f"{TOKENS}{jti}/revoke/", {})

    assert (done.json(), again.json()) == ({"revoked": True}, {"revoked": False})
    assert (opens(first), opens(second)) == (False, True)
    token = IssuedToken.objects.get(jti=jti)
    assert (token.revoked_by, token.revoked_because) == ("olga", "test")
    assert (last_row().action, last_row().actor, last_row().reason) == ("revoke", "olga", "revoked_before")


def test_an_unknown_jti_is_404_and_nothing_is_logged(operator, world):
    for jti in ["nothing", "x" * 65, "%00", "lk_at_" + "0" * 72]:
        before = TokenRequestLog.objects.count()
        assert operator.post(f"{TOKENS}{jti}/revoke/", {}).status_code == 404
        assert operator.get(f"{KEYS}{jti}/").status_code == 404
        assert TokenRequestLog.objects.count() == before


def test_a_family_is_shown_and_ended_with_all_its_tokens(operator, world):
    raw = issued(world.key_of(world.orders))
    family = TokenFamily.objects.get()

    shown = operator.get(f"{FAMILIES}{family.pk}/").json()
    assert (shown["refresh_count"], shown["refreshes"], len(shown["refresh_tokens"])) == (3, 0, 1)
    assert "token_hash" not in str(shown)
    assert operator.post(f"{FAMILIES}{family.pk}/revoke/", {}).json() == {"revoked": True}

    assert not opens(raw)
    assert operator.get(FAMILIES, {"revoked": "true", "kind": "client"}).json()["results"][0]["revoked_by"] == "olga"


# --- many at once


def test_s2_7_many_are_ended_by_a_filter_after_a_look(operator, world):
    leaked = [issued(world.key_of(world.orders)) for _ in range(3)]
    spared = issued(world.key_of(world.billing))
    body = {"filter": {"proxy": "orders"}, "because": "leaked"}

    told = operator.post(f"{BULK}?dry_run=1", body).json()
    asked = operator.post(BULK, body)

    assert (told["confirm"], told["impact"][0]["count"]) == ("3", 3)
    assert (problem(asked), asked.json()["confirm"]) == ((428, "confirmation_missing"), "3")
    assert all(opens(raw) for raw in leaked)
    before = TokenRequestLog.objects.count()

    done = operator.post(BULK, {**body, "confirm": "3"})

    assert done.json() == {"revoked": 3}
    assert not any(opens(raw) for raw in leaked)
    assert opens(spared, "billing")
    assert TokenRequestLog.objects.count() == before + 1
    row = last_row()
    assert (row.action, row.outcome, row.reason, row.actor, row.proxy) == (
        "revoke",
        "granted",
        "revoked_3_families",
        "olga",
        "orders",
    )
    assert set(TokenFamily.objects.exclude(revoked_at=None).values_list("revoked_because", flat=True)) == {"leaked"}


def test_d12_never_more_than_was_seen(operator, world):
    raw = issued(world.key_of(world.orders))
    issued(world.key_of(world.orders))
    body = {"filter": {"credential": world.clients["orders"].client_id}}

    refused = operator.post(BULK, {**body, "confirm": "1"})

    assert problem(refused) == (409, "more_than_confirmed")
    assert opens(raw)
    assert (last_row().outcome, last_row().reason, last_row().status) == ("refused", "more_than_confirmed", 409)
    assert operator.post(BULK, {**body, "confirm": "99"}).json() == {"revoked": 2}


def test_the_filter_joins_what_it_names(operator, world):
    issued(world.key_of(world.orders))
    issued(world.key_of(world.orders), environment="live")
    now = timezone.now()

    def matches(**named: object) -> str:
        found: str = operator.post(f"{BULK}?dry_run=1", {"filter": named}).json()["confirm"]
        return found

    assert matches(proxy="orders") == "2"
    assert matches(proxy="orders", environment="live") == "1"
    assert matches(group="commerce") == "0"
    assert matches(token_format="jwt") == "0"
    assert matches(kind="client", never_expires=False) == "2"
    assert matches(never_expires=True) == "0"
    assert matches(issued_since=(now + timedelta(hours=1)).isoformat()) == "0"
    assert matches(issued_until=(now + timedelta(hours=1)).isoformat()) == "2"


def test_many_are_ended_in_steps(operator, world, monkeypatch):
    from tokens.lifecycle import bulk_revoking

    monkeypatch.setattr(bulk_revoking, "_AT_ONCE", 2)
    for _ in range(5):
        issued(world.key_of(world.orders))
    assert operator.post(BULK, {"filter": {"proxy": "orders"}, "confirm": "5"}).json() == {"revoked": 5}
    assert operator.post(BULK, {"filter": {"proxy": "orders"}, "confirm": "0"}).json() == {"revoked": 0}


def test_an_odd_filter_is_400_and_ends_nothing(operator, world):
    for body in [
        {},
        {"filter": {}},
        {"filter": None},
        {"filter": {"proxi": "orders"}},
        {"filter": {"proxy": "nothing"}},
        {"filter": {"issued_until": "tomorrow"}},
        {"filter": {"proxy": "orders"}, "confirm": "all"},
        {"filter": {"proxy": "orders"}, "confirm": "-1"},
        {"filter": {"proxy": "orders"}, "confirm": "9" * 10},
        {"filter": {"proxy": "orders"}, "confirm": 1e300},
        {"filter": [{"proxy": "orders"}]},
        {"filter": {"proxy": "orders"}, "everything": True},
    ]:
        raw = issued(world.key_of(world.orders))
        assert problem(operator.post(BULK, body))[0] == 400
        assert opens(raw)


# --- refresh keys


def test_d30_a_key_is_minted_for_oneself_and_shown_once(operator, world):
    answer = operator.post(KEYS, {"audience": "nightly-report", "lifetime": 3600})

    assert answer.status_code == 201
    found = answer.json()
    assert (found["owner"], found["audience"], found["state"], found["kind"]) == (
        "olga",
        "nightly-report",
        "live",
        "minted",
    )
    again = operator.get(f"{KEYS}{found['jti']}/")
    assert "refresh" not in again.json()
    assert found["refresh"] not in again.content.decode()
    assert lifecycle.access(found["refresh"], request=REQUEST).access
    assert operator.get(KEYS, {"state": "live", "audience": "nightly-report"}).json()["results"]
    assert (last_row().action, TokenRequestLog.objects.filter(action="mint").get().actor) == ("refresh", "olga")


def test_odd_wishes_are_400_and_nothing_is_minted(operator, world):
    for body in [
        {},
        {"audience": "x"},
        {"audience": "", "lifetime": 60},
        {"audience": "a\u0000", "lifetime": 60},
        {"audience": "x", "lifetime": 0},
        {"audience": "x", "lifetime": 2**31},
        {"audience": "x", "lifetime": 366 * 24 * 3600},
        {"audience": "orders", "lifetime": 60},
        {"audience": "x", "lifetime": 60, "owner": "root"},
    ]:
        assert problem(operator.post(KEYS, body))[0] == 400
        assert not JwtRefreshKey.objects.exists()


def test_s2_7_a_key_is_revoked_alone_or_with_its_family(operator, world):
    someone("ada")
    access = logged_in("ada", PASSWORD)
    jti = JwtRefreshKey.objects.get().jti

    assert operator.post(f"{KEYS}{jti}/revoke-key/", {"because": "lost"}).json() == {"revoked": True}
    assert opens_the_portal(access)
    assert operator.get(f"{KEYS}{jti}/").json()["state"] == "revoked"
    assert operator.post(f"{KEYS}{jti}/revoke/", {}).json() == {"revoked": True}
    assert not opens_the_portal(access)


def test_a_login_s_access_token_opens_the_management_api_as_its_person(world):
    someone("ada")
    from tests.api import bearer

    raw = logged_in("ada", PASSWORD)
    assert problem(bearer(raw).get(TOKENS)) == (403, "permission_denied")
    from credentials.models import User

    ada = User.objects.get(username="ada")
    ada.user_permissions.set(person("view_issuedtoken", name="other").user_permissions.all())
    assert bearer(raw).get(TOKENS).status_code == 200
    assert signed_in(ada).get(TOKENS).status_code == 200
