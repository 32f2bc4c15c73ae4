"""The writing side of a spool: a record is in a file before the call that made it returns."""

from __future__ import annotations

import os
import secrets
import threading
import time
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import Callable

from telemetry.client.notices import Notices
from telemetry.client.spool.segments import SEGMENT_BYTES, Stream, list_segments

# While records are in memory, the folder is tried again this often.
_RETRY_SECONDS = 5.0
# While the spool is full, its size is measured this often.
_MEASURE_SECONDS = 1.0


class Spool:
    """Appends lines to a stream; to memory while the folder cannot be written.

    Lines in memory are newer than those in files: as long as there are any, new ones follow them.
    A signal handler may append while its own thread appends, so the lock is reentrant, and only
    the outermost append replaces the file.
    """

    def __init__(
        self, folder: Path, notices: Notices, *, max_bytes: int, durable: bool, memory_bytes: int
    ) -> None:
        self.folder, self._notices = folder, notices
        self.max_bytes, self._durable, self._memory_bytes = max_bytes, durable, memory_bytes
        self._segment_bytes = min(SEGMENT_BYTES, max_bytes // 8)
        self.wake: Callable[[], None] = lambda: None
        self._reset()

    def _reset(self) -> None:
        self._lock = threading.RLock()
        self._depth = 0
        self.stream: Stream | None = None
        self.segment = 0
        self._opened: int | None = None
        self._size = 0
        self._torn = False
        self._retry_at = self._measure_at = 0.0
        self.used = 0  # by all streams of the folder, as far as this process knows
        self.memory: deque[bytes] = deque()
        self.in_memory = 0
        self.appended = 0
        self.sleeping = False

    def append(self, line: bytes, share: float = 1.0) -> bool:
        """Append a line, which ends with a line feed; return whether there was room.

        ``share`` is the part of the bound up to which this kind of record may fill the spool.
        """
        size = len(line)
        with self._lock:
            self._depth += 1
            try:
                if self._depth == 1 and (self._opened is None or self._size >= self._segment_bytes):
                    self._next_segment()
                if self.used + size > self.max_bytes * share and not self._has_room(size, share):
                    return self._refuse()
                if self.memory or self._opened is None or self._torn or not self._write(line):
                    return self._keep_in_memory(line)
                self.appended += 1
            finally:
                self._depth -= 1
        if self.sleeping:
            self.wake()
        return True

    def _write(self, line: bytes) -> bool:
        """Write the line to the segment, completely or not at all."""
        opened = self._opened
        assert opened is not None
        try:
            written = os.write(opened, line)
        except OSError as error:
            self._cannot_write(error)
            return False
        self._size += written
        self.used += written
        if written != len(line):
            self._torn = True  # a reader skips what has been written of it
            self._cannot_write(OSError("no space left on the device"))
            return False
        if self._durable:
            self._sync(opened, getattr(os, "fdatasync", os.fsync))
        return True

    def _sync(self, opened: int, sync: Callable[[int], None]) -> None:
        """Wait for the disk. A record that it could not confirm is in the file all the same."""
        try:
            sync(opened)
        except OSError as error:
            self._notices.count("sync_errors")
            self._notices.keep("sync", "a power loss may lose records of the spool: %s", error)

    def _next_segment(self) -> None:
        """Open the next segment, if it is time to try."""
        if time.monotonic() < self._retry_at:
            return
        try:
            if self.stream is None:
                self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                name = f"{os.getpid()}-{int(time.time())}-{secrets.token_hex(4)}"
                self.stream = Stream.create(self.folder, name)
                self.measure()
            opened = self.stream.open_to_write(self.segment + 1)
        except OSError as error:
            self._cannot_write(error)
            return
        previous, self._opened = self._opened, opened
        self._size, self._torn = 0, False
        self.segment += 1
        if previous is not None:
            os.close(previous)
        if self._durable:
            self._sync_folder()

    def _sync_folder(self) -> None:
        """Make the names in the folder survive a loss of power. Windows has no such call."""
        if hasattr(os, "O_DIRECTORY"):
            with suppress(OSError):
                opened = os.open(self.folder, os.O_DIRECTORY)
                self._sync(opened, os.fsync)
                os.close(opened)

    def _keep_in_memory(self, line: bytes) -> bool:
        """Keep the line in memory, and move to the file what is in memory, if it is time to try."""
        if self.in_memory + len(line) > self._memory_bytes:
            return self._refuse()
        self.memory.append(line)
        self.in_memory += len(line)
        self.appended += 1
        self._notices.count("kept_in_memory")
        if self._depth == 1 and time.monotonic() >= self._retry_at:
            self.empty_memory()
        return True

    def empty_memory(self) -> None:
        """Move the lines in memory to the file, as far as it takes them."""
        with self._lock:
            if self._opened is None or self._torn:
                self._next_segment()
            while self.memory and self._opened is not None and not self._torn:
                if not self._write(self.memory[0]):
                    return
                self.in_memory -= len(self.memory.popleft())
            if not self.memory:
                self._notices.again("folder")

    def take_memory(self, lines: int) -> list[bytes]:
        """Return the oldest lines in memory, which stay there until they are forgotten."""
        with self._lock:
            return [self.memory[index] for index in range(min(lines, len(self.memory)))]

    def forget_memory(self, lines: list[bytes]) -> int:
        """Drop lines that were acknowledged; return how many.

        Those that were moved to the file meanwhile are sent again, from there.
        """
        dropped = 0
        with self._lock:
            for line in lines:
                if self.memory and self.memory[0] is line:
                    self.in_memory -= len(self.memory.popleft())
                    dropped += 1
        return dropped

    def measure(self) -> None:
        """Find out how many bytes all streams of the folder use."""
        try:
            found = list_segments(self.folder)
        except OSError:
            return
        self.used = sum(size for segments in found.values() for _, size in segments)

    def writing(self) -> int | None:
        """Return the number of the segment that is being written; None when none is."""
        return self.segment or None

    def close(self) -> tuple[Stream | None, int]:
        """End the stream; return it and ``appended``. It may have lines that were not sent.

        A later append begins another stream.
        """
        with self._lock:
            opened, self._opened = self._opened, None
            stream, self.stream = self.stream, None
            self.segment = 0
            appended = self.appended
        if opened is not None:
            os.close(opened)
        return stream, appended

    def after_fork(self) -> None:
        """Begin a stream of its own in a process that was forked: this one is its parent's."""
        opened, stream = self._opened, self.stream
        self._reset()
        if stream is not None:
            stream.lock.release()
        if opened is not None:
            os.close(opened)

    def _has_room(self, size: int, share: float) -> bool:
        """Return whether there is room by now: other processes empty their streams as well."""
        if time.monotonic() >= self._measure_at:
            self._measure_at = time.monotonic() + _MEASURE_SECONDS
            self.measure()
        return self.used + size <= self.max_bytes * share

    def _refuse(self) -> bool:
        self._notices.count("dropped")
        self._notices.keep(
            "full",
            "the spool %s is full (%d bytes): new records are dropped until the service takes some",
            self.folder,
            self.max_bytes,
        )
        return False

    def _cannot_write(self, error: OSError) -> None:
        self._retry_at = time.monotonic() + _RETRY_SECONDS
        self._notices.count("write_errors")
        self._notices.keep(
            "folder",
            "cannot write to the spool %s (%s): records are in memory, and lost with the process",
            self.folder,
            error,
        )
