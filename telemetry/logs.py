"""Logging: one JSON line an event on a server, readable lines on a terminal.

Both escape what clients sent, so that no value can forge a line.
"""

import logging
import re
import sys
import time
from typing import Any

from pythonjsonlogger.json import JsonFormatter

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


class ServerFormatter(JsonFormatter):
    """One ASCII JSON object a line, its time in UTC."""

    converter = staticmethod(time.gmtime)
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def __init__(self) -> None:
        super().__init__(
            ["asctime", "levelname", "name", "message"],
            rename_fields={"asctime": "time", "levelname": "level", "name": "logger"},
        )


class TerminalFormatter(logging.Formatter):
    """Time, level and message; a traceback follows on lines of its own."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(message)s", "%H:%M:%S")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the name is logging's
        """Escape the message, so that it stays on one line."""
        record.message = _UNPRINTABLE.sub(_escaped, record.message)
        return super().formatMessage(record)


def dict_config(level: str) -> dict[str, Any]:
    """Return the logging configuration of a process that writes to standard output.

    ``level`` is that of the service; libraries speak from WARNING on, gunicorn from INFO.
    """
    formatter = TerminalFormatter if sys.stdout.isatty() else ServerFormatter
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": formatter}},
        "handlers": {
            "stdout": {
                "class": "logging.StreamHandler",
                "formatter": "line",
                "stream": "ext://sys.stdout",
            }
        },
        "root": {"level": "WARNING", "handlers": ["stdout"]},
        "loggers": {
            "telemetry": {"level": level},
            "gunicorn.error": {"level": "INFO", "handlers": [], "propagate": True},
            # Both tell of every lost connection; the requests that meet one say it better.
            "psycopg": {"level": "ERROR"},
            "psycopg.pool": {"level": "ERROR"},
        },
    }


def _escaped(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode("ascii")
