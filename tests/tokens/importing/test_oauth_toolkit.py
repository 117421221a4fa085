"""Moving from django-oauth-toolkit: what lived there lives here, in its own form, until the end that was set."""

from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from credentials import clients
from credentials.models import Credential, CredentialSecret, User
from proxies import deployment
from proxies.models import ChangeRecord
from tests import world as worlds
from tests.tokens.commands.calling import run
from tests.tokens.importing.sources import Other
from tests.tokens.importing.toolkit import (
    DAY,
    UNTIL,
    application,
    assert_everything_lives,
    imported,
    refreshed,
    verified,
)
from tests.world import World, call
from tokens import foreign, lifecycle
from tokens.lifecycle import Client
from tokens.models import IssuedToken, LegacyVerifier, RefreshKey, TokenFamily


def test_d20_what_lived_there_lives_here(world: World, toolkit: Other) -> None:
    report = imported(toolkit)
    assert_everything_lives(toolkit)
    assert report["applications"]["carried"] == 7
    assert report["people"] | {"left_out": []} == {
        "found": 3,
        "carried": 3,
        "already_here": 0,
        "over": 0,
        "left_out": [],
    }
    assert {name: report["refresh_tokens"][name] for name in ("found", "carried", "over")} == {
        "found": 5, "carried": 3, "over": 1,
    }  # fmt: skip
    assert {each["because"]: each["count"] for each in report["refresh_tokens"]["left_out"]} == {
        "its client is public and has no secret to prove itself by": 1
    }
    assert {each["because"]: each["count"] for each in report["access_tokens"]["left_out"]} == {
        "it belongs to no application": 1
    }
    assert {each["because"].split(":")[0] for each in report["client_secrets"]["left_out"]} == {
        "it is not random enough to be kept as a fast hash", "it is hashed as scrypt",
    }  # fmt: skip
    assert "grant authorization-code" in " ".join(report["notes"])


def test_i5_neither_tokens_nor_secrets_are_in_report_history_or_tables(world: World, toolkit: Other) -> None:
    done = run("import_oauth_toolkit", toolkit.url, "--target", "orders", "--until", UNTIL)
    told = toolkit.told
    values = [client["client_secret"] for client in told["applications"].values() if len(client["client_secret"]) > 20]
    values += [told[name]["access_token"] for name in ("service", "ada", "bob")]
    values += [told["ada"]["refresh_token"], foreign.checksum(told["ada"]["refresh_token"])]
    kept = " ".join(
        [
            *(f"{each.note} {each.before} {each.after} {each.subject_name}" for each in ChangeRecord.objects.all()),
            *(str(each) for each in IssuedToken.objects.values_list("digest", flat=True)),
            *RefreshKey.objects.values_list("token_hash", flat=True),
            *CredentialSecret.objects.values_list("digest", flat=True),
        ]
    )
    for value in values:
        assert value not in done.out + done.err + kept
    assert "applications: 7 carried over" in done.out


def test_a_dry_run_reports_the_same_and_writes_nothing(world: World, toolkit: Other) -> None:
    history = ChangeRecord.objects.count()
    would = imported(toolkit, "--dry-run")
    assert ChangeRecord.objects.count() == history
    assert not LegacyVerifier.objects.exists()
    assert not User.objects.exists()
    assert not TokenFamily.objects.exists()
    did = imported(toolkit)
    for name in ("applications", "people", "client_secrets", "refresh_tokens", "access_tokens"):
        assert would[name] == did[name], name
    assert (
        "Nothing was written."
        in run("import_oauth_toolkit", toolkit.url, "--target", "orders", "--until", UNTIL, "--dry-run").out
    )


def test_run_twice_nothing_is_doubled(world: World, toolkit: Other) -> None:
    imported(toolkit)
    before = (
        TokenFamily.objects.count(),
        Credential.objects.count(),
        User.objects.count(),
        LegacyVerifier.objects.count(),
    )
    again = imported(toolkit)
    after = (
        TokenFamily.objects.count(),
        Credential.objects.count(),
        User.objects.count(),
        LegacyVerifier.objects.count(),
    )
    assert before == after
    assert again["applications"]["already_here"] == 7
    for kind in ("refresh_tokens", "access_tokens", "people"):
        assert again[kind]["carried"] == 0
    assert again["refresh_tokens"]["already_here"] == 3
    assert_everything_lives(toolkit)


def test_what_is_ended_there_between_two_runs_ends_here(world: World, own: Other) -> None:
    imported(own)
    web = own.told["applications"]["web"]
    form = {
        "token": own.told["ada"]["refresh_token"],
        "client_id": web["client_id"],
        "client_secret": web["client_secret"],
    }
    assert own.ask({"do": "revoke", "form": form})["status"] == 200
    assert verified(own.told["ada"]["access_token"]).status == 200
    assert imported(own)["ended_since"] == 1
    assert verified(own.told["ada"]["access_token"]).status == 401
    assert refreshed(own, "web", own.told["ada"]["refresh_token"]).json["error_code"] == "refresh_token_revoked"


def test_what_is_ended_here_stays_ended_in_a_second_run(world: World, toolkit: Other) -> None:
    imported(toolkit)
    web = Credential.objects.get(client_id=toolkit.told["applications"]["web"]["client_id"])
    service = Credential.objects.get(client_id=toolkit.told["applications"]["service"]["client_id"])
    clients.withdraw(web.grants.get(), by="test")
    clients.undeploy(service, world.test, by="test")
    imported(toolkit)
    for name in ("ada", "service", "groups"):
        assert verified(toolkit.told[name]["access_token"]).status == 401, name


def test_d2_an_imported_refresh_token_answers_a_retry_and_a_reuse_as_ours_do(world: World, toolkit: Other) -> None:
    imported(toolkit)
    web = application(toolkit, "web")
    old = toolkit.told["ada"]["refresh_token"]
    now = timezone.now()

    def refresh(token: str, seconds: float) -> lifecycle.TokenAnswer:
        return lifecycle.refresh(web, token, request=worlds.REQUEST, at=now + timedelta(seconds=seconds))

    first = refresh(old, 1)
    assert refresh(old, 5).refresh_token == first.refresh_token
    second = refresh(str(first.refresh_token), 20)
    from tokens.errors import RefreshTokenReused, RefreshTokenRevoked

    with pytest.raises(RefreshTokenReused):
        refresh(old, 40)
    with pytest.raises(RefreshTokenRevoked):
        refresh(str(second.refresh_token), 41)


def test_d40_the_client_revokes_its_imported_tokens(world: World, toolkit: Other) -> None:
    imported(toolkit)
    web = application(toolkit, "web")
    assert call("/oauth2/revoke", {"token": toolkit.told["ada"]["refresh_token"]}, client=web).status == 200
    assert verified(toolkit.told["ada"]["access_token"]).status == 401
    other = application(toolkit, "plain")
    assert call("/oauth2/revoke", {"token": toolkit.told["service"]["access_token"]}, client=other).status == 200
    assert verified(toolkit.told["service"]["access_token"]).status == 200, "it was not theirs"


def test_d31_a_person_that_is_deactivated_takes_their_tokens_along(world: World, toolkit: Other) -> None:
    imported(toolkit)
    assert verified(toolkit.told["gone"]["access_token"]).status == 401, "deactivated there, so here as well"
    assert run("users", "deactivate", "ada", "--yes").status == 0
    assert verified(toolkit.told["ada"]["access_token"]).status == 401
    assert verified(toolkit.told["public"]["access_token"]).status == 401
    assert verified(toolkit.told["service"]["access_token"]).status == 200


def test_i17_an_imported_token_opens_its_target_and_no_other(world: World, toolkit: Other) -> None:
    imported(toolkit)
    assert verified(toolkit.told["service"]["access_token"], "billing").status == 401
    elsewhere = lifecycle.verify(toolkit.told["service"]["access_token"], proxy="orders", environment="live")
    assert str(elsewhere.reason) == "wrong_environment"


def test_s0_29_undeploying_the_target_ends_imported_tokens_too(world: World, toolkit: Other) -> None:
    imported(toolkit)
    deployment.undeploy(world.orders, world.test, by="test")
    deployment.deploy(world.orders, world.test, by="test")
    assert verified(toolkit.told["service"]["access_token"]).status == 401


def test_d20_the_verifier_ends_on_its_day(world: World, toolkit: Other) -> None:
    imported(toolkit)
    raw = toolkit.told["service"]["access_token"]
    end = datetime.fromisoformat(UNTIL)
    assert lifecycle.verify(raw, proxy="orders", at=timezone.now() + timedelta(hours=1)).good
    assert str(lifecycle.verify(raw, proxy="orders", at=end).reason) == "token_not_found"
    assert RefreshKey.objects.filter(expires_at__gt=end).count() == 0


def test_d20_the_verifier_is_ended_by_hand(world: World, toolkit: Other) -> None:
    imported(toolkit)
    raw = toolkit.told["service"]["access_token"]
    refused = run("legacy_verifier", "end", "oauth-toolkit")
    assert refused.status == 3
    assert "Live OAuth2 (opaque) tokens" in refused.err
    assert run("legacy_verifier", "end", "oauth-toolkit", "--yes").status == 0
    assert verified(raw).status == 401
    listed = run("legacy_verifier", "list", "--json").json["verifiers"][0]
    assert (listed["name"], listed["kind"], listed["state"]) == ("oauth-toolkit", "checksum", "ended")
    later = (timezone.now() + DAY).isoformat()
    assert run("legacy_verifier", "move-end", "oauth-toolkit", later).status == 1, "nothing revives"


def test_d19_a_slow_hash_becomes_ours_at_its_first_use(world: World, toolkit: Other) -> None:
    imported(toolkit)
    web = application(toolkit, "web")
    stored = CredentialSecret.objects.get(credential__client_id=web.client_id)
    assert stored.digest.startswith("pbkdf2_sha256$")
    wrong = Client(web.client_id, "x" * 40)
    form = {"grant_type": "client_credentials"}
    assert call("/oauth2/token", form, client=wrong).status == 401
    stored.refresh_from_db()
    assert stored.digest.startswith("pbkdf2_sha256$")
    assert call("/oauth2/token", form, client=web).status == 200
    stored.refresh_from_db()
    assert len(stored.digest) == 64
    assert call("/oauth2/token", form, client=web).status == 200


def test_r36_a_secret_that_somebody_thought_up_keeps_its_slow_hash(world: World, toolkit: Other) -> None:
    imported(toolkit)
    typed = application(toolkit, "typed and hashed")
    for _ in range(2):
        assert call("/oauth2/token", {"grant_type": "client_credentials"}, client=typed).status == 200
    assert CredentialSecret.objects.get(credential__client_id=typed.client_id).digest.startswith("pbkdf2_sha256$")


def test_our_own_tokens_cost_no_query_more(world: World, toolkit: Other) -> None:
    own_client = world.key_of(world.billing)
    mine = lifecycle.issue(own_client, request=worlds.REQUEST).access_token
    with CaptureQueriesContext(connection) as before:
        assert lifecycle.verify(mine, proxy="billing").good
    imported(toolkit)
    with CaptureQueriesContext(connection) as after:
        assert lifecycle.verify(mine, proxy="billing").good
    assert len(after) == len(before) == 1
    lifecycle.verify(toolkit.told["service"]["access_token"], proxy="orders")
    with CaptureQueriesContext(connection) as theirs:
        assert lifecycle.verify(toolkit.told["service"]["access_token"], proxy="orders").good
    assert len(theirs) == 1
