"""Reminders to owners of what ends soon or has grown old (D34, D43): the front door of `outbox` and `delivering`."""

from tokens.reminders.delivering import Delivered, deliver
from tokens.reminders.outbox import Swept, resend, sweep, waiting

__all__ = ["Delivered", "Swept", "deliver", "resend", "sweep", "waiting"]
