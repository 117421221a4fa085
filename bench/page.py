"""Figures go into docs/performance.md, each measurement into the section that it owns."""

import os
import platform
from pathlib import Path

FILE = Path(__file__).resolve().parent.parent / "docs" / "performance.md"


def write_section(name: str, text: str, file: Path = FILE) -> None:
    """Put `text` between the markers of `name`; a section that is not there yet is added at the end."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    section = f"{begin}\n{text.strip()}\n{end}"
    known = file.read_text(encoding="utf-8") if file.exists() else "# Performance\n"
    before, found, rest = known.partition(begin)
    new = before + section + rest.partition(end)[2] if found else f"{known.rstrip()}\n\n{section}\n"
    file.write_text(new, encoding="utf-8")


def machine() -> str:
    """What the figures were measured on, in a few words."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    parts = (f"{os.cpu_count()} cores", f"{memory:.0f} GB", f"{platform.system()} {platform.machine()}")
    return f"{', '.join(parts)}, Python {platform.python_version()}"
