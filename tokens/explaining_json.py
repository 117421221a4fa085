"""An explanation as values that REST and commands hand out."""

from typing import Any

from tokens.lifecycle import Explanation


def as_json(found: Explanation) -> dict[str, Any]:
    """`good`, `reason`, `remedy` and the checks in order; `passed` is null where only the call itself could tell."""
    failed = found.failed
    return {
        "subject": found.subject,
        "good": bool(found.steps) and failed is None,
        "reason": None if failed is None else failed.code,
        "remedy": None if failed is None else failed.remedy,
        "log": None
        if found.row is None
        else {
            "id": found.row.pk,
            "action": found.row.action,
            "outcome": found.row.outcome,
            "reason": found.row.reason,
            "meaning": found.told,
        },
        "checks": [
            {
                "code": str(step.code),
                "holds": step.holds,
                "passed": step.passed,
                "detail": step.detail,
                "remedy": step.remedy,
                "changed": None
                if step.cause is None
                else {
                    "what": str(step.cause),
                    "by": step.cause.actor,
                    "at": step.cause.at,
                    "note": step.cause.note,
                },
            }
            for step in found.steps
        ],
    }
