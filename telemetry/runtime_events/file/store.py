"""Runtime events in a file of JSON Lines, where no database is configured."""

import hashlib
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from itertools import chain, groupby, islice
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from telemetry.counters import GROUPS
from telemetry.group_commit import GroupCommit, Limits
from telemetry.runtime_events.events import (
    BatchCreated,
    Created,
    Event,
    Filters,
)
from telemetry.runtime_events.file.document import is_document
from telemetry.runtime_events.file.errors import EventsFileUnavailable
from telemetry.runtime_events.file.journal import Journal
from telemetry.runtime_events.file.lines import Line, read_backwards
from telemetry.runtime_events.file.stored import StoredEvent, decode_line
from telemetry.runtime_events.file.summary import Summary
from telemetry.time_limits import FILE_READ_SECONDS
from telemetry.timestamps import utc_text

# Reads go back this much further than their window, because a clock may have been set back: then
# later times come before earlier ones in the file.
CLOCK_SLACK = timedelta(seconds=60)

# One lock and one sync for all requests that wait. The pause lets others join, and gives other
# processes their turn at the lock.
LIMITS = Limits(groups=1, records=1000, join_seconds=0.001)


class FileEvents:
    """A RuntimeEventStore over one file, which other processes use too.

    Every method raises EventsFileUnavailable when the file can't be used. The newest event is
    the last in the file.
    """

    def __init__(self, path: Path, cost_per_second: float) -> None:
        self._path = path
        self._journal = Journal(path, cost_per_second)
        self._group_commit = GroupCommit(
            self._journal.append,
            LIMITS,
            unavailable=EventsFileUnavailable,
            observe=GROUPS.observer("runtime_events"),
        )

    def create(self, event: Event) -> Created:
        """Append the event unless its id is one of those remembered."""
        return self._group_commit.submit([event])[0]

    def create_batch(self, events: Mapping[int, Event]) -> BatchCreated:
        """Append the new events, all or none."""
        first = {event["id"]: index for index, event in reversed([*events.items()])}
        results = self._group_commit.submit([events[index] for index in sorted(first.values())])
        inserted = sum(result.created for result in results)
        return BatchCreated(inserted, len(events) - inserted, {})

    def list(self, filters: Filters, *, limit: int, offset: int) -> Sequence[Event]:
        """Return a page of events, newest first; events of one moment are sorted by id."""
        since = filters.since or datetime.min.replace(tzinfo=UTC)
        found = (
            event
            for event in self._back_to(since)
            if filters.source in (None, event.source)
            and event.endpoint.startswith(filters.endpoint_prefix or "")
        )
        moments = groupby(found, key=lambda event: event.recorded_at)
        in_order = chain.from_iterable(
            sorted(events, key=lambda event: event.id, reverse=True) for _, events in moments
        )
        return [msgspec.structs.asdict(it) for it in islice(islice(in_order, offset, None), limit)]

    def summary(self, *, seconds: int, source: str | None, limit: int) -> Sequence[dict[str, Any]]:
        """Return the totals of each endpoint."""
        summary = Summary()
        for event in self._back_to(datetime.now(UTC) - timedelta(seconds=seconds)):
            if source in (None, event.source):
                summary.add(event)
        return summary.endpoints(limit)

    def change_token(self) -> str:
        """Return a hash of the last event in the file and of its offset."""
        for line, _ in self._read_backwards():
            return hashlib.sha256(b"%d %s" % line).hexdigest()[:32]
        return hashlib.sha256(b"").hexdigest()[:32]

    def unreadable_lines(self) -> int | None:
        """Return how many lines hold no event, as far as this process has read.

        None when the file can't be used.
        """
        return self._journal.unreadable_lines()

    def _back_to(self, since: datetime) -> Iterator[StoredEvent]:
        """Yield the events recorded since then, newest first."""
        first, stop = utc_text(since), _before(since)
        for _, event in self._read_backwards():
            if event.recorded_at < stop:
                return
            if event.recorded_at >= first:
                yield event

    def _read_backwards(self) -> Iterator[tuple[Line, StoredEvent]]:
        """Yield each line that holds an event, with the event; the last line comes first."""
        deadline = time.monotonic() + FILE_READ_SECONDS
        with self._opened() as fd:
            for line in read_backwards(fd, os.fstat(fd).st_size) if fd is not None else ():
                if time.monotonic() > deadline:
                    raise EventsFileUnavailable("RUNTIME_EVENTS_PATH is too large to read")
                if event := decode_line(line.text):
                    yield line, event

    @contextmanager
    def _opened(self) -> Iterator[int | None]:
        """Open the file of lines for reading. Yields None while the file does not exist."""
        try:
            with _open(self._path) as file:
                if file is None or not is_document(file.fileno()):
                    yield file.fileno() if file else None
                    return
            self._journal.convert_document()
            with _open(self._path) as file:
                yield file.fileno() if file else None
        except OSError as error:
            raise EventsFileUnavailable(
                f"RUNTIME_EVENTS_PATH can't be read: {error.strerror or error}"
            ) from error


def _open(path: Path) -> AbstractContextManager[BinaryIO | None]:
    try:
        return path.open("rb", buffering=0)
    except FileNotFoundError:
        if path.parent.is_dir():
            return nullcontext()
        raise


def _before(since: datetime) -> str:
    try:
        return utc_text(since - CLOCK_SLACK)
    except OverflowError:
        return ""
