"""Appending to the file of events: under a lock, durably, each id once.

Several processes share the file. Whoever has the lock first reads what the others have
appended since, so that it knows the ids of the last REMEMBERED events; then it appends.
Nothing is kept open between two appends: the file may be replaced at any time.
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
from typing import NamedTuple

import msgspec
from filelock import lock_descriptor

from telemetry.persistence import PersistenceUnavailable
from telemetry.runtime_events.events import Created, Event
from telemetry.runtime_events.file.lines import (
    Line,
    line_at,
    read_backwards,
    read_forwards,
    sync_folder,
    write_all,
)
from telemetry.runtime_events.file.stored import decode_line, encode_line
from telemetry.runtime_events.file.takeover import NoDocument, is_document, take_over
from telemetry.time_limits import FILE_LOCK_SECONDS
from telemetry.timestamps import utc_text

# Events whose repetition is recognised.
REMEMBERED = 100_000

LOCK_POLL_SECONDS = 0.001

# So many bytes before the known end tell whether the file is still the one that was read.
FINGERPRINT = 256

logger = logging.getLogger(__name__)


class Locked(PersistenceUnavailable):
    """Another process has the lock of the file."""


class State(NamedTuple):
    """Which file was read, up to where, and the last bytes there."""

    identity: tuple[int, int]
    end: int
    fingerprint: bytes


class Journal:
    """The file of events as one process sees it. Not for two threads at once."""

    def __init__(self, path: Path, cost_per_second: float) -> None:
        self._name = path
        self._cost_per_second = cost_per_second
        self._offsets: OrderedDict[str, int] = OrderedDict()
        self._state: State | None = None
        self.unreadable = 0

    @property
    def _path(self) -> str:
        """Where the name leads now: links are followed, so that all agree on the lock."""
        return os.path.realpath(self._name)

    def append(self, batches: Sequence[Sequence[Event]]) -> list[list[Created]]:
        """Append the events whose id is new; return what became of each event of each batch.

        All of them are durable at the return, also those that were there already: another
        process may have died before it made them so. Raises PersistenceUnavailable, with
        nothing of them in the file.
        """
        with (
            self._locked(FILE_LOCK_SECONDS),
            self._opened(os.O_RDWR | os.O_APPEND | os.O_CREAT) as fd,
        ):
            self._catch_up(fd)
            recorded_at = utc_text(datetime.now(UTC))
            fresh: dict[str, bytes] = {}
            results = [
                [self._classified(fd, event, fresh, recorded_at) for event in batch]
                for batch in batches
            ]
            self._write(fd, fresh)
            return results

    def take_over(self) -> None:
        """Make a file of lines of a document, if that is what there is."""
        with self._locked(FILE_LOCK_SECONDS):
            self._take_over_document()

    def look(self) -> None:
        """Catch up, to know of unreadable lines, without waiting for the lock.

        Raises PersistenceUnavailable, Locked when another process has it.
        """
        with self._locked(0):
            if os.path.exists(self._path):
                with self._opened(os.O_RDONLY) as fd:
                    self._catch_up(fd)

    def _classified(
        self, fd: int, event: Event, fresh: dict[str, bytes], recorded_at: str
    ) -> Created:
        """Say whether the event is new, and if so add its line to ``fresh``."""
        event_id = event["id"]
        created = event_id not in fresh and event_id not in self._offsets
        if created:
            fresh[event_id] = encode_line({**event, "recorded_at": recorded_at})
        line = fresh.get(event_id) or line_at(fd, self._offsets[event_id])
        stored = decode_line(line)
        return Created(msgspec.structs.asdict(stored) if stored else event, created)

    def _write(self, fd: int, lines: dict[str, bytes]) -> None:
        """Append the lines by id, durably; what was written of them goes when that fails."""
        end = os.fstat(fd).st_size
        # A line that lost its end, with its process, must not swallow the next one.
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
        self._note_state(fd, offset)

    def _catch_up(self, fd: int) -> None:
        """Read what was appended since the last time, or the file's last events when it is new."""
        size = os.fstat(fd).st_size
        if self._state is None or self._state != self._state_at(fd, self._state.end):
            self._offsets.clear()
            self.unreadable = 0
            last = [*islice(self._places(read_backwards(fd, size)), REMEMBERED)]
            self._offsets.update(reversed(last))
            sync_folder(self._path)
        elif size > self._state.end:
            for event_id, offset in self._places(read_forwards(fd, self._state.end, size)):
                self._remember(event_id, offset)
        self._note_state(fd, size)

    def _places(self, lines: Iterable[Line]) -> Iterator[tuple[str, int]]:
        """Yield the id and the place of each event, and count the lines that hold none."""
        for line in lines:
            event = decode_line(line.text)
            if event is None:
                self.unreadable += 1
                logger.warning("RUNTIME_EVENTS_PATH: no event at byte %d, skipped", line.offset)
            else:
                yield event.id, line.offset

    def _remember(self, event_id: str, offset: int) -> None:
        self._offsets[event_id] = offset
        if len(self._offsets) > REMEMBERED:
            self._offsets.popitem(last=False)

    def _note_state(self, fd: int, end: int) -> None:
        self._state = self._state_at(fd, end)

    def _state_at(self, fd: int, end: int) -> State:
        found = os.fstat(fd)
        start = max(0, end - FINGERPRINT)
        return State((found.st_dev, found.st_ino), end, os.pread(fd, end - start, start))

    @contextmanager
    def _locked(self, seconds: float) -> Iterator[None]:
        """Keep other processes out; the lock ends with its holder, however that ends."""
        try:
            lock = os.open(f"{self._path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                deadline = time.monotonic() + seconds
                while not lock_descriptor(lock, blocking=False):
                    if time.monotonic() > deadline:
                        raise Locked("RUNTIME_EVENTS_PATH is locked: others write")
                    time.sleep(LOCK_POLL_SECONDS)
                yield
            finally:
                os.close(lock)
        except NoDocument as error:
            raise PersistenceUnavailable(
                f"RUNTIME_EVENTS_PATH holds a document that can't be read: {error}"
            ) from error
        except FileNotFoundError as error:
            raise PersistenceUnavailable("the folder of RUNTIME_EVENTS_PATH is missing") from error
        except OSError as error:
            raise PersistenceUnavailable(
                f"RUNTIME_EVENTS_PATH can't be used: {error.strerror or error}"
            ) from error

    @contextmanager
    def _opened(self, flags: int) -> Iterator[int]:
        """Open the file under the lock: the one that has the name now, and holds lines."""
        self._take_over_document()
        fd = os.open(self._path, flags | os.O_CLOEXEC, 0o644)
        try:
            yield fd
        finally:
            os.close(fd)

    def _take_over_document(self) -> None:
        with suppress(FileNotFoundError), open(self._path, "rb") as file:
            if is_document(file.fileno()):
                logger.warning("RUNTIME_EVENTS_PATH holds a document: taking its events over")
                take_over(self._path, file, self._cost_per_second)
