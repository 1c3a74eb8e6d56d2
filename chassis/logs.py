"""Structured logs: one line a record, a constant message, everything that varies in fields."""

import logging
import sys
from typing import TYPE_CHECKING, cast

import structlog

from chassis import trace

if TYPE_CHECKING:
    from structlog.typing import EventDict, FilteringBoundLogger, WrappedLogger


def configure(*, level: str, form: str, process: str) -> None:
    """Send logs of this process to standard error, as JSON lines or coloured for a console."""
    renderer = structlog.processors.JSONRenderer() if form == "json" else structlog.dev.ConsoleRenderer()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _add_trace,
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level)),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(process=process)
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)


def get(action: str) -> "FilteringBoundLogger":
    """Return a logger whose records carry `action`, the stable name of what is being done."""
    return cast("FilteringBoundLogger", structlog.get_logger(action=action))


def _add_trace(_logger: "WrappedLogger", _name: str, event: "EventDict") -> "EventDict":
    if trace_id := trace.trace_id():
        event["trace_id"] = trace_id
    return event
