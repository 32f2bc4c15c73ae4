"""The background thread: sends what the spool holds, and what dead processes have left in it."""

from __future__ import annotations

import random
import threading
import time
from contextlib import suppress

from telemetry.client.notices import Notices
from telemetry.client.sending.delivery import Delivery, RetryLater
from telemetry.client.sending.heartbeats import Heartbeats
from telemetry.client.sending.transport import Transport
from telemetry.client.spool.rejected import Rejected
from telemetry.client.spool.streams import MAX_LINES, Lines, Streams
from telemetry.client.spool.writer import Spool

# How long the first record waits for others, to share their request.
LINGER_SECONDS = 0.1
FIRST_WAIT_SECONDS = 0.25
LONGEST_WAIT_SECONDS = 30.0
# What the service asks for is respected, within reason.
LONGEST_RETRY_AFTER = 600.0
# A restart of the service takes less, and is worth no warning.
WARN_SECONDS = 10.0


class Wake(threading.Event):
    """An event that a signal handler may set while its own thread sets it."""

    def __init__(self) -> None:
        super().__init__()
        self._setting: set[int] = set()

    def set(self) -> None:
        """Set the event."""
        thread = threading.get_ident()
        if thread not in self._setting:
            self._setting.add(thread)
            try:
                super().set()
            finally:
                self._setting.discard(thread)


class Sender:
    """Sends the lines of its own spool, and those of dead processes. Thread-safe."""

    def __init__(
        self,
        spool: Spool,
        transport: Transport,
        rejected: Rejected,
        notices: Notices,
        heartbeats: Heartbeats,
    ) -> None:
        self._spool, self._transport = spool, transport
        self._rejected, self._notices, self._heartbeats = rejected, notices, heartbeats
        self._streams = Streams(spool, notices)
        self._reset()

    def _reset(self) -> None:
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._wake, self._hurry = Wake(), Wake()
        self._acknowledged = threading.Condition()
        self._done = 0  # of the lines that this process appended
        self._ended = self._retired = False
        self._failures = self._idle_rounds = 0
        self._failing: tuple[float, str] | None = None  # since when, and why
        self._work: tuple[Lines, Delivery] | None = None
        self._spool.wake = self._wake.set

    @property
    def running(self) -> bool:
        """Whether the thread was started."""
        return self._thread is not None

    @property
    def waiting(self) -> int:
        """How many of the lines that this process appended are neither stored nor rejected."""
        return max(0, self._spool.appended - self._done)

    def start(self) -> None:
        """Start the thread unless it runs. An interpreter that is ending cannot start one."""
        # Another call that starts it is enough. A signal handler must not wait for its own thread.
        if not self._starting.acquire(blocking=False):
            return
        try:
            if self._thread is not None:
                return
            self._ended = False
            thread = threading.Thread(target=self._loop, name="telemetry-client", daemon=True)
            self._thread = thread
            thread.start()
        except RuntimeError:
            self._thread = None  # another process will send what is in the spool
        finally:
            self._starting.release()

    def flush(self, timeout: float, leftovers: bool = False) -> bool:
        """Wait until everything appended so far is stored or rejected; return whether it is.

        With ``leftovers``, until nothing of dead processes is left either.
        """
        target, deadline = self._spool.appended, time.monotonic() + timeout
        # A round that has begun may have looked for them too early.
        rounds = self._idle_rounds + 2 if leftovers else 0
        self._streams.scan_at = 0.0 if leftovers else self._streams.scan_at
        self.start()
        with self._acknowledged:
            while self._done < target or self._idle_rounds < rounds:
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                self._hurry.set()
                self._wake.set()
                self._acknowledged.wait(min(left, 1.0))
        return True

    def stop(self, timeout: float) -> None:
        """End the thread. It leaves what it has not sent to another process."""
        thread, self._ended = self._thread, True
        self._hurry.set()
        self._wake.set()
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout)

    def retire(self) -> None:
        """End the thread as soon as everything was sent: no more records will come."""
        self._retired = True
        self._wake.set()

    def at_exit(self, seconds: float) -> None:
        """Send the rest for a short time, less while the service does not respond."""
        if self._thread is not None:
            is_sent = self.flush(min(seconds, 0.5) if self._failures else seconds)
            if not is_sent:
                self._warn_of_failing()
            self.stop(0.5 if is_sent or seconds else 0.05)

    def after_fork(self) -> None:
        """Begin from nothing in a process that was forked."""
        self._notices.after_fork()
        self._heartbeats.after_fork()
        for part in (self._spool, self._streams, self._transport):
            with suppress(OSError):  # the parent was about to close it
                part.after_fork()
        self._reset()

    def _loop(self) -> None:
        self._hurry.wait(LINGER_SECONDS)
        while not self._ended:
            self._notices.log_kept()
            try:
                worked = self._round()
                self._failures, self._failing = 0, None
                if not worked:
                    self._heartbeats.send()
                    self._rest()
            except RetryLater as later:
                self._failures += 1
                self._failed_to_send(later)
                self._pause(later.seconds)
            except Exception as error:
                self._failures += 1
                self._notices.failed("sending", error)
                self._pause(None)
        self._leave()

    def _failed_to_send(self, error: RetryLater) -> None:
        """Count it, remember since when nothing can be sent, and warn when it lasts."""
        self._notices.count("failed_tries")
        if error.is_reported:
            return
        since = time.monotonic() if self._failing is None else self._failing[0]
        self._failing = since, str(error)
        if time.monotonic() - since >= WARN_SECONDS:
            self._warn_of_failing()

    def _warn_of_failing(self) -> None:
        if self._failing is not None:
            self._notices.warn(
                "unsent",
                "%s takes no records (%s): they wait in %s",
                self._transport.url,
                self._failing[1],
                self._spool.folder,
            )

    def _round(self) -> bool:
        """Send some lines; return whether another round should follow at once."""
        if self._work is None:
            lines = self._streams.next()
            if lines is None:
                self._idle_rounds += 1
                self._progress(0)
                return False
            delivery = Delivery(lines.all(), self._transport, self._rejected, self._notices)
            self._work = lines, delivery
        lines, delivery = self._work
        delivery.run()
        self._work = None
        self._progress(self._streams.acknowledge(lines))
        return self._streams.adopted or self._spool.appended - self._done >= MAX_LINES

    def _progress(self, lines: int) -> None:
        with self._acknowledged:
            self._done += lines
            self._acknowledged.notify_all()

    def _rest(self) -> None:
        """Wait until there is something to do."""
        self._spool.sleeping = True
        idle = self._spool.appended == self._done
        if idle and self._retired:
            self._ended = True
        if idle and not self._ended:
            due = min(self._streams.scan_at, self._heartbeats.due())
            self._wake.wait(max(0.0, due - time.monotonic()))
        self._spool.sleeping = False
        self._wake.clear()
        if not self._ended:
            self._hurry.wait(LINGER_SECONDS)
        self._hurry.clear()

    def _pause(self, seconds: float | None) -> None:
        """Wait before the next try, longer after each failure, by chance in a different rhythm."""
        if seconds is None:
            longest = min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2 ** min(self._failures, 10))
            if not self._ended:
                self._hurry.wait(longest * random.uniform(0.5, 1.0))
            self._hurry.clear()
            return
        until = time.monotonic() + min(seconds, LONGEST_RETRY_AFTER) * random.uniform(1.0, 1.1)
        while not self._ended and time.monotonic() < until:
            # A flush is no reason to ignore what the service asked for.
            self._hurry.clear()
            self._hurry.wait(max(0.0, until - time.monotonic()))

    def _leave(self) -> None:
        self._done = self._streams.leave(self._work[0] if self._work else None)
        self._transport.close()
        self._work, self._thread = None, None
