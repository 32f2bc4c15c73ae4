"""All streams that this process sends: its own, and those of dead processes."""

from __future__ import annotations

import random
import time
from typing import NamedTuple

from telemetry.client.notices import Notices
from telemetry.client.spool.reader import Chunk, Reader
from telemetry.client.spool.segments import abandoned
from telemetry.client.spool.writer import Spool

MAX_LINES = 2000
MAX_BYTES = 2 * 1024 * 1024
SCAN_SECONDS = 30.0
# Each stream that was taken over has a file open.
_MAX_ADOPTED = 50


class Lines(NamedTuple):
    """Lines to send together: of streams, and of memory."""

    chunks: list[tuple[Reader, Chunk]]
    memory: list[bytes]

    def all(self) -> list[bytes]:
        """Return the lines, without line feeds."""
        lines = [line for _, chunk in self.chunks for line in chunk.lines]
        return lines + [line[:-1] for line in self.memory]


class Streams:
    """Reads lines of several streams, and remembers which were acknowledged. Used by one thread."""

    def __init__(self, spool: Spool, notices: Notices) -> None:
        self._spool, self._notices = spool, notices
        self._reset()

    def _reset(self) -> None:
        self._own: Reader | None = None
        self._adopted: list[Reader] = []
        self.scan_at = 0.0

    @property
    def adopted(self) -> bool:
        """Whether there may be lines of dead processes."""
        return bool(self._adopted)

    def next(self) -> Lines | None:
        """Return lines to send; None when nothing is left to send now. Raises OSError."""
        self._scan()
        if self._own is None and self._spool.stream is not None:
            spool = self._spool
            assert spool.stream is not None
            self._own = Reader(spool.stream, self._notices, self._freed, spool.writing)
        found = Lines([], [])
        if self._own is not None:
            self._add(found, self._own, MAX_LINES // 2 if self._adopted else MAX_LINES)
        if not found.chunks:  # what is in memory is newer than what is in the file
            found.memory.extend(self._spool.take_memory(MAX_LINES))
        left = MAX_LINES - sum(len(chunk.lines) for _, chunk in found.chunks) - len(found.memory)
        size = sum(len(line) for line in found.all())
        for reader in [*self._adopted]:
            if left <= 0 or size >= MAX_BYTES:
                break
            try:
                chunk = self._add(found, reader, left)
                if chunk is None:
                    self._adopted.remove(reader)
                    reader.finish()
                else:
                    left -= len(chunk.lines)
                    size += sum(map(len, chunk.lines))
            except OSError as error:
                self._leave_for_later(reader, error)
        return found if found.chunks or found.memory else None

    def acknowledge(self, lines: Lines) -> int:
        """Remember that the lines need not be sent again; return how many were this process's."""
        own = self._spool.forget_memory(lines.memory)
        for reader, chunk in lines.chunks:
            reader.acknowledge(chunk)
            if reader is self._own:
                own += len(chunk.lines)
        return own

    def leave(self, unsent: Lines | None) -> int:
        """Release every stream, and delete those of which nothing is left.

        Return how many lines this process has appended by then.
        """
        self._spool.empty_memory()
        stream, appended = self._spool.close()
        if self._own is None and stream is not None:
            self._own = Reader(stream, self._notices, self._freed)
        busy = [reader for reader, _ in unsent.chunks] if unsent else []
        for reader in [*self._adopted, *([self._own] if self._own else [])]:
            _leave(reader, unsent=reader in busy)
        self._reset()
        return appended

    def after_fork(self) -> None:
        """Let go of the streams of the parent process: closing them here releases no lock."""
        own, adopted = self._own, self._adopted
        self._reset()
        for reader in adopted:
            reader.release()
        if own is not None:
            own.close()

    def _add(self, found: Lines, reader: Reader, most: int) -> Chunk | None:
        chunk = reader.next(most)
        if chunk is not None:
            found.chunks.append((reader, chunk))
        return chunk

    def _leave_for_later(self, reader: Reader, error: OSError) -> None:
        """Release a stream that cannot be read: it blocks no other."""
        self._notices.warn("stream", "%s cannot be read: %s", reader.stream.name, error)
        if reader in self._adopted:
            self._adopted.remove(reader)
        reader.release()

    def _freed(self, size: int) -> None:
        self._spool.used -= size

    def _scan(self) -> None:
        """Take over the streams of dead processes, from time to time."""
        now = time.monotonic()
        if now < self.scan_at or len(self._adopted) >= _MAX_ADOPTED:
            return
        self.scan_at = now + SCAN_SECONDS * random.uniform(0.8, 1.2)
        try:
            for stream in abandoned(self._spool.folder):
                self._adopted.append(Reader(stream, self._notices, self._freed))
                self._notices.count("taken_over")
                if len(self._adopted) >= _MAX_ADOPTED:
                    self.scan_at = now  # there may be more of them
                    break
        except OSError:
            return  # there is no folder
        self._spool.measure()


def _leave(reader: Reader, *, unsent: bool) -> None:
    try:
        if not unsent and reader.next(1) is None:
            reader.finish()
            return
    except OSError:
        pass
    reader.release()
