"""Structured logs, on standard error unless told otherwise: JSON for machines, text for people."""

import logging
import sys
from typing import TextIO

import structlog

from impetus.app.settings import LogSettings

_CHATTY = ("opensearch", "elastic_transport.transport")
"""Clients that warn of each answer that is a "no": what it means is said by who asked."""


def set_up(settings: LogSettings, stream: TextIO = sys.stderr) -> None:
    """Set the process's logging up, once, when it starts."""
    level = getattr(logging, settings.level.upper())
    render = structlog.processors.JSONRenderer() if settings.format == "json" else structlog.dev.ConsoleRenderer()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.ERROR)
    logging.basicConfig(level=max(level, logging.WARNING), stream=stream, format="%(levelname)s %(name)s %(message)s")
