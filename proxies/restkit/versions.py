"""Edits that lose nobody else's edit: ETag and If-Match (RFC 9110 section 13.1.1)."""

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from django.db import transaction
from django.db.models import Model, QuerySet
from django.shortcuts import get_object_or_404
from rest_framework.request import Request

from proxies.restkit.problems import Changed, IfMatchNeeded

M = TypeVar("M", bound=Model)
_TAG = re.compile(r'(?:W/)?"[^"]*"')


def version_of(subject: Model, *more: Any, leave_out: tuple[str, ...] = ()) -> str:
    """The ETag: a hash of the row's own columns and of what else is edited with it."""
    columns = {
        field.attname: getattr(subject, field.attname)
        for field in subject._meta.concrete_fields
        if field.name not in leave_out
    }
    told = json.dumps([subject._meta.label, columns, *more], default=str, sort_keys=True)
    return f'"{hashlib.sha256(told.encode()).hexdigest()[:32]}"'


@contextmanager
def held(rows: QuerySet[M], **wanted: Any) -> Iterator[M]:
    """The row, held until the edit is made, so that nobody comes between the look at its version and the edit."""
    with transaction.atomic():
        # no_key: who only refers to the row need not wait.
        yield get_object_or_404(rows.select_for_update(of=("self",), no_key=True), **wanted)


def check_if_match(request: Request, version: str) -> None:
    """Raises IfMatchNeeded where no version is named, Changed where another one is. Weak tags never match."""
    given = request.headers.get("If-Match", "").strip()
    if not given:
        raise IfMatchNeeded
    if given != "*" and version not in _TAG.findall(given):
        raise Changed
