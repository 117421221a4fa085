"""The request log cannot be changed or emptied, by nobody and through no door (D24, I8)."""

import pytest
from django.contrib import admin
from django.db import DatabaseError, connection, transaction
from django.test import Client as Browser
from django.urls import reverse

from credentials.models import User
from tests import world as worlds
from tokens import lifecycle
from tokens.models import TokenRequestLog

CHANGES = [
    "UPDATE tokens_tokenrequestlog SET outcome = 'refused'",
    "UPDATE tokens_tokenrequestlog SET at = at",
    "DELETE FROM tokens_tokenrequestlog",
]
POSTGRESQL_CHANGES = [
    "TRUNCATE tokens_tokenrequestlog",
    "TRUNCATE tokens_tokenrequestlog CASCADE",
    "SET LOCAL session_replication_role = replica; DELETE FROM tokens_tokenrequestlog",
    """INSERT INTO tokens_tokenrequestlog SELECT * FROM tokens_tokenrequestlog
    ON CONFLICT (id) DO UPDATE SET outcome = 'refused'""",
]
SQLITE_CHANGES = [
    "REPLACE INTO tokens_tokenrequestlog SELECT * FROM tokens_tokenrequestlog",
    "INSERT OR REPLACE INTO tokens_tokenrequestlog SELECT * FROM tokens_tokenrequestlog",
    "UPDATE OR REPLACE tokens_tokenrequestlog SET id = id + 1",
]


@pytest.fixture
def logged(db: None) -> TokenRequestLog:
    world = worlds.build()
    world.issue(world.key_of(world.orders))
    return TokenRequestLog.objects.get()


def statements() -> list[str]:
    return CHANGES + (POSTGRESQL_CHANGES if connection.vendor == "postgresql" else SQLITE_CHANGES)


def test_d24_raw_sql_can_neither_change_nor_remove_a_row_i8(logged: TokenRequestLog) -> None:
    for statement in statements():
        with pytest.raises(DatabaseError, match="permanent"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
        kept = TokenRequestLog.objects.get()
        assert (kept.pk, kept.outcome, kept.at) == (logged.pk, "granted", logged.at), statement


def test_d24_the_orm_can_neither_change_nor_remove_a_row(logged: TokenRequestLog) -> None:
    attempts = [
        lambda: TokenRequestLog.objects.update(outcome="refused"),
        lambda: TokenRequestLog.objects.all().delete(),
        logged.delete,
        logged.save,
        lambda: TokenRequestLog.objects.bulk_update([logged], ["reason"]),
    ]
    for attempt in attempts:
        with pytest.raises(DatabaseError, match="permanent"), transaction.atomic():
            attempt()
    assert TokenRequestLog.objects.get().outcome == "granted"


@pytest.fixture
def superuser(db: None) -> Browser:
    browser = Browser()
    browser.force_login(User.objects.create_superuser("root", password="a long password"))
    return browser


def test_d24_the_admin_has_no_way_to_change_the_log_even_for_a_superuser(
    logged: TokenRequestLog, superuser: Browser
) -> None:
    screen = reverse("admin:tokens_tokenrequestlog_changelist")
    detail = reverse("admin:tokens_tokenrequestlog_change", args=[logged.pk])
    assert superuser.get(screen).status_code == 200
    assert superuser.get(detail).status_code == 200
    assert superuser.post(detail, {"outcome": "refused"}).status_code == 403
    assert superuser.get(reverse("admin:tokens_tokenrequestlog_add")).status_code == 403
    assert (
        superuser.post(reverse("admin:tokens_tokenrequestlog_delete", args=[logged.pk]), {"post": "yes"}).status_code
        == 403
    )
    superuser.post(screen, {"action": "delete_selected", "_selected_action": [logged.pk], "post": "yes"})
    assert TokenRequestLog.objects.get().outcome == "granted"
    model_admin = admin.site.get_model_admin(TokenRequestLog)
    assert not model_admin.has_delete_permission(superuser.request().wsgi_request)


def test_d24_names_are_copied_so_archiving_a_proxy_changes_nothing(db: None) -> None:
    from proxies import catalogue

    world = worlds.build()
    world.issue(world.key_of(world.orders))
    catalogue.archive(world.orders, by="test")
    row = TokenRequestLog.objects.get()
    assert (row.proxy, row.audience, row.environment) == ("orders", "https://orders.example/api", "test")
    relations = [field for field in TokenRequestLog._meta.get_fields() if field.is_relation]
    assert not relations, "a foreign key into or out of the log would let a cascade reach it"


def test_i9_if_the_row_cannot_be_written_no_token_is_handed_out(db: None) -> None:
    from tokens.models import IssuedToken

    world = worlds.build()
    client = world.key_of(world.orders)

    def refuse_the_log(execute, sql, params, many, context):
        if "INSERT INTO tokens_tokenrequestlog" in sql:
            raise DatabaseError("disk full")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(refuse_the_log):
        answer = worlds.call("/oauth2/token", {"grant_type": "client_credentials"}, client=client)
    assert (answer.status, answer.json["error"]) == (503, "server_error")
    assert not IssuedToken.objects.exists()
    assert worlds.call("/oauth2/token", {"grant_type": "client_credentials"}, client=client).status == 200


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("192.0.2.7", "192.0.2.0"),
        ("::ffff:192.0.2.7", "192.0.2.0"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::"),
        ("", ""),
    ],
)
def test_the_log_keeps_no_more_of_an_address_than_the_setting_says(db: None, settings, address, kept) -> None:
    settings.LOG_ADDRESS_PREFIX_V4, settings.LOG_ADDRESS_PREFIX_V6 = 24, 48
    world = worlds.build()
    request = lifecycle.Request(address=address)
    lifecycle.issue(world.key_of(world.orders), request=request)
    assert TokenRequestLog.objects.get().address == kept
    settings.LOG_ADDRESS_PREFIX_V4, settings.LOG_ADDRESS_PREFIX_V6 = 0, 0
    lifecycle.issue(world.key_of(world.orders), request=request)
    assert TokenRequestLog.objects.latest("pk").address in {"", "0.0.0.0", "::"}
    settings.LOG_ADDRESS_PREFIX_V4, settings.LOG_ADDRESS_PREFIX_V6 = 32, 128
    lifecycle.issue(world.key_of(world.orders), request=request)
    assert TokenRequestLog.objects.latest("pk").address == address
