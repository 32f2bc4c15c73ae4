"""The feed of the events file: the cursor is a position in the file."""

import hashlib
import os
import time

from telemetry.database.lanes import FeedPage, Follower, Position
from telemetry.paging import MAX_PAGE_BYTES
from telemetry.runtime_events.events import Event
from telemetry.runtime_events.file.lines import line_start, read_forwards
from telemetry.runtime_events.file.stored import as_event, decode_line
from telemetry.time_limits import FILE_READ_SECONDS

# Bytes before a position that show whether the file is still the one that the follower has read.
FINGERPRINT = 256

NO_FILE = Position((0,), mark="")


def read_feed(fd: int | None, end: int, follower: Follower) -> FeedPage:
    """Return the page that a follower asks for, of the lines before ``end``.

    ``fd`` is None without a file. A position is an offset, and as its mark the fingerprint of the
    bytes before it. In a file with another fingerprint there, the page begins with the first line.
    Lines without an event are skipped. A last line without its end waits for a later page.
    """
    if fd is None:
        return FeedPage([], NO_FILE, has_more=False)
    if follower.now:
        return FeedPage([], _position_at(fd, line_start(fd, end)), has_more=False)
    start = follower.position.numbers[0] if follower.position else 0
    if start > end or follower.position not in (None, _position_at(fd, start)):
        start = 0
    deadline = time.monotonic() + FILE_READ_SECONDS
    events: list[Event] = []
    reached, size, more = start, 0, False
    for line in read_forwards(fd, start, end):
        after = line.offset + len(line.text) + 1
        if after > end:
            break
        event = decode_line(line.text)
        size += len(line.text)
        is_full = len(events) == follower.limit or (events and size > MAX_PAGE_BYTES)
        more = time.monotonic() > deadline or bool(event and is_full)
        if more:
            break
        if event:
            events.append(as_event(event))
        reached = after
    return FeedPage(events, _position_at(fd, reached), more)


def _position_at(fd: int, offset: int) -> Position:
    start = max(0, offset - FINGERPRINT)
    before = os.pread(fd, offset - start, start)
    return Position((offset,), hashlib.sha256(before).hexdigest()[:16])
