"""Configuration as code: read a file, plan, apply, export. This is the front door; doors import from here.

A document is plain values, so REST may hand over JSON: `document(values)`, `plan(...)`, then `apply(...)` with the
fingerprint of the plan that was confirmed.
"""

from tokens.configuration.applying import apply, plan, read
from tokens.configuration.carrying import Made
from tokens.configuration.exporting import Exported, export, plain, text
from tokens.configuration.plans import Plan
from tokens.configuration.schema import Document, document

__all__ = ["Document", "Exported", "Made", "Plan", "apply", "document", "export", "plain", "plan", "read", "text"]
