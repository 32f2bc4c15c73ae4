"""Signs of life of the runs in progress, so that they do not look abandoned.

They are not spooled: a sign of life says nothing later, and must never take the place of a record.
"""

from __future__ import annotations

import time

from telemetry.client.sending.lines import PROGRESS, Change
from telemetry.client.sending.transport import Transport, Unreachable

# One round sends no more than this, so that records never wait long.
_AT_ONCE = 50


class Heartbeats:
    """Reports each run in progress at an interval. The service refuses that of an ended run."""

    def __init__(self, transport: Transport, seconds: float) -> None:
        self._transport, self._seconds = transport, seconds
        self._runs: dict[str, tuple[float, float]] = {}  # start and next report, by event_id

    def begin(self, event_id: str, started: float) -> None:
        """Report this run from now on. ``started`` is of the monotonic clock."""
        if self._seconds > 0:
            self._runs[event_id] = started, started + self._seconds

    def end(self, event_id: str) -> None:
        """Report it no longer."""
        self._runs.pop(event_id, None)

    def due(self) -> float:
        """Return when the next report is due; infinity without any."""
        return min((due for _, due in list(self._runs.values())), default=float("inf"))

    def send(self) -> None:
        """Send the reports that are due. When one fails, the others wait for the next interval."""
        now, sent = time.monotonic(), 0
        for event_id, (started, due) in list(self._runs.items()):
            if due > now:
                continue
            if sent == _AT_ONCE:
                return
            sent += 1
            if event_id in self._runs:
                self._runs[event_id] = started, now + self._seconds
            if not self._report(event_id, int((now - started) * 1000)):
                self._postpone(now)
                return

    def _report(self, event_id: str, duration_ms: int) -> bool:
        """Report a run; return whether the service works."""
        fields: dict[str, object] = {"status": "running", "duration_ms": duration_ms}
        try:
            status = self._transport.send(Change(PROGRESS, event_id, fields)).status
        except Unreachable:
            return False
        if status in (404, 409):
            self.end(event_id)
        return status < 500 and status != 429

    def _postpone(self, now: float) -> None:
        for event_id, (started, due) in list(self._runs.items()):
            if due <= now and event_id in self._runs:
                self._runs[event_id] = started, now + self._seconds

    def after_fork(self) -> None:
        """Leave the runs to the process that was forked, which reports them."""
        self._runs = {}
