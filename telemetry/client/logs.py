"""A handler for ``logging``: what an agent logs as an error becomes a part of its run.

::

    logging.getLogger().addHandler(TelemetryHandler(client))
"""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Any

from telemetry.client import values
from telemetry.client.tracking import run_of

if TYPE_CHECKING:
    from telemetry.client.client import TelemetryClient
    from telemetry.client.run import RunContext

# Of one run: how many records error_details keeps, the newest, and how long each may be.
_KEPT = 20
_LONGEST = 3000
_LONGEST_SUMMARY = 1000
# An agent that logs in a loop fills no spool.
_MOST_AT_ONCE = 100
_WINDOW_SECONDS = 10.0

_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class TelemetryHandler(logging.Handler):
    """Reports the log records of an agent, by default its errors.

    Each record becomes a runtime event ``/<agent>/log/<level>`` with the ids of the run: the one
    that ``track_run`` has begun around the caller, else the only run in progress of the client. A
    record from ERROR up also becomes the run's error_summary, and is added to its error_details,
    which keep the newest 20. The run does not fail because of it. When it ends with an exception,
    both fields show that.

    At most 100 records in ten seconds are reported; the others are counted as
    ``log_records_dropped``. What the client itself logs is never reported.
    """

    def __init__(self, client: TelemetryClient, level: int | str = logging.ERROR) -> None:
        super().__init__(level)
        self._client = client
        self._busy = threading.local()
        self._window, self._left = 0.0, _MOST_AT_ONCE
        self.setFormatter(logging.Formatter(_FORMAT))

    def handle(self, record: logging.LogRecord) -> Any:
        """Report a record unless a filter refuses it; return what the filters do.

        It takes no lock of the handler: the client logs while it holds its own, so a thread that
        waits for it with the lock of a handler could wait for ever.
        """
        if record.name == "telemetry.client" or record.name.startswith("telemetry.client."):
            return False
        allowed = self.filter(record)
        if allowed:  # since Python 3.12 it may be another record
            self.emit(allowed if isinstance(allowed, logging.LogRecord) else record)
        return allowed

    def emit(self, record: logging.LogRecord) -> None:
        """Report a record. It never raises, and what it logs itself is not reported."""
        if getattr(self._busy, "is_set", False):
            return
        self._busy.is_set = True
        try:
            if self._is_allowed():
                self._report(record, run_of(self._client))
            else:
                self._client.notices.count("log_records_dropped")
        except Exception as error:
            self._client.notices.failed("reporting a log record", error)
        finally:
            self._busy.is_set = False

    def _is_allowed(self) -> bool:
        """Return whether there is room in the current window. Threads may exceed it by a few."""
        now = time.monotonic()
        if now - self._window >= _WINDOW_SECONDS:
            self._window, self._left = now, _MOST_AT_ONCE
        self._left -= 1
        return self._left >= 0

    def _report(self, record: logging.LogRecord, run: RunContext | None) -> None:
        message = _message(record)
        agent = self._client.agent_name if run is None else run.agent_name
        ids = {} if run is None else {"run_id": run.run_id, "event_id": run.event_id}
        self._client.record_event(
            f"/{agent}/log/{record.levelname.lower()}",
            0,
            method="LOG",
            status_code=500 if record.levelno >= logging.ERROR else 200,
            metadata={
                **ids,
                "logger": record.name,
                "message": message[:_LONGEST],
                "file": f"{record.filename}:{record.lineno}",
                **_exception(record),
            },
        )
        if run is not None and record.levelno >= logging.ERROR:
            self._add_to(run, message, values.shown(_formatted(self, record)))

    def _add_to(self, run: RunContext, message: str, formatted: str) -> None:
        """Make a record a part of what the run says about its errors."""
        if len(formatted) > _LONGEST:  # a traceback says the most at its end
            half = _LONGEST // 2
            formatted = f"{formatted[:half]}…{formatted[-half:]}"
        logged = run.logged = [*run.logged[1 - _KEPT :], formatted]
        run.set_metrics(
            error_summary=message.strip().partition("\n")[0][:_LONGEST_SUMMARY],
            error_details="\n".join(logged),
        )


def _message(record: logging.LogRecord) -> str:
    """Return the message, also when its arguments do not fit it."""
    try:
        return record.getMessage()
    except Exception:
        return values.shown(record.msg)


def _formatted(handler: logging.Handler, record: logging.LogRecord) -> str:
    try:
        return handler.format(record)
    except Exception:
        return _message(record)


def _exception(record: logging.LogRecord) -> dict[str, str]:
    kind = record.exc_info[0] if isinstance(record.exc_info, tuple) else None
    return {} if kind is None else {"exception": kind.__name__}
