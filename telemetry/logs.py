"""Logging: one JSON object per line on a server, readable lines on a terminal.

Both escape the values that clients send, so that no value can forge a line.
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

_STANDARD_FIELDS = {*vars(logging.makeLogRecord({})), "message", "asctime"}

# What a line on a terminal shows of a request, besides its message.
_SHOWN = ("request_id", "duration_ms", "client", "token")

# Logs where the data of each domain goes, which matters at every LOG_LEVEL.
START_LOGGER = "telemetry.start"

_encoder = msgspec.json.Encoder(enc_hook=str)

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


class ServerFormatter(logging.Formatter):
    """Formats a record as one line of ASCII JSON: time in UTC, level, logger, message, extras."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line without a newline."""
        line = {
            "time": _time(record.created),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {
            name: value for name, value in vars(record).items() if name not in _STANDARD_FIELDS
        }
        if record.exc_info:
            line["exc_info"] = self.formatException(record.exc_info)
        return _ascii_json(line)


class TerminalFormatter(logging.Formatter):
    """Formats a record as time, level, message, and what identifies its request.

    A traceback follows on separate lines.
    """

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(message)s", "%H:%M:%S")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the name is logging's
        """Return the line. What it says is escaped, so that it stays on one line."""
        named = (f"{name}={vars(record)[name]}" for name in _SHOWN if name in vars(record))
        text = "  ".join([record.message, " ".join(named)]).rstrip()
        record.message = _UNPRINTABLE.sub(_escaped, text)
        return super().formatMessage(record)


class PoolFailureFilter(logging.Filter):
    """Passes only the pool's reasons for a failed connection, each at most once per minute."""

    def __init__(self) -> None:
        super().__init__()
        self._last_logged: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether to log the record."""
        text, now = record.getMessage(), record.created
        # Older entries are dropped, so the dictionary stays small.
        self._last_logged = {
            reason: time for reason, time in self._last_logged.items() if abs(now - time) < 60
        }
        if "error connecting" not in text or text in self._last_logged:
            return False
        self._last_logged[text] = now
        return True


def dict_config(level: str) -> dict[str, Any]:
    """Return the logging configuration of a process that writes to standard output.

    ``level`` is that of the service and of gunicorn. Other libraries log from WARNING.
    """
    formatter = TerminalFormatter if sys.stdout.isatty() else ServerFormatter
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": formatter}},
        "filters": {"pool_failures": {"()": PoolFailureFilter}},
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
            START_LOGGER: {"level": "INFO"},
            "gunicorn.error": {"level": level, "handlers": [], "propagate": True},
            # Both log every lost connection, which the failed requests log as well. Only the pool
            # knows why a new connection fails.
            "psycopg": {"level": "ERROR"},
            "psycopg.pool": {"level": "WARNING", "filters": ["pool_failures"]},
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
    except UnicodeError:  # rare; json.dumps is many times slower
        return json.dumps(line, default=str)


def _escaped(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode("ascii")
