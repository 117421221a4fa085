"""Personal access tokens: make, revoke, recognise. Sole writer of PersonalAccessToken (S3.12, D19, D31)."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_noop

from credentials import rules, secrets
from credentials.errors import InvalidPersonalToken, TooManyPersonalTokens
from credentials.models import PersonalAccessToken, User
from credentials.rules import PersonalTokenState
from proxies import history
from proxies.api_scopes import SCOPES
from proxies.sentences import Sentence
from proxies.values import why_unfit

MOST_PER_PERSON = 50


class Made(NamedTuple):
    """A new token and its value: the only moment the value exists in clear."""

    token: PersonalAccessToken
    raw: str


class Use(NamedTuple):
    """One use of a token, to be recorded off the request's critical path."""

    at: datetime
    address: str


def make(
    owner: User,
    *,
    name: str,
    scopes: Iterable[str],
    by: str,
    lifetime: int | None = None,
    at: datetime | None = None,
) -> Made:
    """A token that does in its owner's name what these scopes open, for so many seconds (S3.12). Shown once (D19).

    It never does more than its owner may do at that moment. Raises InvalidPersonalToken, TooManyPersonalTokens.
    """
    now = at or timezone.now()
    chosen = _checked(scopes)
    if because := why_unfit(PersonalAccessToken, {"name": name}, ("name",)):
        raise InvalidPersonalToken(because)
    most = settings.PERSONAL_TOKEN_MAXIMUM_LIFETIME_SECONDS
    seconds = min(settings.PERSONAL_TOKEN_LIFETIME_SECONDS, most) if lifetime is None else lifetime
    if not 1 <= seconds <= most:
        raise InvalidPersonalToken(
            Sentence(gettext_noop("The lifetime is a number of seconds from 1 to {most}."), most=most)
        )
    raw = secrets.make(secrets.PERSONAL_TOKEN)
    with transaction.atomic():
        # The person's row is held, so that two at once do not both find room for one more.
        person = User.objects.select_for_update().get(pk=owner.pk)
        if not person.is_active:
            raise InvalidPersonalToken(gettext_noop("This person is deactivated."))
        if live(person, now).count() >= MOST_PER_PERSON:
            raise TooManyPersonalTokens
        made = PersonalAccessToken.objects.create(
            owner=person,
            name=name,
            scopes=" ".join(chosen),
            digest=secrets.digest(raw),
            user_generation=person.generation,
            created_at=now,
            expires_at=now + timedelta(seconds=seconds),
        )
        history.record("make", made, by=by, at=now, after={"owner": str(person), "scopes": made.scopes})
    return Made(made, raw)


def _checked(scopes: Iterable[str]) -> list[str]:
    wanted = set(scopes)
    if unknown := sorted(wanted - set(SCOPES)):
        raise InvalidPersonalToken(
            Sentence(
                gettext_noop("There is no scope {given}. There are: {values}."),
                given=unknown[0][:50],
                values=", ".join(SCOPES),
            )
        )
    if not wanted:
        raise InvalidPersonalToken(gettext_noop("Choose at least one scope."))
    return [scope for scope in SCOPES if scope in wanted]


def live(owner: User, now: datetime) -> QuerySet[PersonalAccessToken]:
    """The tokens of a person that work now."""
    return PersonalAccessToken.objects.filter(
        owner=owner, user_generation=owner.generation, revoked_at=None, expires_at__gt=now
    )


def revoke(token: PersonalAccessToken, *, by: str, because: str = "", at: datetime | None = None) -> bool:
    """End a token for good, from the next request on; False where it was revoked before, which keeps the first time."""
    now = at or timezone.now()
    with transaction.atomic():
        fresh = PersonalAccessToken.objects.filter(pk=token.pk, revoked_at=None)
        done = fresh.update(revoked_at=now, revoked_by=by[:150], revoked_because=because[:200])
        if done:
            history.record("revoke", token, by=by, at=now, note=because, **history.switched("revoked", True))
    token.refresh_from_db()
    return bool(done)


def revoke_all(owner: User, *, by: str, because: str = "", at: datetime | None = None) -> int:
    """End every token of a person that works now; how many there were."""
    now = at or timezone.now()
    return sum(revoke(token, by=by, because=because, at=now) for token in live(owner, now))


def state(token: PersonalAccessToken, now: datetime) -> PersonalTokenState:
    """Whether it works now, and if not why."""
    return rules.personal_token_state(
        revoked_at=token.revoked_at,
        expires_at=token.expires_at,
        generation=token.user_generation,
        owner_generation=token.owner.generation,
        owner_is_active=token.owner.is_active,
        now=now,
    )


def shown(raw: str, *, at: datetime | None = None) -> PersonalAccessToken | None:
    """The token that was shown, with its owner, where it works now. One SELECT; none for a malformed one (D20)."""
    now = at or timezone.now()
    if secrets.kind_of(raw) != secrets.PERSONAL_TOKEN:
        return None
    found = (
        PersonalAccessToken.objects.select_related("owner").filter(digest__in=secrets.digests(raw)).order_by().first()
    )
    return found if found is not None and state(found, now) is PersonalTokenState.LIVE else None


def record_use(uses: Mapping[int, Use]) -> int:
    """Keep when and from where tokens were last used, forward only and at most once a minute; how many moved (D25)."""
    moved = 0
    # In the order of the key, so that two writers at once never wait for each other.
    for key in sorted(uses):
        use = uses[key]
        earlier = Q(last_used_at=None) | Q(last_used_at__lt=use.at - timedelta(minutes=1))
        moved += PersonalAccessToken.objects.filter(earlier, pk=key).update(
            last_used_at=use.at, last_used_address=use.address or None
        )
    return moved
