"""manage.py doctor."""

import dataclasses
from typing import Any

from proxies.commandkit import REFUSED, PortalCommand
from tokens import diagnosis


class Command(PortalCommand):
    """What is wrong, and what to do."""

    help = "Look for what is wrong with this installation and say what to do; exit code 1 where there is a problem."
    # It looks itself, and says it in other words; a check that fails must not keep it from looking.
    requires_system_checks = []

    def act(self, options: dict[str, Any]) -> None:  # noqa: ARG002 - it has no arguments
        found = diagnosis.examine()
        told: list[str] = []
        for finding in found:
            told += [f"{'PROBLEM' if finding.is_problem else 'Note'}: {finding.what}", f"  {finding.todo}"]
        self.tell({"findings": [dataclasses.asdict(each) for each in found]}, *(told or ["Everything is in order."]))
        if any(finding.is_problem for finding in found):
            raise SystemExit(REFUSED)
