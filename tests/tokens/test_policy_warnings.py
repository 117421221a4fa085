"""What a policy's form tells about its terms."""

from typing import Any

import pytest

from tokens.policy_warnings import Preview, duration, lifetime_preview, policy_warnings, preview_lines


def terms_of(**changes: Any) -> dict[str, Any]:
    return {
        "token_format": "opaque",
        "never_expires": False,
        "access_token_lifetime_secs": 60,
        "refresh_allowed": True,
        "refresh_token_lifetime_secs": 180,
        "refresh_count": 3,
        "refresh_mode": "rotating",
        "retry_window_secs": 10,
        "family_lifetime_secs": None,
        **changes,
    }


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"refresh_token_lifetime_secs": 60}, Preview(180, 240, 240)),
        ({}, Preview(540, 600, 240)),
        ({"refresh_token_lifetime_secs": 30}, Preview(90, 150, 150)),
        ({"refresh_token_lifetime_secs": 30, "refresh_count": 1}, Preview(60, 90, 90)),
        ({"refresh_allowed": False}, Preview(60, 60, 60)),
        ({"refresh_count": None}, Preview(None, None, None)),
        ({"refresh_count": None, "family_lifetime_secs": 900}, Preview(900, 900, 900)),
        ({"family_lifetime_secs": 300}, Preview(300, 300, 240)),
        ({"never_expires": True, "refresh_allowed": False}, Preview(None, None, None)),
    ],
    ids=str,
)
def test_s0_18_s0_19_the_form_previews_the_documented_sums(changes: dict[str, Any], expected: Preview) -> None:
    assert lifetime_preview(terms_of(**changes)) == expected


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, "without bound"),
        (0, "0 seconds"),
        (1, "1 second"),
        (540, "9 minutes"),
        (5400, "1 hour 30 minutes"),
        (7 * 86_400, "7 days"),
        (90_061, "1 day 1 hour 1 minute 1 second"),
    ],
)
def test_durations_are_told_in_words(seconds: int | None, words: str) -> None:
    assert duration(seconds) == words


def test_the_preview_is_told_in_sentences() -> None:
    assert preview_lines(terms_of())[:2] == [
        "Can be refreshed for at most: 9 minutes.",
        "The last access token ends at the latest after: 10 minutes.",
    ]
    assert "without bound" in preview_lines(terms_of(never_expires=True))[0]


def warned(word: str, **changes: Any) -> bool:
    return any(word in sentence for sentence in policy_warnings(terms_of(**changes)))


def test_usual_terms_warn_of_nothing() -> None:
    assert policy_warnings(terms_of()) == []


def test_d8_a_refresh_token_that_does_not_outlive_the_access_token_is_warned_of() -> None:
    assert warned("does not outlive", refresh_token_lifetime_secs=60)
    assert warned("does not outlive", refresh_token_lifetime_secs=59)
    assert not warned("does not outlive", refresh_token_lifetime_secs=61)
    assert not warned("does not outlive", refresh_token_lifetime_secs=60, refresh_allowed=False)


def test_d15_never_expiring_is_warned_of_and_more_so_for_a_jwt() -> None:
    assert warned("never expire", never_expires=True)
    assert not warned("verifying for ever", never_expires=True)
    assert warned("verifying for ever", never_expires=True, token_format="jwt")


def test_s0_11_a_jwt_cannot_be_called_back_from_who_validates_alone() -> None:
    assert warned("validates JWTs by itself", token_format="jwt")


def test_d9_no_end_at_all_and_an_end_too_early_are_warned_of() -> None:
    assert warned("for ever", refresh_count=None)
    assert not warned("for ever", refresh_count=None, family_lifetime_secs=900)
    assert warned("nothing can be refreshed", family_lifetime_secs=60)
