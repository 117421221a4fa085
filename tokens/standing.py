"""How tokens, families and refresh keys stand now, for people: one word, and why. Decided by tokens.rules alone."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from django.utils import timezone
from django.utils.translation import gettext_noop

from tokens.models import RefreshKey
from tokens.rules import HolderFacts, Reason, holder_fault, why_invalid
from tokens.statements import standing


class Standing(NamedTuple):
    """`state`: live, expired, replaced, spent, exhausted, revoked, ended (for good) or refused (while it is so)."""

    state: str
    why: str = ""


LIVE = Standing("live")
# What is for good, and what can pass again (D11, D14, D26).
_WORDS: dict[Reason, Standing] = {
    Reason.REVOKED: Standing("revoked", gettext_noop("It was revoked, or its family was.")),
    Reason.EXPIRED: Standing("expired"),
    Reason.REPLACED: Standing("replaced", gettext_noop("A refresh has put another in its place.")),
    Reason.SIGNING_KEY_CHANGED: Standing("ended", gettext_noop("The environment's signing key was changed.")),
    Reason.USER_CHANGED: Standing(
        "ended", gettext_noop("The person's password was changed, or the person was deactivated.")
    ),
    Reason.HOLDER_KEY_CHANGED: Standing("ended", gettext_noop("The client's key was changed.")),
    Reason.HOLDER_UNDEPLOYED: Standing("ended", gettext_noop("The client or what it is for was undeployed.")),
    Reason.CREDENTIAL_INACTIVE: Standing("refused", gettext_noop("The credential is not active.")),
    Reason.CREDENTIAL_EXPIRED: Standing("refused", gettext_noop("The credential has expired.")),
    Reason.USER_INACTIVE: Standing("refused", gettext_noop("The person may not log in.")),
    Reason.MANAGEMENT_MISMATCH: Standing("refused", gettext_noop("What it is for is managed in the other mode.")),
    Reason.NOT_GRANTED: Standing("refused", gettext_noop("The grant it stands on has expired or was withdrawn.")),
}


def _told(reason: Reason | None) -> Standing:
    return LIVE if reason is None else _WORDS.get(reason, Standing("refused", reason.value.replace("_", " ")))


def of_tokens(ids: Iterable[int], *, at: datetime | None = None) -> dict[int, Standing]:
    """Token id -> how it stands wherever it is shown."""
    now = at or timezone.now()
    facts = standing.tokens(list(ids))
    return {key: _told(why_invalid(token, holder, now)) for key, (token, holder) in facts.items()}


def of_families(ids: Iterable[int], *, at: datetime | None = None) -> dict[int, Standing]:
    """Family id -> how it stands: live as long as a token or the refresh key of it may still be used."""
    now = at or timezone.now()
    found = {}
    for key, (holder, any_left) in standing.families(list(set(ids)), now).items():
        told = _family(holder, now)
        if told == LIVE and not any_left:
            told = Standing("expired")
        elif told == LIVE and holder.exhausted_at is not None:
            told = Standing(
                "exhausted", gettext_noop("It was refreshed as often as its terms allow; the last token lives on.")
            )
        found[key] = told
    return found


def _family(holder: HolderFacts, now: datetime) -> Standing:
    if holder.family_revoked_at is not None:
        return Standing("revoked", gettext_noop("The whole family was revoked."))
    return _told(holder_fault(holder, now))


def of_refresh_keys(keys: Iterable[RefreshKey], *, at: datetime | None = None) -> dict[int, Standing]:
    """Key id -> how it stands; their families must be loaded."""
    now = at or timezone.now()
    keys = list(keys)
    holders = standing.families(list({key.family_id for key in keys}), now)
    return {key.pk: _key(key, holders[key.family_id][0], now) for key in keys}


def _key(key: RefreshKey, holder: HolderFacts, now: datetime) -> Standing:
    told = _family(holder, now)
    if told.state == "revoked" or key.revoked_at is not None:
        return Standing("revoked", gettext_noop("It was revoked, or its family was."))
    if now >= key.expires_at:
        return Standing("expired")
    if key.family.refresh_mode == "rotating" and key.sequence < holder.family_sequence:
        return Standing("spent", gettext_noop("It was used; its successor is in its place."))
    if holder.exhausted_at is not None:
        return Standing("exhausted", gettext_noop("It was used as often as its terms allow."))
    return told
