"""What processes write about themselves: JSON lines, or lines for people where stderr is a terminal. Never a secret.

One configuration for Django, gunicorn and Celery. Everything passes the one processor that redacts, after texts and
exceptions have been put together, so that nothing is looked at that is not what will be written. LOG_FORMAT (json,
text) decides where the terminal should not; LOG_LEVEL is that of the portal's own loggers.
"""

import logging
import logging.config
import os
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog
from celery.app.log import Logging
from structlog.stdlib import ExtraAdder, ProcessorFormatter
from structlog.typing import EventDict, Processor

from config import requestids
from credentials import redaction

OWN = ("config", "proxies", "credentials", "tokens")
# What they say below this is about themselves.
OTHERS = ("django", "celery", "kombu", "gunicorn.error", "gunicorn.access", "py.warnings")
# Written by us, in a form that is known.
_SAFE = frozenset(("timestamp", "level", "logger", "request_id"))
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")


def redact(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """The one processor that takes secrets out: of texts, of fields by their names, of exceptions, all the way down."""
    free = {name: value for name, value in event.items() if name not in _SAFE}
    return {name: event[name] for name in event if name in _SAFE} | redaction.redact_value(free)


def add_request_id(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """The id of the request that this thread works on."""
    if known := requestids.current():
        event["request_id"] = known
    return event


def _line(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> str:
    """For people: time, level, logger, sentence, fields; the exception on lines of its own."""
    exception = event.pop("exception", None)
    start = (
        f"{event.pop('timestamp', '')} {event.pop('level', ''):7} {event.pop('logger', '')}: {event.pop('event', '')}"
    )
    fields = "".join(f" {name}={value}" for name, value in event.items())
    # Nothing that was sent to us may begin a line of its own or steer the terminal (B47).
    line = _CONTROL.sub(" ", (start + fields).replace("\n", " ").replace("\t", " "))
    return line if exception is None else f"{line}\n{_CONTROL.sub(' ', exception)}"


def for_people() -> bool:
    """True where lines are read by a person rather than by a program."""
    chosen = os.environ.get("LOG_FORMAT", "").strip().lower()
    return chosen == "text" or (chosen != "json" and sys.stderr.isatty())


def formatter() -> logging.Formatter:
    """Named by the configuration below."""
    before: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        add_request_id,
        ExtraAdder(),
    ]
    render: Processor = _line if for_people() else structlog.processors.JSONRenderer(default=str)
    after: list[Processor] = [
        ProcessorFormatter.remove_processors_meta,
        structlog.processors.format_exc_info,
        redact,
        render,
    ]
    return ProcessorFormatter(foreign_pre_chain=before, processors=after)


class Handler(logging.StreamHandler[Any]):
    """A line that can't be made is named, not printed: the standard handler would print its arguments as they are."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging names it
        try:
            self.stream.write(f'{{"event": "a line of {record.name} could not be written", "level": "error"}}\n')
            self.flush()
        except Exception:  # noqa: BLE001 - stderr itself is gone, and no request may fail for it
            return


def configuration() -> dict[str, Any]:
    """For logging.config.dictConfig, in every process: Django's LOGGING, gunicorn's logconfig_dict, Celery's."""
    level = os.environ.get("LOG_LEVEL", "").strip().upper() or "INFO"
    loggers: Mapping[str, dict[str, Any]] = {
        **{name: {"level": level} for name in OWN},
        # Their own handlers would write past the processor.
        **{name: {"level": "WARNING", "handlers": [], "propagate": True} for name in OTHERS},
        # The arguments of a task that failed; what the job itself says is enough.
        "celery.app.trace": {"level": "ERROR", "propagate": True},
        # One line for each request of a stranger that Django refuses; the answer says it already.
        "django.security.DisallowedHost": {"level": "CRITICAL", "propagate": True},
        "django.request": {"level": "ERROR", "propagate": True},
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": "config.logs.formatter"}},
        "handlers": {"stderr": {"()": "config.logs.Handler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": "WARNING"},
        "loggers": loggers,
    }


class CeleryLogging(Logging):
    """Celery's own set-up is left out: its handlers would write past the processor."""

    def setup_logging_subsystem(self, *_args: Any, **_options: Any) -> Any:
        """The one configuration."""
        logging.config.dictConfig(configuration())
        return True
