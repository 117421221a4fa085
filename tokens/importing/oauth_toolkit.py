"""Import of django-oauth-toolkit: applications, and the access and refresh tokens that live.

Tokens keep their form. The toolkit knows them by their SHA-256 (older releases have the values, which are hashed on
the way), so that is what a verifier recognises them by (D20).
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from credentials.errors import CredentialError
from credentials.models import Credential, User
from proxies.models import Environment
from tokens import foreign, legacy
from tokens.errors import ImportRefused
from tokens.importing import landing, oauth_rows, people
from tokens.importing.landing import Landing, Target
from tokens.importing.oauth_rows import ACCESS_TOKENS, APPLICATIONS, REFRESH_TOKENS, Application, Live
from tokens.importing.report import Progress, Report, Tally
from tokens.importing.source import Source, opened
from tokens.lifecycle.audit import Request
from tokens.lifecycle.importing import AccessToken, Holder, Imported, RefreshToken, carry, end_revoked
from tokens.models import LegacyVerifier


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to import and where to.

    `refresh_lifetime` is the source's REFRESH_TOKEN_EXPIRE_SECONDS, which its database does not tell; without it a
    refresh token counts until the end. `drop_unknown_scopes` lets tokens go on without scopes that the target lacks.
    """

    verifier: str
    target: Target
    environment: Environment
    ends_at: datetime
    refresh_lifetime: int | None = None
    drop_unknown_scopes: bool = False
    user_table: str = "auth_user"
    username_column: str = "username"


def import_oauth_toolkit(
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
    landing.refuse_own_mode(place)
    with opened(url) as source:
        run = _Import(source, wanted, place, Report(wanted.verifier, dry_run), progress)
        run.applications()
        run.people()
        run.tokens()
    return run.report


class _Import:
    """One run. Everything that would make it fail half way is looked at when it is made."""

    def __init__(self, source: Source, wanted: Wanted, place: Landing, report: Report, progress: Progress) -> None:
        self.source, self.wanted, self.place, self.report, self.progress = source, wanted, place, report, progress
        source.need(APPLICATIONS, "client_id", "client_secret", "client_type", "name")
        columns = [
            source.need(table, "token", "application_id", "user_id") for table in (ACCESS_TOKENS, REFRESH_TOKENS)
        ]
        # Older releases have no checksum; then the value is there.
        self.checksums = {
            "access_checksum": "a.token_checksum" if "token_checksum" in columns[0] else "NULL",
            "refresh_checksum": "r.token_checksum" if "token_checksum" in columns[1] else "NULL",
        }
        self.users = people.table(source, wanted.user_table, wanted.username_column)
        self._check_scopes()
        self.verifier = self._verifier()

    def _verifier(self) -> LegacyVerifier | None:
        found = LegacyVerifier.objects.filter(name=self.wanted.verifier).select_related("environment").first()
        if found is None and not self.place.dry_run:
            return legacy.register_checksum(
                name=self.wanted.verifier, environment=self.place.environment, ends_at=self.place.ends_at,
                by=self.place.by, at=self.place.now,
            )  # fmt: skip
        if found is not None:
            landing.refuse_other(found, self.place, kind=LegacyVerifier.Kind.CHECKSUM)
        return found

    def _check_scopes(self) -> None:
        counted: Counter[str] = Counter()
        for scope, count in self.source.rows(oauth_rows.SCOPES, [self.place.now]):
            for word in scope.split():
                counted[word] += count
        unknown = sorted(set(counted) - self.place.defined)
        if not unknown:
            return
        told = ", ".join(f"{word} ({counted[word]} tokens)" for word in unknown[:20])
        slug = self.place.target.slug
        if not self.wanted.drop_unknown_scopes:
            every = " ".join(sorted({*self.place.target.scopes.split(), *unknown}))
            raise ImportRefused(
                f"{self.place.target} does not define the scopes {told}, so tokens would lose them. "
                f'Define them first: change_proxy {slug} --scopes "{every}" (change_group for a group), '
                "or drop them: --drop-unknown-scopes"
            )
        self.report.note(f"Scopes that {slug} does not define were dropped: {told}.")

    # --- applications and people

    def applications(self) -> None:
        """Each becomes a credential of its own, deployed and granted the target."""
        tally = self.report.tally("applications", "applications")
        grants: Counter[str] = Counter()
        select = oauth_rows.APPLICATION_ROWS.format(users=self.users.table, username=self.users.username)
        for page in self.source.pages(select, "a.id"):
            for row in page:
                application = Application._make(row)
                tally.found += 1
                grants[application.grant_type] += 1
                self._application(application, tally)
            self.progress("applications", tally.found)
        for grant, count in sorted(grants.items()):
            if grant != "client-credentials":
                self.report.note(
                    f"{count} of the applications use the grant {grant}, which hands out nothing here: their tokens "
                    "live on and are refreshed; new ones come by client credentials, or by a login."
                )

    def _application(self, application: Application, tally: Tally) -> None:
        here = Credential.objects.filter(client_id=application.client_id).first()
        if here is not None:
            if here.is_bound or here.archived_at is not None:
                tally.leave_out(landing.CLIENT_ID_TAKEN, application.client_id)
                return
            if not self.place.dry_run:
                landing.ensure_client(self.place, here)
            tally.already += 1
            return
        kept, wrong = oauth_rows.secret_of(application)
        if wrong:
            secrets = self.report.tally("client_secrets", "client secrets that cannot be kept")
            secrets.found += 1
            secrets.leave_out(wrong, application.client_id)
        try:
            if not self.place.dry_run:
                with transaction.atomic():
                    landing.new_client(
                        self.place,
                        client_id=application.client_id,
                        name=(application.name or application.client_id).strip()[:150],
                        owner=application.owner or "",
                        secret=kept,
                    )
        except CredentialError as refusal:
            tally.leave_out(str(refusal), application.client_id)
        else:
            tally.carried += 1

    def people(self) -> None:
        """Everybody for whom a token lives."""
        tally = self.report.tally("people", "people that hold tokens")
        people.make_all(
            self.source, self.users, self.place, tally, who=oauth_rows.HOLDS_TOKENS, parameters=[self.place.now]
        )
        people.note_made(self.report, tally)

    # --- tokens

    def tokens(self) -> None:
        """Refresh tokens with their access tokens, then the access tokens that have none; then what ended there."""
        for kind, noun in (("refresh_tokens", "refresh tokens"), ("access_tokens", "access tokens")):
            self.report.tally(kind, noun)
        for page in self._pages():
            self._page(page)
            self.progress("tokens", sum(tally.found for tally in self.report.tallies.values()))
        revoked, expired = self.source.rows(oauth_rows.OVER, [self.place.now])[0]
        for kind, count in (("refresh_tokens", revoked), ("access_tokens", expired)):
            self.report.tallies[kind].found += count
            self.report.tallies[kind].over += count
        if self.verifier is not None and not self.place.dry_run:
            self._end_revoked(self.verifier.created_at)

    def _pages(self) -> Iterator[list[Live]]:
        refresh = oauth_rows.REFRESH_ROWS.format(**self.checksums)
        access = oauth_rows.ACCESS_ROWS.format(**self.checksums)
        for select, key, parameters in ((refresh, "r.id", []), (access, "a.id", [self.place.now])):
            for page in self.source.pages(select, key, parameters):
                yield [Live._make(row) for row in page]

    def _page(self, page: list[Live]) -> None:
        holders = landing.client_holders(self.place, {each.client_id for each in page if each.client_id})
        persons = people.of_keys(
            self.source, self.users, self.place, {each.user_id for each in page if each.user_id is not None}
        )
        batch = [imported for each in page if (imported := self._imported(each, holders, persons)) is not None]
        written = set(map(id, carry(batch, self.place.where(self.verifier), now=self.place.now)))
        for imported in batch:
            for kind, token in (("refresh_tokens", imported.refresh), ("access_tokens", imported.access)):
                if token is not None:
                    tally = self.report.tallies[kind]
                    tally.carried += id(imported) in written
                    tally.already += id(imported) not in written

    def _imported(
        self, live: Live, holders: Mapping[str, Holder | str], persons: Mapping[Any, User | str]
    ) -> Imported | None:
        """What becomes of one row; what does not is in the figures with its reason."""
        access, refresh = self._access(live), self._refresh(live)
        holder = holders.get(live.client_id or "", "it belongs to no application")
        person = persons.get(live.user_id, people.NOT_IN_TABLE) if live.user_id is not None else None
        scopes = "" if live.access_id is None else landing.scopes_kept(self.place, live.scope or "")
        because = next((each for each in (holder, person) if isinstance(each, str)), "")
        if not because and not scopes:
            because = "its scopes are not recorded" if live.access_id is None else "none of its scopes is defined here"
        if isinstance(holder, str) or because:
            self._leave_out(because, live, access, refresh)
            return None
        refresh = self._refreshable(live, holder, refresh)
        if isinstance(person, User):
            holder = replace(holder, user_id=person.pk, user_generation=person.generation)
        return Imported(holder, scopes, access, refresh) if access or refresh else None

    def _leave_out(self, because: str, live: Live, *tokens: AccessToken | RefreshToken | None) -> None:
        for token in tokens:
            if isinstance(token, AccessToken):
                self.report.tallies["access_tokens"].leave_out(because, f"number {live.access_id}")
            elif token is not None:
                self.report.tallies["refresh_tokens"].leave_out(because, f"number {live.key}")

    def _access(self, live: Live) -> AccessToken | None:
        if live.access_id is None or live.expires is None or live.expires <= self.place.now:
            return None
        self.report.tallies["access_tokens"].found += 1
        if live.expires > self.place.ends_at:
            self.report.note(f"Access tokens that would live longer end with {self.wanted.verifier}.")
        return AccessToken(
            self._name(live.access_token, live.access_checksum),
            live.access_created or self.place.now,
            min(live.expires, self.place.ends_at),
        )

    def _refresh(self, live: Live) -> RefreshToken | None:
        if not live.is_refresh:
            return None
        tally = self.report.tallies["refresh_tokens"]
        tally.found += 1
        created = live.refresh_created or self.place.now
        ends = self.place.ends_at
        if self.wanted.refresh_lifetime is not None:
            ends = min(ends, created + timedelta(seconds=self.wanted.refresh_lifetime))
        if ends <= self.place.now:
            tally.over += 1
            return None
        return RefreshToken(self._name(live.refresh_token, live.refresh_checksum), created, ends)

    def _refreshable(self, live: Live, holder: Holder, refresh: RefreshToken | None) -> RefreshToken | None:
        because = ""
        if live.client_type == "public":
            because = "its client is public and has no secret to prove itself by"
        elif not holder.terms.refreshable:
            because = "the policy of its client here allows no refresh"
        if because:
            self._leave_out(because, live, refresh)
        return None if because else refresh

    def _name(self, token: str | None, checksum: str | None) -> str:
        return foreign.of_checksum(self.wanted.verifier, checksum or foreign.checksum(token or ""))

    def _end_revoked(self, since: datetime) -> None:
        """What was revoked there after an earlier run had carried it over."""
        select = oauth_rows.REVOKED_ROWS.format(**self.checksums)
        request = Request(actor=self.place.by)
        for page in self.source.pages(select, "r.id", [since]):
            names = [self._name(token, checksum) for _, token, checksum in page]
            self.report.ended_since += end_revoked(names, by=self.place.by, request=request, now=self.place.now)
