"""A database with as many rows as wanted, written by bulk SQL: families, tokens, refresh keys, the log.

Rows are spread over the world of the tests: two environments, three keys and a credential. Of the tokens 70 % have
expired, 1 % were revoked, 1 of 1,000 never expires. The log covers 90 days evenly, 8 % of it refused.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

NOW = datetime.now(UTC).replace(microsecond=0)
SLICE = 250_000
LOG_DAYS = 90

# One dialect each for: a hash-like hex text of a number, a moment so many seconds from a start.
HEX = {"postgresql": "md5('{salt}' || i::text)", "sqlite": "lower(hex(randomblob(16)))"}
MOMENT = {
    "postgresql": "(timestamptz '{start}' + (({seconds}) * interval '1 second'))",
    "sqlite": "datetime('{start}', '+' || ({seconds}) || ' seconds')",
}
SERIES = {
    "postgresql": "generate_series({first}, {last}) AS s(i)",
    "sqlite": "(WITH RECURSIVE s(i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM s WHERE i < {last})"
    " SELECT i FROM s)",
}


class Words:
    """SQL of the database at hand."""

    def __init__(self, vendor: str) -> None:
        self.vendor = vendor
        self.yes = "TRUE" if vendor == "postgresql" else "1"

    def hex(self, salt: str, width: int = 32) -> str:
        one = HEX[self.vendor].format(salt=salt)
        return one if width == 32 else f"{one} || {HEX[self.vendor].format(salt=salt + 'b')}"

    def moment(self, start: datetime, seconds: str) -> str:
        return MOMENT[self.vendor].format(start=f"{start:%Y-%m-%d %H:%M:%S}", seconds=seconds)

    def pick(self, *choices: Any) -> str:
        """One of some values by the number of the row."""
        cases = " ".join(f"WHEN {at} THEN {_literal(value)}" for at, value in enumerate(choices))
        return f"CASE i % {len(choices)} {cases} END"


def _literal(value: Any) -> str:
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    return "NULL" if value is None else str(value) if isinstance(value, int) else f"'{value}'"


def fill(rows: int, log: int, say: Callable[[str], None] = print) -> None:
    """Build the world and add the rows."""
    from django.apps import apps
    from django.core.management.color import no_style
    from django.db import connection

    from tests import world as worlds
    from tokens import rollups

    world = worlds.build()
    world.credential("shop")
    words = Words(connection.vendor)
    for name, table, total, make in (
        ("families", "tokens_tokenfamily", rows, families),
        ("access tokens", "tokens_issuedtoken", rows, tokens),
        ("refresh keys", "tokens_refreshkey", rows, refresh_keys),
        ("families of people", "tokens_tokenfamily", rows, _families_of_people),
        ("refresh keys of people", "tokens_refreshkey", rows, _refresh_keys_of_people),
        ("log rows", "tokens_tokenrequestlog", log, _log),
    ):
        begun = time.monotonic()
        insert(table, total, make(world, words, total))
        say(f"{total:>12,} {name} in {time.monotonic() - begun:.0f} s")
    begun = time.monotonic()
    say(f"{rollups.roll_up().counts:>12,} hourly sums in {time.monotonic() - begun:.0f} s")
    written = [model for model in apps.get_models() if model._meta.db_table.startswith("tokens_")]
    with connection.cursor() as cursor:
        # The rows brought numbers of their own; the next one is to be after them.
        for statement in connection.ops.sequence_reset_sql(no_style(), written):
            cursor.execute(statement)
        cursor.execute("ANALYZE")


def insert(table: str, total: int, values: dict[str, str]) -> None:
    from django.apps import apps
    from django.db import connection

    model = next(each for each in apps.get_models() if each._meta.db_table == table and not each._meta.proxy)
    # Columns that came later and are not said here have their default.
    more = {str(each.column): _literal(each.get_default()) for each in model._meta.concrete_fields if not each.null}
    values = {**{name: value for name, value in more.items() if name != "id"}, **values}
    for first in range(1, total + 1, SLICE):
        series = SERIES[connection.vendor].format(first=first, last=min(first + SLICE - 1, total))
        names = ", ".join(f'"{name}"' for name in values)
        with connection.cursor() as cursor:
            cursor.execute(f"INSERT INTO {table} ({names}) SELECT {', '.join(values.values())} FROM {series}")


def _holder(world: Any) -> dict[str, list[Any]]:
    """What belongs together in a family: key, target, environment, deployment."""
    from proxies.models import Deployment

    names = ("credential_id", "proxy_id", "audience", "environment_id", "deployment_id")
    found: dict[str, list[Any]] = {name: [] for name in names}
    for turn in range(10):
        proxy = world.orders if turn % 2 else world.billing
        place = world.live if turn == 7 else world.test
        found["credential_id"].append(world.credentials[proxy.slug].pk)
        found["proxy_id"].append(proxy.pk)
        found["audience"].append(proxy.audience)
        found["environment_id"].append(place.pk)
        found["deployment_id"].append(Deployment.objects.get(proxy=proxy, environment=place).pk)
    return found


def _spread(words: Words, total: int) -> str:
    """The rows evenly over the days of the log, the newest now."""
    return words.moment(NOW - timedelta(days=LOG_DAYS), f"i * {LOG_DAYS * 86_400}.0 / {total}")


def families(world: Any, words: Words, total: int) -> dict[str, str]:
    holder = {name: words.pick(*values) for name, values in _holder(world).items()}
    issued = _spread(words, total)
    return {
        "id": "i",
        "kind": "'client'",
        **holder,
        "scopes": "'read write'",
        "issued_at": issued,
        "token_format": "CASE WHEN i % 5 = 0 THEN 'jwt' ELSE 'opaque' END",
        "access_token_lifetime_secs": "3600",
        "refresh_token_lifetime_secs": "604800",
        "refresh_count": words.pick(None, 3, 5, 10),
        "refresh_mode": "'rotating'",
        "retry_window_secs": "10",
        "key_generation": "1",
        "deployment_generation": "1",
        "sequence": "i % 3",
        "revoked_at": f"CASE WHEN i % 100 = 0 THEN {words.moment(NOW, '0')} END",
        "revoked_by": "''",
        "revoked_because": "''",
    }


def _expiry(words: Words, total: int, never: str) -> str:
    """70 % in the past, the rest within the next 30 days."""
    ahead = words.moment(NOW, f"(i - {total} * 0.7) * {30 * 86_400} / ({total} * 0.3)")
    behind = words.moment(NOW - timedelta(days=LOG_DAYS), f"i * {LOG_DAYS * 86_400}.0 / ({total} * 0.7)")
    return f"CASE WHEN {never} THEN NULL WHEN i > {total} * 0.7 THEN {ahead} ELSE {behind} END"


def tokens(world: Any, words: Words, total: int) -> dict[str, str]:
    from tokens import signing
    from tokens.models import SigningKey

    signing.ensure(world.test, by="bench")
    key = SigningKey.objects.get(environment=world.test)
    jwt = "i % 5 = 0"
    return {
        "id": "i",
        "family_id": "i",
        "sequence": "i % 3",
        "token_format": f"CASE WHEN {jwt} THEN 'jwt' ELSE 'opaque' END",
        "digest": f"CASE WHEN {jwt} THEN NULL ELSE {words.hex('d', 64)} END",
        "jti": words.hex("t"),
        "signing_key_id": f"CASE WHEN {jwt} THEN {key.pk} END",
        "scopes": "'read'",
        "issued_at": _spread(words, total),
        "expires_at": _expiry(words, total, "i % 1000 = 1"),
        "revoked_at": f"CASE WHEN i % 100 = 0 THEN {words.moment(NOW, '0')} END",
        "revoked_by": "''",
        "revoked_because": "''",
        "last_used_at": f"CASE WHEN i % 5 < 3 THEN {_spread(words, total)} END",
        "last_used_proxy": "'orders'",
    }


def refresh_keys(world: Any, words: Words, total: int) -> dict[str, str]:
    return {
        "id": "i",
        "family_id": "i",
        "sequence": "i % 3",
        "token_hash": words.hex("h", 64),
        "jti": words.hex("r"),
        "created_at": _spread(words, total),
        "expires_at": _expiry(words, total, "i < 0"),
        "lifetime_secs": "604800",
        "refreshable": words.yes,
        "revoked_by": "''",
        "revoked_because": "''",
        "device_id": "''",
    }


PEOPLE = 200


def _people() -> list[int]:
    """Some hundred persons; a tenth of them may not log in."""
    from credentials.models import User

    made = [
        User(username=f"person-{at}", password="!", email=f"person-{at}@example.org", is_active=at % 10 > 0)
        for at in range(PEOPLE)
    ]
    User.objects.bulk_create(made)
    return [person.pk for person in made]


def _families_of_people(world: Any, words: Words, total: int) -> dict[str, str]:
    """Logins for the portal's API, a few for others; a tenth logged out; a tenth of before a new password."""
    from django.conf import settings

    from tokens.models import SigningKey

    portal = settings.PORTAL_AUDIENCE
    return {
        "id": f"i + {total}",
        "kind": words.pick(*["login"] * 9, "minted"),
        "user_id": words.pick(*_people()),
        "environment_id": str(world.test.pk),
        "audience": f"CASE WHEN i % 10000 = 0 THEN 'rare tool' WHEN i % 50 = 0 THEN 'my tool' ELSE '{portal}' END",
        "scopes": "'access'",
        "issued_at": _spread(words, total),
        "token_format": "'jwt'",
        "access_token_lifetime_secs": "1800",
        "refresh_token_lifetime_secs": "604800",
        "refresh_mode": "'rotating'",
        "retry_window_secs": "10",
        "user_generation": words.pick(*[1] * 9, 0),
        "signing_key_id": str(SigningKey.objects.get(environment=world.test).pk),
        "sequence": "i % 3",
        "revoked_at": f"CASE WHEN i % 10 = 3 THEN {words.moment(NOW, '0')} END",
        "revoked_by": "''",
        "revoked_because": "''",
    }


def _refresh_keys_of_people(world: Any, words: Words, total: int) -> dict[str, str]:
    from tokens.models import SigningKey

    return {
        **refresh_keys(world, words, total),
        "id": f"i + {total}",
        "family_id": f"i + {total}",
        "sequence": "CASE WHEN i % 7 = 0 AND i % 3 > 0 THEN i % 3 - 1 ELSE i % 3 END",
        "token_hash": words.hex("p", 64),
        "jti": words.hex("q"),
        "signing_key_id": str(SigningKey.objects.get(environment=world.test).pk),
        "content": """'{"email": "person@example.org", "sub": "person"}'""",
        "device_info": """'{"browser": "Firefox 128", "system": "Linux"}'""",
        "device_id": "CASE WHEN i % 4 = 0 THEN 'device-' || i ELSE '' END",
        "revoked_at": f"CASE WHEN i % 1000 = 5 THEN {words.moment(NOW, '0')} END",
        "last_used_at": f"CASE WHEN i % 5 < 3 THEN {_spread(words, total)} END",
    }


def _log(world: Any, words: Words, total: int) -> dict[str, str]:
    texts = ("username", "actor", "user_agent", "request_id", "fingerprint", "scopes")
    return {
        **dict.fromkeys(texts, "''"),
        "at": _spread(words, total),
        "action": words.pick("issue", "refresh", "refresh", "refresh", "revoke"),
        "outcome": "CASE WHEN i % 25 < 2 THEN 'refused' ELSE 'granted' END",
        "reason": "CASE WHEN i % 25 = 0 THEN 'client_auth_failed' WHEN i % 25 = 1 THEN 'token_not_found' ELSE '' END",
        "status": "CASE WHEN i % 25 = 0 THEN 401 WHEN i % 25 = 1 THEN 400 ELSE 200 END",
        "environment": words.pick("test", "test", "test", "live"),
        "client_id": words.pick(*[world.clients[name].client_id for name in ("orders", "billing", "shop")]),
        "client_name": words.pick("key of Orders", "key of Billing", "shop"),
        "proxy": words.pick("orders", "billing", "billing"),
        "group": "''",
        "audience": words.pick(world.orders.audience, world.billing.audience, world.billing.audience),
        "token_format": words.pick("opaque", "jwt"),
        "jti": words.hex("l"),
        "family_id": "i",
        "refresh_sequence": "i % 3",
        "address": "'198.51.100.' || (i % 200)",
        "duration_ms": "(i % 40) / 4.0",
    }
