"""Import of djangorestframework-simplejwt: refresh tokens that its blacklist app has recorded, and who may use them.

Access tokens are recorded nowhere there, so all of a person's are known by that person: they verify by the other
system's key until their own `exp`, and are ended together, with the person or with the one record that stands for them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.utils import timezone

from credentials.models import User
from proxies.models import Environment
from tokens import foreign, legacy, scope_rules, signing
from tokens.foreign import Verifier
from tokens.importing import landing, people
from tokens.importing.landing import Landing, Target
from tokens.importing.report import Progress, Report, Tally
from tokens.importing.source import Source, opened
from tokens.lifecycle.audit import Request
from tokens.lifecycle.importing import AccessToken, Holder, Imported, RefreshToken, carry, end_revoked
from tokens.models import LegacyVerifier

OUTSTANDING = "token_blacklist_outstandingtoken"
BLACKLISTED = "token_blacklist_blacklistedtoken"
_ROWS = f"""
    SELECT o.id, o.jti, o.token, o.created_at, o.expires_at, o.user_id, b.id
    FROM {OUTSTANDING} o LEFT JOIN {BLACKLISTED} b ON b.token_id = o.id WHERE o.expires_at > %s"""
_HOLDS_TOKENS = f"EXISTS (SELECT 1 FROM {OUTSTANDING} o WHERE o.user_id = u.id AND o.expires_at > %s)"
_OVER = f"SELECT count(*) FROM {OUTSTANDING} o WHERE o.expires_at <= %s"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to import and where to, and what the other system signs with: its shared secret or its public key."""

    verifier: str
    target: Target
    environment: Environment
    ends_at: datetime
    algorithm: str
    key: bytes
    kid: str = ""
    user_claim: str = "user_id"
    user_table: str = "auth_user"
    username_column: str = "username"

    def __repr__(self) -> str:
        return f"Wanted({self.verifier})"


class Outstanding(NamedTuple):
    """A refresh token that was recorded there."""

    key: int
    jti: str
    token: str
    created_at: datetime | None
    expires_at: datetime
    user_id: Any
    blacklisted: int | None


def import_simplejwt(
    url: str,
    wanted: Wanted,
    *,
    by: str,
    dry_run: bool = False,
    progress: Progress = lambda _what, _done: None,
    at: datetime | None = None,
) -> Report:
    """Carry over what can be, and report what cannot. Run twice, nothing is doubled. Raises ImportRefused."""
    now = at or timezone.now()
    place = landing.landing(wanted.target, wanted.environment, ends_at=wanted.ends_at, by=by, now=now, dry_run=dry_run)
    with opened(url) as source:
        run = _Import(source, wanted, place, Report(wanted.verifier, dry_run), progress)
        if not dry_run:
            # What is refreshed here is signed here.
            signing.ensure(wanted.environment, by=by, at=now)
        run.people()
        run.tokens()
    return run.report


class _Import:
    """One run. Everything that would make it fail half way is looked at when it is made."""

    def __init__(self, source: Source, wanted: Wanted, place: Landing, report: Report, progress: Progress) -> None:
        self.source, self.wanted, self.place, self.report, self.progress = source, wanted, place, report, progress
        source.need(OUTSTANDING, "jti", "token", "expires_at", "user_id", "created_at")
        source.need(BLACKLISTED, "token_id")
        self.users = people.table(source, wanted.user_table, wanted.username_column)
        kept = legacy.fit_key(wanted.algorithm, wanted.key)
        self.reader = Verifier(
            wanted.verifier, "jwt", wanted.algorithm, wanted.kid, wanted.user_claim,
            foreign.ready(wanted.algorithm, kept), wanted.ends_at,
        )  # fmt: skip
        self.verifier = self._verifier()

    def _verifier(self) -> LegacyVerifier | None:
        wanted, place = self.wanted, self.place
        found = LegacyVerifier.objects.filter(name=wanted.verifier).select_related("environment").first()
        if found is None and not place.dry_run:
            return legacy.register_jwt(
                name=wanted.verifier, environment=place.environment, ends_at=place.ends_at,
                algorithm=wanted.algorithm, key=wanted.key, kid=wanted.kid, user_claim=wanted.user_claim,
                by=place.by, at=place.now,
            )  # fmt: skip
        if found is not None:
            kind = LegacyVerifier.Kind.JWT
            landing.refuse_other(found, place, kind=kind, algorithm=wanted.algorithm, kid=wanted.kid)
            legacy.refuse_other_key(found, wanted.key)
        return found

    def people(self) -> None:
        """Everybody for whom a token was recorded that is not over."""
        tally = self.report.tally("people", "people that hold tokens")
        parameters = [self.place.now]
        people.make_all(self.source, self.users, self.place, tally, who=_HOLDS_TOKENS, parameters=parameters)
        people.note_made(self.report, tally)

    def tokens(self) -> None:
        """Refresh tokens one by one; a person's access tokens together."""
        tally = self.report.tally("refresh_tokens", "refresh tokens")
        for page in self.source.pages(_ROWS, "o.id", [self.place.now]):
            self._page([Outstanding._make(row) for row in page], tally)
            self.progress("refresh tokens", tally.found)
        over = self.source.rows(_OVER, [self.place.now])[0][0]
        tally.found += over
        tally.over += over
        self.report.note(
            "Access tokens are not recorded there: those of the people above count until their own end, and end "
            "together."
        )

    def _page(self, page: list[Outstanding], tally: Tally) -> None:
        persons = people.of_keys(
            self.source, self.users, self.place, {each.user_id for each in page if each.user_id is not None}
        )
        here = {user.username: user for user in persons.values() if isinstance(user, User) and user.username}
        holders = landing.person_holders(self.place, here)
        batch: list[Imported] = []
        dead: list[str] = []
        for each in page:
            tally.found += 1
            if each.blacklisted is not None:
                tally.over += 1
                dead.append(foreign.of_jti(self.wanted.verifier, each.jti))
                continue
            batch += self._imported(each, persons, holders, tally)
        written = set(map(id, carry(batch, self.place.where(self.verifier), now=self.place.now)))
        recorded = [each for each in batch if not _stands_for_many(each)]
        tally.carried += sum(id(each) in written for each in recorded)
        tally.already += sum(id(each) not in written for each in recorded)
        if self.verifier is not None and not self.place.dry_run:
            request = Request(actor=self.place.by)
            self.report.ended_since += end_revoked(dead, by=self.place.by, request=request, now=self.place.now)

    def _imported(
        self, each: Outstanding, persons: Mapping[Any, User | str], holders: Mapping[str, Holder | str], tally: Tally
    ) -> list[Imported]:
        """The recorded token, and what stands for the access tokens of its person."""
        claims = foreign.verified_claims(self.reader, each.token)
        person = persons.get(each.user_id, people.NOT_IN_TABLE) if each.user_id is not None else "its user was deleted"
        holder: Holder | str = person if isinstance(person, str) else _holder(person, holders)
        because = holder if isinstance(holder, str) else _why_not(each, claims, self.wanted)
        if because or claims is None or isinstance(holder, str) or isinstance(person, str):
            tally.leave_out(because, f"number {each.key}")
            return []
        scopes = scope_rules.scope_text(scope_rules.granted_scopes(self.place.target.scopes, ""))
        ends = min(each.expires_at, self.place.ends_at)
        began = each.created_at or self.place.now
        name = foreign.of_jti(self.wanted.verifier, each.jti)
        if claims["token_type"] == foreign.SLIDING:
            # The record has the end of its refresh; that of its use is in the token alone.
            ends = min(ends, foreign.moment(claims.get("exp")) or self.place.now)
            self.report.note("Sliding tokens count until their own end; they are not refreshed here.")
            return [Imported(holder, scopes, AccessToken(name, began, ends))] if ends > self.place.now else []
        told = {
            "email": person.email, "sub": person.username, "jti": each.jti, "exp": claims["exp"],
            "imported": self.wanted.verifier,
        }  # fmt: skip
        many = AccessToken(self._many(claims), self.place.now, self.place.ends_at)
        return [
            Imported(holder, scopes, refresh=RefreshToken(name, began, ends, told)),
            Imported(holder, scopes, access=many),
        ]

    def _many(self, claims: Mapping[str, Any]) -> str:
        return foreign.of_user(self.wanted.verifier, str(claims[self.wanted.user_claim]))


def _stands_for_many(each: Imported) -> bool:
    return each.access is not None and "|user|" in each.access.name


def _holder(person: User, holders: Mapping[str, Holder | str]) -> Holder | str:
    if not person.username:  # a dry run has made nobody
        return landing.session_holder(None, None)
    return holders[person.username]


def _why_not(each: Outstanding, claims: Mapping[str, Any] | None, wanted: Wanted) -> str:
    if claims is None:
        return "it is not signed by the given key with this algorithm and key id"
    if claims.get("token_type") not in (foreign.REFRESH, foreign.SLIDING) or claims.get("jti") != each.jti:
        return "it is neither a refresh nor a sliding token, or was recorded with another jti"
    user = claims.get(wanted.user_claim)
    if isinstance(user, bool) or not isinstance(user, str | int):
        return f"it has no claim {wanted.user_claim} that names its user"
    return ""
