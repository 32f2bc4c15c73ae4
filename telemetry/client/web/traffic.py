"""The requests of a web application, as runtime events.

A request costs its application one entry in a queue in memory. A thread makes events of the
entries and records them, so neither a slow disk nor a busy spool holds a request up. What is in
the queue, a tenth of a second, is lost when the process is killed.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, NamedTuple

from telemetry.client import lifecycle
from telemetry.client.web.endpoints import Endpoints, WebRequest

if TYPE_CHECKING:
    from telemetry.client.fields import EventSource, Scalar
    from telemetry.client.reporter import Reporter

# Requests that end within this time are taken together.
LINGER_SECONDS = 0.1
# A group that stays incomplete is recorded after this time.
LONGEST_GROUP_SECONDS = 10.0
MOST_QUEUED = 10_000

_METHODS = frozenset(
    {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"}
)


class Group(NamedTuple):
    """Requests that are alike: of one endpoint, method, status and about the same duration."""

    endpoint: str
    method: str
    status: int
    scale: int


class Members:
    """How many requests a group has, and their durations together."""

    __slots__ = ("count", "since", "total_ms")

    def __init__(self, since: float) -> None:
        self.count, self.total_ms, self.since = 0, 0.0, since


class Traffic:
    """Reports requests from a thread of its own.

    With ``sample_every`` N, one event stands for up to N requests that are alike. Their durations
    differ by a factor of at most √2, so counts and sums stay exact and percentiles nearly so.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - the settings of the middleware
        self,
        client: Reporter,
        source: EventSource,
        sample_every: int,
        skip: Iterable[str],
        max_endpoints: int,
        prefix: str = "",
    ) -> None:
        self._client, self._source = client, source
        self._sample_every, self._skip = sample_every, frozenset(skip)
        self._prefix = prefix.rstrip("/")
        self._endpoints = Endpoints(max_endpoints)
        self._reset()
        lifecycle.attend(self)

    def _reset(self) -> None:
        # Their put can interrupt itself, as a finalizer may. The thread waits for a wake and not
        # for a request, so that a flush finds every request in the queue. A true wake ends it.
        self._queue: SimpleQueue[WebRequest] = SimpleQueue()
        self._wakes: SimpleQueue[bool] = SimpleQueue()
        self._groups: dict[Group, Members] = {}
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._recording = threading.RLock()

    def add(self, request: WebRequest) -> None:
        """Take a request that has ended. It never raises and never waits."""
        try:
            if self._queue.qsize() >= MOST_QUEUED:
                self._client.notices.count("requests_dropped")
                self._client.notices.warn(
                    "requests", "requests end faster than they are recorded: some are dropped"
                )
                return
            self._queue.put(request)
            self._wakes.put(False)
            if self._thread is None:
                self._start()
        except Exception as error:
            self.failed(error)

    def failed(self, error: Exception) -> None:
        """Count and log a failure of the report. The application goes on."""
        self._client.notices.failed("reporting a request", error)

    def flush(self) -> None:
        """Record every request that has ended, also those of incomplete groups."""
        try:
            with self._recording:
                self._take_queued()
                self._record_groups(float("inf"))
        except Exception as error:
            self.failed(error)

    def close(self) -> None:
        """Record the rest and end the thread. A later request starts another one."""
        self.flush()
        thread, self._thread = self._thread, None
        if thread is not None:
            self._wakes.put(True)
            thread.join(1.0)

    at_exit = flush

    def after_fork(self) -> None:
        """Begin from nothing in a process that was forked: its parent reports what is here."""
        self._reset()

    def _start(self) -> None:
        # A finalizer may interrupt this, and must not wait for its own thread.
        if not self._starting.acquire(blocking=False):
            return
        try:
            if self._thread is None:
                thread = threading.Thread(target=self._loop, name="telemetry-requests", daemon=True)
                thread.start()
                self._thread = thread
        except RuntimeError:
            self.flush()  # the interpreter ends
        finally:
            self._starting.release()

    def _loop(self) -> None:
        is_last = False
        while not is_last:
            is_last = self._wait()
            try:
                with self._recording:
                    self._take_queued()
                    self._record_groups(time.monotonic() - LONGEST_GROUP_SECONDS)
            except Exception as error:
                self.failed(error)

    def _wait(self) -> bool:
        """Wait for a request, and for those that end soon after it; return whether to end."""
        try:
            if self._wakes.get(timeout=1.0 if self._groups else None):
                return True
        except Empty:
            return False
        time.sleep(LINGER_SECONDS)
        with suppress(Empty):
            for _ in range(MOST_QUEUED):
                if self._wakes.get_nowait():
                    return True
        return False

    def _take_queued(self) -> None:
        """Take what is in the queue by now."""
        for _ in range(MOST_QUEUED):
            try:
                request = self._queue.get_nowait()
            except Empty:
                return
            try:
                self._take(request)
            except Exception as error:
                self.failed(error)

    def _take(self, request: WebRequest) -> None:
        endpoint = self._endpoints.of(request)
        if endpoint in self._skip:
            return
        # Anyone may make up a method.
        method = request.method if request.method in _METHODS else "OTHER"
        group = Group(endpoint, method, request.status, _scale(request.runtime_ms))
        members = self._groups.get(group)
        if members is None:
            members = self._groups[group] = Members(time.monotonic())
        members.count += 1
        members.total_ms += request.runtime_ms
        if members.count >= self._sample_every:
            self._record(group)

    def _record_groups(self, until: float) -> None:
        """Record the groups that have waited since this time or longer."""
        for group, members in [*self._groups.items()]:
            if members.since <= until:
                self._record(group)

    def _record(self, group: Group) -> None:
        members = self._groups.pop(group)
        metadata: dict[str, Scalar] = {"agent_name": self._client.agent_name}
        if members.count > 1:
            metadata.update(event_count=members.count, total_runtime_ms=members.total_ms)
        self._client.record_event(
            self._prefix + group.endpoint,
            members.total_ms / members.count,
            source=self._source,
            method=group.method,
            status_code=group.status,
            metadata=metadata,
        )


def _scale(runtime_ms: float) -> int:
    return int(2 * math.log2(max(runtime_ms, 0.001)))
