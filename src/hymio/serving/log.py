"""The log: Hymio's entries and those of its libraries on standard error, in one form."""

from __future__ import annotations

import asyncio
import logging
import sys
from typing import Any

import structlog

from hymio.settings import Settings


def configure_log(settings: Settings) -> None:
    """Sets the level and the form of all log entries of this process.

    Tracebacks show no values of variables: people's words and tokens may be among them.
    """
    console = settings.log_format == "console" or (settings.log_format == "auto" and sys.stderr.isatty())
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: list[Any] = (
        [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
        if console
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    )
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    root = logging.getLogger()
    root.handlers = [_handler(shared, last)]
    root.setLevel(settings.log_level.upper())


def _handler(shared: list[Any], last: list[Any]) -> logging.Handler:
    """A log handler that formats entries with structlog's processors."""
    handler = logging.StreamHandler()
    handler.addFilter(_is_no_cancellation)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    return handler


def _is_no_cancellation(entry: logging.LogRecord) -> bool:
    """Leaves out entries about requests that were cancelled because the server shuts down."""
    return entry.exc_info is None or not isinstance(entry.exc_info[1], asyncio.CancelledError)
