"""Logging: one JSON line an event on a server, readable lines on a terminal.

Both escape what clients sent, so that no value can forge a line.
"""

import json
import logging
import re
import sys
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec

from telemetry.timestamps import utc_text

_OF_EVERY_LINE = {*vars(logging.makeLogRecord({})), "message", "asctime"}

_encoder = msgspec.json.Encoder(enc_hook=str)

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


class ServerFormatter(logging.Formatter):
    """One ASCII JSON object a line, its time in UTC, with what was given as ``extra``."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without its end."""
        line = {
            "time": _time(record.created),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: value for name, value in vars(record).items() if name not in _OF_EVERY_LINE}
        if record.exc_info:
            line["exc_info"] = self.formatException(record.exc_info)
        return _ascii_json(line)


class TerminalFormatter(logging.Formatter):
    """Time, level and message; a traceback follows on lines of its own."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(message)s", "%H:%M:%S")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the name is logging's
        """Escape the message, so that it stays on one line."""
        record.message = _UNPRINTABLE.sub(_escaped, record.message)
        return super().formatMessage(record)


class NoConnection(logging.Filter):
    """Lets the pool say why it gets no connection: each cause at most once a minute."""

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether the record says so, and something new."""
        text, now = record.getMessage(), record.created
        # What is forgotten may be said again, so that no more than a minute's causes are kept.
        self._said = {said: when for said, when in self._said.items() if abs(now - when) < 60}
        if "error connecting" not in text or text in self._said:
            return False
        self._said[text] = now
        return True


def dict_config(level: str) -> dict[str, Any]:
    """Return the logging configuration of a process that writes to standard output.

    ``level`` is that of the service; libraries speak from WARNING on, gunicorn from INFO.
    """
    formatter = TerminalFormatter if sys.stdout.isatty() else ServerFormatter
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": formatter}},
        "filters": {"no_connection": {"()": NoConnection}},
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
            # Both tell of every lost connection; the requests that meet one say it better. Why
            # there is no new one the pool alone knows.
            "psycopg": {"level": "ERROR"},
            "psycopg.pool": {"level": "WARNING", "filters": ["no_connection"]},
        },
    }


def _time(seconds: float) -> str:
    whole, microseconds = divmod(round(seconds * 1_000_000), 1_000_000)
    return f"{_second(whole)}.{microseconds:06}Z"


@lru_cache(maxsize=2)
def _second(seconds: int) -> str:
    return utc_text(datetime.fromtimestamp(seconds, UTC)).partition(".")[0]


def _ascii_json(line: dict[str, Any]) -> str:
    try:
        return _encoder.encode(line).decode("ascii")
    except UnicodeError:  # seldom, and many times as slow
        return json.dumps(line, default=str)


def _escaped(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode("ascii")
