"""Appending to the file of events: under a lock, durably, each recent id once.

Several processes share the file. A process that takes the lock first reads what the others
appended since its last turn, so that it knows the ids of the last REMEMBERED events. Then it
appends. No file stays open between two appends: the file may be replaced at any time.
"""

import logging
import os
import time
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import NamedTuple

from filelock import lock_descriptor

from telemetry.files import sync_folder
from telemetry.runtime_events.events import Created, Event
from telemetry.runtime_events.file.document import BadDocument, convert_document, is_document
from telemetry.runtime_events.file.errors import EventsFileUnavailable
from telemetry.runtime_events.file.lines import (
    Line,
    line_at,
    read_backwards,
    read_forwards,
    write_all,
)
from telemetry.runtime_events.file.stored import as_event, decode_line, encode_line
from telemetry.time_limits import FILE_LOCK_SECONDS
from telemetry.timestamps import utc_text

# An event is recognised as a duplicate when its id is among this many last ones.
REMEMBERED = 100_000

LOCK_POLL_SECONDS = 0.001

# Bytes compared to find out whether the file is still the one that was read.
FINGERPRINT = 256

logger = logging.getLogger(__name__)


class Locked(EventsFileUnavailable):
    """Another process has the lock of the file."""


class Bookmark(NamedTuple):
    """Where reading stopped: in which file, at which byte, and the last bytes before it."""

    identity: tuple[int, int]
    end: int
    fingerprint: bytes


class Journal:
    """The file of events as one process sees it."""

    def __init__(self, path: Path, cost_per_second: float) -> None:
        self._name = path
        self._cost_per_second = cost_per_second
        # The file's lock keeps other processes out; this one keeps other threads out.
        self._turn = Lock()
        self._offsets: OrderedDict[str, int] = OrderedDict()
        self._bookmark: Bookmark | None = None
        self._unreadable = 0

    @property
    def _path(self) -> str:
        """The file behind any links, so that all processes use one lock."""
        return os.path.realpath(self._name)

    def append(self, batches: Sequence[Sequence[Event]]) -> list[list[Created]]:
        """Append the events whose id is new; return the outcome of each event of each batch.

        All of them are durable when this returns. Events that were in the file before are
        synced too: the process that appended them may have died before it synced them. Raises
        EventsFileUnavailable; then the file is as it was before.
        """
        with (
            self._turn,
            self._locked(FILE_LOCK_SECONDS),
            self._opened(os.O_RDWR | os.O_APPEND | os.O_CREAT) as fd,
        ):
            self._catch_up(fd)
            recorded_at = utc_text(datetime.now(UTC))
            new_lines: dict[str, bytes] = {}
            results = [
                [self._add(event, recorded_at, new_lines, fd) for event in batch]
                for batch in batches
            ]
            self._write(fd, new_lines)
            return results

    def convert_document(self) -> None:
        """Convert a document into lines, if the file holds one. Raises EventsFileUnavailable."""
        with self._turn, self._locked(FILE_LOCK_SECONDS):
            self._convert_document()

    def durable_size(self, fd: int) -> int:
        """Return the size of the open file at a moment when no one appends to it.

        Nothing before this end is removed later, as lines are whose sync has failed. Raises
        EventsFileUnavailable.
        """
        with self._turn, self._locked(FILE_LOCK_SECONDS):
            return os.fstat(fd).st_size

    def unreadable_lines(self) -> int | None:
        """Return how many lines hold no event, or None when the file can't be used.

        Never waits. While someone appends, it returns the number known before.
        """
        if self._turn.acquire(blocking=False):
            try:
                with self._locked(0):
                    if os.path.exists(self._path):
                        with self._opened(os.O_RDONLY) as fd:
                            self._catch_up(fd)
            except Locked:
                pass
            except EventsFileUnavailable:
                return None
            finally:
                self._turn.release()
        return self._unreadable

    def _add(self, event: Event, recorded_at: str, new_lines: dict[str, bytes], fd: int) -> Created:
        """Add the event's line to ``new_lines`` when its id is new; return the stored event."""
        event_id = event["id"]
        created = event_id not in new_lines and event_id not in self._offsets
        if created:
            new_lines[event_id] = encode_line({**event, "recorded_at": recorded_at})
        line = new_lines.get(event_id) or line_at(fd, self._offsets[event_id])
        stored = decode_line(line)
        return Created(as_event(stored) if stored else event, created)

    def _write(self, fd: int, lines: dict[str, bytes]) -> None:
        """Append the lines (by id) and sync them. Remove them when that fails."""
        end = os.fstat(fd).st_size
        # A process that died may have left a line without its end: start a new line.
        start = b"\n" if lines and end and os.pread(fd, 1, end - 1) != b"\n" else b""
        try:
            write_all(fd, start + b"".join(lines.values()))
            os.fsync(fd)
        except BaseException:
            with suppress(OSError):
                os.ftruncate(fd, end)
            raise
        offset = end + len(start)
        for event_id, line in lines.items():
            self._remember(event_id, offset)
            offset += len(line)
        self._bookmark = self._bookmark_at(fd, offset)

    def _catch_up(self, fd: int) -> None:
        """Read the lines after the bookmark; of a replaced file, the last REMEMBERED events."""
        size = os.fstat(fd).st_size
        if self._bookmark is None or self._bookmark != self._bookmark_at(fd, self._bookmark.end):
            self._offsets.clear()
            self._unreadable = 0
            last = [*islice(self._ids(read_backwards(fd, size)), REMEMBERED)]
            self._offsets.update(reversed(last))
            sync_folder(Path(self._path).parent)
        elif size > self._bookmark.end:
            for event_id, offset in self._ids(read_forwards(fd, self._bookmark.end, size)):
                self._remember(event_id, offset)
        self._bookmark = self._bookmark_at(fd, size)

    def _ids(self, lines: Iterable[Line]) -> Iterator[tuple[str, int]]:
        """Yield the id and the offset of each event, and count the lines that hold none."""
        for line in lines:
            event = decode_line(line.text)
            if event is None:
                self._unreadable += 1
                logger.warning("RUNTIME_EVENTS_PATH: no event at byte %d, skipped", line.offset)
            else:
                yield event.id, line.offset

    def _remember(self, event_id: str, offset: int) -> None:
        self._offsets[event_id] = offset
        if len(self._offsets) > REMEMBERED:
            self._offsets.popitem(last=False)

    @staticmethod
    def _bookmark_at(fd: int, end: int) -> Bookmark:
        found = os.fstat(fd)
        start = max(0, end - FINGERPRINT)
        return Bookmark((found.st_dev, found.st_ino), end, os.pread(fd, end - start, start))

    @contextmanager
    def _locked(self, seconds: float) -> Iterator[None]:
        """Keep other processes out. The lock ends with its process, even if that is killed."""
        try:
            lock = os.open(f"{self._path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                deadline = time.monotonic() + seconds
                while not lock_descriptor(lock, blocking=False):
                    if time.monotonic() > deadline:
                        raise Locked("RUNTIME_EVENTS_PATH is locked by another process")
                    time.sleep(LOCK_POLL_SECONDS)
                yield
            finally:
                os.close(lock)
        except BadDocument as error:
            raise EventsFileUnavailable(
                f"RUNTIME_EVENTS_PATH holds a document that can't be read: {error}"
            ) from error
        except FileNotFoundError as error:
            raise EventsFileUnavailable("the folder of RUNTIME_EVENTS_PATH is missing") from error
        except OSError as error:
            raise EventsFileUnavailable(
                f"RUNTIME_EVENTS_PATH can't be used: {error.strerror or error}"
            ) from error

    @contextmanager
    def _opened(self, flags: int) -> Iterator[int]:
        """Open the file, after converting a document in it. The caller holds the lock."""
        self._convert_document()
        fd = os.open(self._path, flags | os.O_CLOEXEC, 0o644)
        try:
            yield fd
        finally:
            os.close(fd)

    def _convert_document(self) -> None:
        with suppress(FileNotFoundError), open(self._path, "rb") as file:
            if is_document(file.fileno()):
                logger.warning("RUNTIME_EVENTS_PATH holds a document: converting it into lines")
                convert_document(self._path, file, self._cost_per_second)
