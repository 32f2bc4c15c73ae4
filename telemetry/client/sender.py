"""The background thread: sends what the spool holds, takes over dead streams, reports progress."""

from __future__ import annotations

import random
import threading
import time
from typing import NamedTuple

from telemetry.client.delivery import Delivery, RetryLater
from telemetry.client.heartbeats import Heartbeats
from telemetry.client.notices import Notices
from telemetry.client.reader import Chunk, Reader
from telemetry.client.rejected import Rejected
from telemetry.client.segments import take_abandoned
from telemetry.client.spool import Spool
from telemetry.client.transport import Transport

MAX_LINES = 2000
# How long the first record waits for others, to share their request.
LINGER_SECONDS = 0.1
SCAN_SECONDS = 30.0
FIRST_WAIT_SECONDS = 0.25
LONGEST_WAIT_SECONDS = 30.0
# What the service asks for is respected, within reason.
LONGEST_RETRY_AFTER = 600.0


class _Work(NamedTuple):
    """A chunk that is being sent."""

    chunk: Chunk | None
    lines: list[bytes]
    delivery: Delivery


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
        self._reset()

    def _reset(self) -> None:
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._wake, self._hurry = threading.Event(), threading.Event()
        self._acknowledged = threading.Condition()
        self._done = 0
        self._ended = self._retired = False
        self.failures = 0
        self._own: Reader | None = None
        self._adopted: list[Reader] = []
        self._work: dict[Reader | None, _Work] = {}
        self._scan_at = 0.0
        self._spool.wake = self._wake.set

    def start(self) -> None:
        """Start the thread unless it runs. An interpreter that is ending cannot start one."""
        with self._starting:
            if self._thread is not None:
                return
            self._ended, self._scan_at = False, 0.0
            thread = threading.Thread(target=self._loop, name="telemetry-client", daemon=True)
            try:
                thread.start()
            except RuntimeError:
                return  # another process will send what is in the spool
            self._thread = thread

    @property
    def running(self) -> bool:
        """Whether the thread was started."""
        return self._thread is not None

    def flush(self, timeout: float) -> bool:
        """Wait until everything appended so far is stored or rejected; return whether it is."""
        target, deadline = self._spool.appended, time.monotonic() + timeout
        self.start()
        with self._acknowledged:
            while self._done < target:
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                self._hurry.set()
                self._wake.set()
                self._acknowledged.wait(min(left, 1.0))
        return True

    def stop(self, timeout: float) -> None:
        """End the thread. It leaves what it has not sent to another process."""
        thread = self._thread
        self._ended = True
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
            self.flush(min(seconds, 0.5) if self.failures else seconds)
            self.stop(0.5)

    def after_fork(self) -> None:
        """Begin from nothing in a process that was forked."""
        self._spool.after_fork()
        self._notices.after_fork()
        for reader in [*self._adopted, *([self._own] if self._own else [])]:
            reader.close()
        for reader in self._adopted:
            reader.stream.lock.release()
        self._transport.close()
        self._heartbeats.after_fork()
        self._reset()

    def _loop(self) -> None:
        while not self._ended:
            try:
                worked = self._round()
            except RetryLater as later:
                self.failures += 1
                self._pause(later.seconds)
            except Exception as error:
                self.failures += 1
                self._notices.warn("bug", "the sender failed: %r", error)
                self._notices.count("sender_errors")
                self._pause(None)
            else:
                self.failures = 0
                if not worked:
                    self._rest()
        self._leave()

    def _round(self) -> bool:
        """Send one chunk of each stream; return whether another round should follow at once."""
        self._scan()
        if self._own is None and self._spool.stream is not None:
            self._own = Reader(self._spool.stream, self._notices, self._freed, self._spool.writing)
        worked = self._own is not None and self._advance(self._own)
        if not worked and self._spool.memory:
            worked = self._advance_memory()
        for reader in [*self._adopted]:
            if self._advance(reader):
                worked = True
            else:
                self._adopted.remove(reader)
                reader.finish()
        if not worked:
            self._heartbeats.send()
        return worked

    def _advance(self, reader: Reader) -> bool:
        """Send one chunk; return whether the stream may have more."""
        work = self._work.get(reader)
        if work is None:
            chunk = reader.next(MAX_LINES)
            if chunk is None:
                return False
            work = self._work[reader] = _Work(chunk, chunk.lines, self._delivery(chunk.lines))
        work.delivery.run()
        del self._work[reader]
        assert work.chunk is not None
        reader.acknowledge(work.chunk)
        if reader is self._own:
            self._count(len(work.lines))
            return len(work.lines) >= MAX_LINES
        return True

    def _advance_memory(self) -> bool:
        work = self._work.get(None)
        if work is None:
            lines = self._spool.take_memory(MAX_LINES)
            work = _Work(None, lines, self._delivery([line[:-1] for line in lines]))
            self._work[None] = work
        work.delivery.run()
        del self._work[None]
        self._count(self._spool.forget_memory(work.lines))
        return bool(self._spool.memory)

    def _delivery(self, lines: list[bytes]) -> Delivery:
        return Delivery(lines, self._transport, self._rejected, self._notices)

    def _count(self, lines: int) -> None:
        with self._acknowledged:
            self._done += lines
            self._acknowledged.notify_all()

    def _freed(self, size: int) -> None:
        self._spool.used -= size

    def _scan(self) -> None:
        """Take over the streams of dead processes, from time to time."""
        now = time.monotonic()
        if now < self._scan_at:
            return
        self._scan_at = now + SCAN_SECONDS * random.uniform(0.8, 1.2)
        try:
            while stream := take_abandoned(self._spool.folder):
                self._adopted.append(Reader(stream, self._notices, self._freed))
                self._notices.count("taken_over")
        except OSError:
            pass  # no folder
        self._spool.measure()

    def _rest(self) -> None:
        """Wait until there is something to do."""
        self._spool.sleeping = True
        if self._retired and self._spool.appended == self._done:
            self._ended = True
        if self._spool.appended == self._done and not self._ended:
            due = min(self._scan_at, self._heartbeats.due())
            self._wake.wait(max(0.0, due - time.monotonic()))
        self._spool.sleeping = False
        self._wake.clear()
        if not self._ended:
            self._hurry.wait(LINGER_SECONDS)
        self._hurry.clear()

    def _pause(self, seconds: float | None) -> None:
        """Wait before the next try, longer after each failure, by chance in a different rhythm."""
        if self._ended:
            return
        if seconds is None:
            longest = min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2 ** min(self.failures, 10))
            self._hurry.wait(longest * random.uniform(0.5, 1.0))
            self._hurry.clear()
            return
        until = time.monotonic() + min(seconds, LONGEST_RETRY_AFTER) * random.uniform(1.0, 1.1)
        while not self._ended and time.monotonic() < until:
            # A flush is no reason to ignore what the service asked for.
            self._hurry.clear()
            self._hurry.wait(until - time.monotonic())

    def _leave(self) -> None:
        """Release every stream. One of which nothing is left is deleted."""
        self._spool.empty_memory()
        stream, appended = self._spool.close()
        own = self._own or (stream and Reader(stream, self._notices, self._freed))
        for reader in [*self._adopted, *([own] if own else [])]:
            self._leave_stream(reader)
        self._transport.close()
        self._own, self._adopted, self._work = None, [], {}
        self._done, self._thread = appended, None

    def _leave_stream(self, reader: Reader) -> None:
        try:
            if reader not in self._work and reader.next(1) is None:
                reader.finish()
                return
        except OSError:
            pass
        reader.release()
