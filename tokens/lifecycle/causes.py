"""Who made a check fail, and when: from the record itself or from the history of changes. Reads only."""

from django.db.models import Q
from django.utils.translation import gettext_noop

from proxies.models import ChangeRecord
from proxies.sentences import Sentence
from tokens.models import IssuedToken, RefreshKey
from tokens.rules import HolderFacts, Reason
from tokens.statements.verify import VerifyRow

Cause = tuple[str, ChangeRecord | None]


def last(kind: str, subject_id: int | None, *verbs: str, environment: str = "") -> ChangeRecord | None:
    """The newest of these acts on a subject."""
    if subject_id is None:
        return None
    found = ChangeRecord.objects.filter(subject_kind=kind, subject_id=subject_id, verb__in=verbs)
    return (found.filter(environment=environment) if environment else found).first()


def of_token(reason: Reason, token: IssuedToken, holder: HolderFacts) -> Cause:
    """Of a check of the token itself."""
    if reason == Reason.REVOKED:
        ended = token if token.revoked_at is not None else token.family
        told = _revoked(ended.revoked_by, ended.revoked_because, ended.revoked_at)
        return told if ended is token else Sentence(gettext_noop("The whole family was: {revoked}"), revoked=told), None
    if reason == Reason.EXPIRED and token.expires_at is not None:
        return Sentence(
            gettext_noop("It lived until {expires_at:%Y-%m-%d %H:%M:%S} UTC."), expires_at=token.expires_at
        ), None
    if reason == Reason.REPLACED:
        return Sentence(
            gettext_noop("It is number {sequence} of its family, which is at {family_sequence}."),
            sequence=token.sequence,
            family_sequence=holder.family_sequence,
        ), None
    if reason == Reason.SIGNING_KEY_CHANGED:
        return "", _key_change(holder)
    return "", None


def of_refresh_token(code: str, key: RefreshKey) -> ChangeRecord | None:
    """Of a check of a refresh token that an act on its policy explains."""
    if code != "refresh_not_allowed":
        return None
    return last("tokenpolicy", key.family.policy_id, "suspend", "set policy")


def of_holder(reason: Reason, holder: HolderFacts) -> Cause:
    """Of a check of who holds it and what it is for."""
    kind, target_id = ("apiproxy", holder.proxy_id) if holder.proxy_id is not None else ("proxygroup", holder.group_id)
    environment = holder.environment_slug
    if reason == Reason.HOLDER_UNDEPLOYED:
        acts = [
            last(kind, target_id, "undeploy", environment=environment),
            last("credential", holder.credential_id, "undeploy", environment=environment),
        ]
        newest = sorted((act for act in acts if act is not None), key=lambda act: act.at)
        again = holder.undeployed_at is None and holder.credential_undeployed_at is None
        told = gettext_noop("It is deployed again; that revives nothing.") if again else ""
        return told, newest[-1] if newest else None
    if reason == Reason.CREDENTIAL_EXPIRED:
        act = last("credential", holder.credential_id, "change")
        return Sentence(
            gettext_noop("Its last day was before {day}."),
            day=holder.credential_expires_on,
        ), act
    if reason == Reason.NOT_GRANTED:
        return _no_grant(holder)
    verbs: dict[Reason, tuple[str, int | None, tuple[str, ...]]] = {
        Reason.CREDENTIAL_INACTIVE: ("credential", holder.credential_id, ("deactivate", "archive")),
        Reason.HOLDER_KEY_CHANGED: (
            "credential",
            holder.credential_id,
            ("change key", "remove key"),
        ),
        Reason.USER_INACTIVE: ("user", holder.user_id, ("deactivate",)),
        Reason.USER_CHANGED: ("user", holder.user_id, ("deactivate", "change login")),
        Reason.MANAGEMENT_MISMATCH: (kind, target_id, ("set mode",)),
    }
    if reason == Reason.SIGNING_KEY_CHANGED:
        return "", _key_change(holder)
    return "", last(*verbs[reason][:2], *verbs[reason][2]) if reason in verbs else None


def of_place(reason: Reason, row: VerifyRow) -> Cause:
    """Of a check of the proxy where it is shown."""
    assert row.holder is not None
    if reason == Reason.MEMBER_UNDEPLOYED:
        return "", last("apiproxy", row.place.proxy_id, "undeploy", "archive", environment=row.environment_slug)
    if row.holder.group_id is not None:
        return gettext_noop("It is for a group that has no such member."), last(
            "proxygroup", row.holder.group_id, "remove member"
        )
    return Sentence(gettext_noop("It is for {target}."), target=row.holder.target_slug or row.holder.audience), None


def _no_grant(holder: HolderFacts) -> Cause:
    whose = ("credential", holder.credential_id) if holder.credential_id is not None else ("user", holder.user_id)
    if holder.grant_withdrawn_at is not None:
        return gettext_noop("The grant was withdrawn."), last(*whose, "withdraw")
    if holder.grant_expires_on is not None:
        return Sentence(gettext_noop("The grant ended on {day}."), day=holder.grant_expires_on), last(*whose, "grant")
    return gettext_noop("There is no grant."), None


def _key_change(holder: HolderFacts) -> ChangeRecord | None:
    changes = ChangeRecord.objects.filter(Q(verb="change"), subject_kind="signingkey")
    return changes.filter(environment=holder.environment_slug).first()


def _revoked(by: str, because: str, at: object) -> Sentence:
    whom = Sentence(gettext_noop("by {person}") if by else gettext_noop("by the portal or its client"), person=by)
    if because:
        return Sentence(
            gettext_noop("revoked {by} at {at:%Y-%m-%d %H:%M:%S} UTC: {because}."), by=whom, at=at, because=because
        )
    return Sentence(gettext_noop("revoked {by} at {at:%Y-%m-%d %H:%M:%S} UTC."), by=whom, at=at)
