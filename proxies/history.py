"""The history of changes. Sole writer of ChangeRecord."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypedDict

from django.db.models import Model

from proxies.models import ChangeRecord

# Nothing that proves or opens anything belongs into history (I5).
_NEVER = ("secret", "password", "digest", "sealed", "private", "token_hash")


def record(
    verb: str,
    subject: Model,
    *,
    by: str,
    at: datetime,
    environment: str = "",
    note: str = "",
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> ChangeRecord:
    """Add one act of a person or, with an empty `by`, of the system. Raises ValueError for a secret in the values."""
    for values in (before or {}, after or {}):
        for name in values:
            if any(word in name for word in _NEVER):
                raise ValueError(f"{name} does not belong into the history")
    return ChangeRecord.objects.create(
        at=at,
        actor=_storable(by)[:150],
        verb=verb,
        subject_kind=subject._meta.model_name or "",
        subject_id=subject.pk,
        subject_name=str(subject)[:255],
        environment=environment,
        note=_storable(note)[:500],
        before=None if before is None else plain(before),
        after=None if after is None else plain(after),
    )


class Switch(TypedDict):
    """`before` and `after` as `record` takes them."""

    before: dict[str, bool]
    after: dict[str, bool]


def switched(name: str, to: bool, was: bool | None = None) -> Switch:
    """`before` and `after` of something that is so or not so; without a word it was the other way round."""
    return {"before": {name: (not to) if was is None else was}, "after": {name: to}}


def _storable(text: str) -> str:
    """The text without what a database refuses: a remark is never the reason why an act fails."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()


def plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values as JSON can hold them."""
    return {
        name: value if value is None or isinstance(value, bool | int | float | str) else str(value)
        for name, value in values.items()
    }
