"""Explain: why is this token refused? Every check in order, who changed what when, and what would have to change."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext_noop

from proxies.models import ChangeRecord, Environment
from proxies.sentences import Sentence
from tokens import errors, rules, scope_rules
from tokens.explanations import REQUESTS, WORDS
from tokens.lifecycle import causes
from tokens.lifecycle.finding import find
from tokens.lifecycle.shown import Shown, look_at
from tokens.models import IssuedToken, RefreshKey, TokenRequestLog
from tokens.rules import HolderFacts, Reason, RefreshFacts
from tokens.statements import explain as key_statements
from tokens.statements import verify as statements
from tokens.statements.verify import VerifyRow

_FINGERPRINT = 16


@dataclass(frozen=True, slots=True)
class Step:
    """One check: passed, failed, or None where only the call itself could tell."""

    code: str
    holds: str
    passed: bool | None
    detail: str = ""
    cause: ChangeRecord | None = None
    remedy: str = ""


@dataclass(slots=True)
class Explanation:
    """What a token is, its checks in the order of verification, and the first that fails."""

    subject: str
    steps: list[Step] = field(default_factory=list)
    record: IssuedToken | RefreshKey | None = None
    row: TokenRequestLog | None = None
    told: str = ""

    @property
    def failed(self) -> Step | None:
        """The check that decides, or None where all pass."""
        return next((step for step in self.steps if step.passed is False), None)

    def add(
        self, code: str, passed: bool | None, *, detail: str = "", cause: ChangeRecord | None = None
    ) -> "Explanation":
        """One more check."""
        words = WORDS[code]
        remedy = "" if passed else words.remedy
        self.steps.append(Step(code, words.holds, passed, detail, cause, remedy))
        return self


def explain(
    *,
    raw: str = "",
    jti: str = "",
    fingerprint: str = "",
    log_id: int | None = None,
    proxy: str = "",
    environment: str = "",
    at: datetime | None = None,
) -> Explanation:
    """Why a token is refused at a proxy in an environment, or that it is not. Nothing is written, counted or logged.

    One of the token itself, its jti, its fingerprint or a row of the request log. `proxy` is a slug; without one the
    token is judged wherever it is for. Raises UnknownEnvironment, and TokenNotFound for a row that is not there.
    """
    now = at or timezone.now()
    if log_id is not None:
        return _of_row(log_id, proxy, environment, now)
    if raw:
        return _of_value(raw.strip(), proxy, environment, now)
    return _of_record(_by_name(jti, fingerprint), proxy, environment, now)


def _by_name(jti: str, fingerprint: str) -> IssuedToken | RefreshKey | None:
    name = (jti or fingerprint).strip()
    if not (name.isascii() and name.isalnum()):
        return None
    if jti:
        return (
            IssuedToken.objects.select_related("family").filter(jti=name).first()
            or RefreshKey.objects.select_related("family").filter(jti=name).first()
        )
    if len(name) < _FINGERPRINT:
        return None
    end = name + "g"  # after every hexadecimal digit: a range that the index of the column answers
    return (
        IssuedToken.objects.select_related("family").filter(digest__gte=name, digest__lt=end).first()
        or RefreshKey.objects.select_related("family").filter(token_hash__gte=name, token_hash__lt=end).first()
    )


def _of_row(log_id: int, proxy: str, environment: str, now: datetime) -> Explanation:
    row = TokenRequestLog.objects.filter(pk=log_id).first()
    if row is None:
        raise errors.TokenNotFound(gettext_noop("The request log has no such row."))
    found = _by_name(row.jti, row.fingerprint)
    place = (proxy or row.proxy, environment or row.environment)
    explained = (
        _of_record(found, *place, now)
        if found is not None
        else Explanation(gettext_noop("This request named no token."))
    )
    explained.row = row
    if row.outcome == TokenRequestLog.Outcome.REFUSED:
        words = WORDS.get(row.reason)
        explained.told = REQUESTS.get(row.reason) or (words.remedy if words else "")
    return explained


def _of_value(raw: str, proxy: str, environment: str, now: datetime) -> Explanation:
    shown = look_at(raw, now=now)
    record = find(raw)
    if record is not None:
        return _of_record(record, proxy, environment, now, shown)
    explained = Explanation(gettext_noop("Not a token that this portal has a record of."))
    if shown.bad_signature or (not shown.is_ours and shown.prefix is None):
        return explained.add("bad_signature", False)
    explained.add("bad_signature", True)
    if not shown.is_ours:
        return explained.add(
            "wrong_token_kind", False, detail=Sentence(gettext_noop("It begins with {prefix}."), prefix=shown.prefix)
        )
    if shown.expired(now):
        explained.add("token_expired", False, detail=_until(shown.expires_at))
    return explained.add("token_not_found", False)


def _of_record(
    record: IssuedToken | RefreshKey | None, proxy: str, environment: str, now: datetime, shown: Shown | None = None
) -> Explanation:
    if record is None:
        return Explanation(gettext_noop("No token has this name.")).add("token_not_found", False)
    if environment and not Environment.objects.filter(slug=environment).exists():
        raise errors.UnknownEnvironment
    if isinstance(record, RefreshKey):
        return _of_refresh_token(record, now)
    explained = Explanation(_name(record), record=record)
    if shown is not None:
        explained.add("bad_signature", not shown.bad_signature)
    place = environment or record.family.environment.slug
    row = statements.read(environment=place, proxy=proxy, digests=[""], token_id=record.pk)
    if row is None or row.token is None or row.holder is None:
        return explained.add("token_not_found", False)
    explained.add("token_not_found", True)
    if environment:
        explained.add("wrong_environment", row.holder.environment_id == row.environment_id)
    for reason, passed in rules.token_checks(row.token, row.holder, now):
        detail, cause = ("", None) if passed else causes.of_token(reason, record, row.holder)
        explained.add(reason, passed, detail=detail, cause=cause)
    _add_holder(explained, row.holder, now, but=Reason.SIGNING_KEY_CHANGED)
    if proxy:
        _add_place(explained, row)
    return explained


def _add_holder(explained: Explanation, holder: HolderFacts, now: datetime, but: Reason | None = None) -> None:
    for reason, passed in rules.holder_checks(holder, now):
        if reason == but and passed:
            continue  # said once already, of the token itself
        detail, cause = ("", None) if passed else causes.of_holder(reason, holder)
        explained.add(reason, passed, detail=detail, cause=cause)


def _add_place(explained: Explanation, row: VerifyRow) -> None:
    assert row.token is not None
    assert row.holder is not None
    if row.place.proxy_id is None:
        explained.add(Reason.WRONG_PROXY, False, detail=gettext_noop("There is no API proxy of this slug."))
        return
    reason = rules.why_not_here(row.holder, row.place)
    detail, cause = ("", None) if reason is None else causes.of_place(reason, row)
    explained.add(Reason.WRONG_PROXY, reason != Reason.WRONG_PROXY, detail=detail, cause=cause)
    if reason == Reason.MEMBER_UNDEPLOYED:
        explained.add(reason, False, detail=detail, cause=cause)
    if row.token.thumbprint:
        explained.add(
            Reason.CERTIFICATE_MISMATCH, None, detail=gettext_noop("The gateway must forward the certificate.")
        )
    held = rules.scopes_in_use(row.token.token_scopes, row.holder)
    needed = scope_rules.scope_set(row.place.required_scopes or "")
    enough = bool(held) and scope_rules.covers(held, needed, row.place.required_match or "all")
    detail = _scopes_told(held, needed)
    unsure = enough and row.place.has_path_rules
    explained.add(
        Reason.INSUFFICIENT_SCOPE,
        None if unsure else enough,
        detail=Sentence(gettext_noop("{scopes} Path rules may ask for more."), scopes=detail) if unsure else detail,
    )
    if disallowed := (row.holder.grant_disallowed_methods or "").split():
        explained.add(
            Reason.METHOD_NOT_ALLOWED,
            None,
            detail=Sentence(gettext_noop("Refused: {methods}."), methods=", ".join(disallowed)),
        )


def _scopes_told(held: frozenset[str], needed: frozenset[str]) -> Sentence:
    has: str = scope_rules.scope_text(held) or Sentence(gettext_noop("none that is granted now"))
    if not needed:
        return Sentence(gettext_noop("It has {scopes}."), scopes=has)
    return Sentence(
        gettext_noop("It has {scopes}; the proxy needs {needed}."), scopes=has, needed=scope_rules.scope_text(needed)
    )


def _of_refresh_token(key: RefreshKey, now: datetime) -> Explanation:
    explained = Explanation(_name(key), record=key)
    row = key_statements.read_key(key.pk)
    if row is None:
        return explained.add("token_not_found", False)
    explained.add("token_not_found", True)
    for code, passed, detail in _before_holder(row.refresh, row.holder):
        cause = None if passed else causes.of_refresh_token(code, key)
        explained.add(code, passed, detail=detail, cause=cause)
    _add_holder(explained, row.holder, now)
    for code, passed, detail in _after_holder(row.refresh, row.holder, now):
        explained.add(code, passed, detail=detail)
    return explained


def _before_holder(key: RefreshFacts, holder: HolderFacts) -> Iterable[tuple[str, bool, str]]:
    """In the order of D10."""
    current = key.key_sequence == holder.family_sequence or key.terms.mode == "static"
    cleared = current and holder.exhausted_at is not None
    yield (
        "cleared",
        not cleared,
        Sentence(gettext_noop("It was, at {at}."), at=_at(holder.exhausted_at)) if cleared else "",
    )
    revoked_at = key.key_revoked_at or holder.family_revoked_at
    yield (
        "refresh_token_revoked",
        revoked_at is None,
        Sentence(gettext_noop("It was, at {at}."), at=_at(revoked_at)) if revoked_at else "",
    )
    yield "refresh_not_allowed", key.policy_allows, ""


def _after_holder(key: RefreshFacts, holder: HolderFacts, now: datetime) -> Iterable[tuple[str, bool, str]]:
    current = key.key_sequence == holder.family_sequence or key.terms.mode == "static"
    expired = now >= key.key_expires_at
    yield "refresh_token_expired", not expired, _until(key.key_expires_at)
    used = (
        Sentence(gettext_noop("It was first used at {at}."), at=_at(key.first_used_at))
        if not current and key.first_used_at
        else ""
    )
    yield "refresh_token_reused", current, used
    count = key.terms.refresh_count
    if count is not None:
        told = Sentence(
            gettext_noop("{made} of {count} refreshes were made."),
            made=holder.family_sequence,
            count=count,
        )
        yield "refresh_count_exceeded", holder.family_sequence < count, told


def _name(record: IssuedToken | RefreshKey) -> str:
    family = record.family
    whose = family.credential or family.user
    if isinstance(record, IssuedToken):
        return Sentence(
            gettext_noop("{format} access token of {whose} for {audience}"),
            format=record.get_token_format_display(),
            whose=whose,
            audience=family.audience,
        )
    return Sentence(gettext_noop("Refresh token of {whose} for {audience}"), whose=whose, audience=family.audience)


def _at(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def _until(moment: datetime | None) -> str:
    return "" if moment is None else Sentence(gettext_noop("It lives until {at}."), at=_at(moment))
