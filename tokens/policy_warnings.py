"""What a person should know about the terms of a policy before and after saving it. Values in, sentences out."""

from typing import Any, NamedTuple

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tokens import rules


class Preview(NamedTuple):
    """How long a family lasts at most, in seconds; None for without bound."""

    horizon: int | None
    last_possible_end: int | None
    gapless: int | None


def bounds_of(terms: dict[str, Any]) -> tuple[int | None, int | None, int | None]:
    """L, R and N as the rules take them: seconds, seconds, how often; None for never, not allowed, without limit."""
    access = None if terms["never_expires"] else terms["access_token_lifetime_secs"]
    refresh = terms["refresh_token_lifetime_secs"] if terms["refresh_allowed"] and access is not None else None
    return access, refresh, terms["refresh_count"]


def lifetime_preview(terms: dict[str, Any]) -> Preview:
    """The documented lifetime H, the latest end of any access token, the longest time without a gap (S0.18, S0.19)."""
    bound = bounds_of(terms)
    end = None if terms["never_expires"] else terms["family_lifetime_secs"]
    return Preview(
        _capped(rules.renewal_horizon(*bound), end),
        _capped(rules.last_possible_end(*bound), end),
        _capped(rules.gapless_span(*bound), end),
    )


def _capped(span: int | None, end: int | None) -> int | None:
    """D9: the absolute end of the family caps all."""
    if span is None or end is None:
        return end if span is None else span
    return min(span, end)


def duration(seconds: int | None) -> str:
    """Seconds in words, exact: 5400 is "1 hour 30 minutes"."""
    if seconds is None:
        return _("without bound")
    days, rest = divmod(seconds, 86_400)
    hours, rest = divmod(rest, 3_600)
    minutes, left = divmod(rest, 60)
    words = [
        ngettext("{n} day", "{n} days", days).format(n=days) if days else "",
        ngettext("{n} hour", "{n} hours", hours).format(n=hours) if hours else "",
        ngettext("{n} minute", "{n} minutes", minutes).format(n=minutes) if minutes else "",
        ngettext("{n} second", "{n} seconds", left).format(n=left) if left or not seconds else "",
    ]
    return " ".join(word for word in words if word)


def preview_lines(terms: dict[str, Any]) -> list[str]:
    """The preview in sentences."""
    if terms["never_expires"]:
        return [_("Lifetime without bound: only undeploying, revoking or changing a key ends such a token.")]
    preview = lifetime_preview(terms)
    return [
        _("Can be refreshed for at most: {time}.").format(time=duration(preview.horizon)),
        _("The last access token ends at the latest after: {time}.").format(time=duration(preview.last_possible_end)),
        _("Longest time without a gap: {time}.").format(time=duration(preview.gapless)),
    ]


def policy_warnings(terms: dict[str, Any]) -> list[str]:
    """What is allowed but risky or rarely meant. Never a refusal (D8, D15)."""
    found = []
    if terms["never_expires"]:
        found.append(_("Tokens never expire by themselves, and there is no refresh token."))
    if terms["token_format"] == "jwt":
        found.append(
            _(
                "A gateway that validates JWTs by itself does not see that one was revoked, undeployed or replaced "
                "before it expires."
            )
        )
        if terms["never_expires"]:
            found.append(_("A JWT without an end keeps the key that signed it verifying for ever."))
    if terms["never_expires"] or not terms["refresh_allowed"]:
        return found
    access, refresh = terms["access_token_lifetime_secs"], terms["refresh_token_lifetime_secs"]
    if access is not None and refresh is not None and refresh <= access:
        found.append(
            _(
                "The refresh token does not outlive the access token: a client must refresh while its access token is "
                "still good."
            )
        )
    if terms["refresh_count"] is None and terms["family_lifetime_secs"] is None:
        found.append(_("Refreshing has neither a count nor an absolute end: a client can go on for ever."))
    end = terms["family_lifetime_secs"]
    if end is not None and access is not None and end <= access:
        found.append(_("The family ends before the first access token would, so nothing can be refreshed."))
    return found
