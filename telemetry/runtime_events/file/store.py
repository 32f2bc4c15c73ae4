"""Runtime events in a file of JSON Lines, where no database is configured."""

import hashlib
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from itertools import chain, groupby, islice
from pathlib import Path
from typing import Any, BinaryIO

from telemetry.counters import GROUPS
from telemetry.database.lanes import FeedPage, Follower
from telemetry.group_commit import GroupCommit, Limits
from telemetry.paging import take_page
from telemetry.runtime_events.events import (
    BatchCreated,
    Created,
    Event,
    Filters,
    Listed,
    ListEnd,
)
from telemetry.runtime_events.file.document import is_document
from telemetry.runtime_events.file.errors import EventsFileUnavailable
from telemetry.runtime_events.file.feed import read_feed
from telemetry.runtime_events.file.journal import Journal
from telemetry.runtime_events.file.lines import Line, read_backwards
from telemetry.runtime_events.file.stored import StoredEvent, as_event, decode_line
from telemetry.runtime_events.file.summary import endpoints_summary, ideas_summary
from telemetry.time_limits import FILE_READ_SECONDS
from telemetry.timestamps import utc_text

# Reads go back this much further than their window, because a clock may have been set back: then
# later times come before earlier ones in the file.
CLOCK_SLACK = timedelta(seconds=60)

NEVER = datetime.max.replace(tzinfo=UTC)

# One lock and one sync for all requests that wait. The pause lets others join, and gives other
# processes their turn at the lock.
LIMITS = Limits(groups=1, records=1000, join_seconds=0.001)


class FileEvents:
    """A RuntimeEventStore over one file, which other processes use too.

    Every method raises EventsFileUnavailable when the file can't be used. The newest event is
    the last in the file.
    """

    feed_name = "runtime-events-file"
    feed_numbers = 1

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

    def list(
        self, filters: Filters, *, limit: int, offset: int = 0, after: ListEnd | None = None
    ) -> Listed:
        """Return a page of events, newest first; events of one moment are sorted by id.

        ``after`` also says where that moment ends in the file: events appended since are behind it.
        """
        since = filters.since or datetime.min.replace(tzinfo=UTC)
        found = (
            (line, event)
            for line, event in self._back_to(since, after.offset if after else None)
            if filters.source in (None, event.source)
            and event.endpoint.startswith(filters.endpoint_prefix or "")
        )
        in_order = chain.from_iterable(
            _of_one_moment(lines, after) for _, lines in groupby(found, key=_recorded_at)
        )
        ends: list[ListEnd] = []

        def page_events() -> Iterator[Event]:
            for end, event in islice(in_order, offset, None):
                ends.append(ListEnd(event.recorded_at, event.id, end))
                yield as_event(event)

        page = take_page(page_events(), limit)
        return Listed(page.rows, ends[len(page.rows) - 1] if page.has_more else None)

    def feed(self, follower: Follower) -> FeedPage:
        """Return the page that a follower asks for, oldest first."""
        with self._opened() as fd:
            end = 0 if fd is None else self._journal.durable_size(fd)
            return read_feed(fd, end, follower)

    def summary(self, *, seconds: int, source: str | None, limit: int) -> Sequence[dict[str, Any]]:
        """Return the totals of each endpoint."""
        recent = self._recent(seconds)
        return endpoints_summary((it for it in recent if source in (None, it.source)), limit)

    def ideas_summary(self, *, seconds: int, limit: int, offset: int) -> Sequence[dict[str, Any]]:
        """Return a page of the totals of each idea."""
        return ideas_summary(self._recent(seconds), limit=limit, offset=offset)

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

    def between(self, start: datetime, until: datetime = NEVER) -> Iterator[StoredEvent]:
        """Yield the events recorded from ``start`` on and before ``until``, newest first.

        None is from the future.
        """
        last, end = utc_text(datetime.now(UTC)), utc_text(until)
        for _, event in self._back_to(start):
            if event.recorded_at <= last and event.recorded_at < end:
                yield event

    def _recent(self, seconds: int) -> Iterator[StoredEvent]:
        return self.between(datetime.now(UTC) - timedelta(seconds=seconds))

    def _back_to(
        self, since: datetime, end: int | None = None
    ) -> Iterator[tuple[Line, StoredEvent]]:
        """Yield the lines of the events recorded since then, newest first."""
        first, stop = utc_text(since), _before(since)
        for line, event in self._read_backwards(end):
            if event.recorded_at < stop:
                return
            if event.recorded_at >= first:
                yield line, event

    def _read_backwards(self, end: int | None = None) -> Iterator[tuple[Line, StoredEvent]]:
        """Yield each line before ``end`` that holds an event, and the event, the last one first."""
        deadline = time.monotonic() + FILE_READ_SECONDS
        with self._opened() as fd:
            if fd is None:
                return
            size = os.fstat(fd).st_size
            for line in read_backwards(fd, size if end is None else min(end, size)):
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


def _recorded_at(found: tuple[Line, StoredEvent]) -> str:
    return found[1].recorded_at


def _of_one_moment(
    found: Iterable[tuple[Line, StoredEvent]], after: ListEnd | None
) -> list[tuple[int, StoredEvent]]:
    """Return the events of a moment by id, descending, each with the end of the moment's lines."""
    lines = [*found]
    newest = lines[0][0]
    end = newest.offset + len(newest.text)
    return [
        (end, event)
        for _, event in sorted(lines, key=lambda it: it[1].id, reverse=True)
        if after is None
        or (event.recorded_at, end) != (after.recorded_at, after.offset)
        or event.id < after.id
    ]


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
