"""What is wrong with this installation, and what to do about it, in plain words. Reads only."""

from collections.abc import Iterator
from datetime import datetime

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from credentials import sealed, second_factors
from proxies.models import ApiProxy, Environment, Management, ProxyGroup
from proxies.time_limit import TooLong, answered_within
from tokens import legacy_use, surroundings
from tokens.models import LegacyVerifier, SigningKey, TokenFormat, TokenPolicy
from tokens.reminders import findings
from tokens.statements import log_guard, orphans
from tokens.surroundings import Finding
from tokens.verify_cache import obstacles

LONGEST_SEARCH_SECONDS = 60.0


def examine() -> list[Finding]:
    """Every finding, problems first. Where the database can't be asked, that is the finding."""
    try:
        found = [*_schema()] or [
            *_content(), *findings.reminders(), *surroundings.database(), *surroundings.neighbours(),
            *(Finding(False, what, todo) for what, todo in obstacles.obstacles()),
        ]  # fmt: skip
    except DatabaseError as trouble:
        told = str(trouble).strip().splitlines() or [type(trouble).__name__]
        found = [Finding(True, f"The database does not answer: {told[0]}", "Start it, or look at DATABASE_URL.")]
    return sorted([*found, *surroundings.installation()], key=lambda finding: not finding.is_problem)


def _schema() -> Iterator[Finding]:
    executor = MigrationExecutor(connection)
    pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if pending:
        yield Finding(True, f"{len(pending)} migrations have not run.", "Run: manage.py migrate")


def _content() -> Iterator[Finding]:
    if missing := log_guard.missing():
        yield Finding(
            True,
            f"The request log is not protected: {', '.join(missing)} missing or switched off.",
            "Find out who removed them. Then: manage.py check_log && manage.py protect_log",
        )
    for sentence in sealed.unreadable():
        yield Finding(True, sentence, "Put the key back into KEY_ENCRYPTION_KEYS that sealed it.")
    yield from _orphans()
    yield from _environments()
    yield from _holders(ApiProxy, "API proxy")
    yield from _holders(ProxyGroup, "Group")
    yield from _imported(timezone.now())
    yield from _people()


def _orphans() -> Iterator[Finding]:
    """Rows whose foreign key leads nowhere. Nothing of ours makes one; somebody with a database shell can."""
    try:
        with answered_within(LONGEST_SEARCH_SECONDS):
            found = list(orphans.find())
    except TooLong:
        yield Finding(
            False,
            f"There are too many tokens to see in {LONGEST_SEARCH_SECONDS:.0f} seconds whether one points at nothing.",
            "Look on a quiet day, or on a restored backup.",
        )
        return
    for each in found:
        yield Finding(
            True,
            f"{each.many} rows of {each.table} point by {each.column} at rows of {each.target} that are gone.",
            "Somebody deleted them by hand. Put them back from a backup; what points at them opens nothing meanwhile.",
        )


def _environments() -> Iterator[Finding]:
    environments = list(Environment.objects.all())
    if not any(environment.is_default for environment in environments):
        yield Finding(
            True,
            "There is no default environment, so /oauth2/token and /auth/verify answer 404.",
            "Run: manage.py add_environment test" if not environments else "Make one the default, in the admin.",
        )
    signing = set(
        SigningKey.objects.filter(
            signing_since__isnull=False, verify_only_since=None, retired_at=None, ended_at=None
        ).values_list("environment_id", flat=True)
    )
    issues_jwts = TokenPolicy.objects.filter(token_format=TokenFormat.JWT).exists()
    for environment in environments:
        if environment.pk not in signing:
            yield Finding(
                issues_jwts,
                f"The environment {environment} has no signing key, so it cannot issue JWTs yet.",
                f"Run: manage.py rotate_signing_key --environment {environment.slug}",
            )


def _holders(model: type[ApiProxy] | type[ProxyGroup], word: str) -> Iterator[Finding]:
    own = model._default_manager.filter(archived_at=None, mode=Management.OWN)
    for holder in own.filter(policy=None).order_by("slug")[:20]:
        yield Finding(
            False, f"{word} {holder} has no token policy, so nobody gets a token for it.",
            f"Run: manage.py set_policy {holder.slug}",
        )  # fmt: skip
    for holder in own.filter(key=None).order_by("slug")[:20]:
        yield Finding(
            False, f"{word} {holder} has no key, so nobody can ask for a token for it.",
            f"Run: manage.py open_credential --key-of {holder.slug}",
        )  # fmt: skip


def _people() -> Iterator[Finding]:
    for name in second_factors.unknown_groups():
        yield Finding(
            True,
            f"SECOND_FACTOR_REQUIRED names {name}, which is neither staff nor a group: it asks nobody.",
            "Correct the name, or add the group in the admin.",
        )
    if lacking := second_factors.lacking():
        names = ", ".join(person.get_username() for person in lacking[:5])
        more = " and more" if len(lacking) > 5 else ""
        yield Finding(
            False,
            f"A second factor is asked of them and they have none yet ({len(lacking)}): {names}{more}.",
            "They are led to set it up when they log in; until then nothing else opens for them.",
        )


def _imported(now: datetime) -> Iterator[Finding]:
    """Verifiers of imported tokens near their end or just past it, as long as somebody still holds such tokens."""
    near = LegacyVerifier.objects.filter(ends_at__gt=now - legacy_use.RECENT, ends_at__lte=now + legacy_use.NEAR)
    for verifier in near.order_by("ends_at"):
        number = legacy_use.holders_left(verifier, at=now)
        who, day = f"{number} clients or people", f"{verifier.ends_at:%Y-%m-%d}"
        if number and verifier.ends_at > now:
            yield Finding(
                False, f"Imported tokens of {verifier} end on {day}, and {who} still hold some.",
                "Have them refresh, or log in anew. More time: manage.py legacy_verifier move-end "
                f"{verifier} TIME",
            )  # fmt: skip
        elif number:
            yield Finding(
                False, f"Imported tokens of {verifier} ended on {day}, and {who} held some to the last.",
                "Tell them to get new tokens. What has ended is not brought back.",
            )  # fmt: skip
