"""Committing together what arrives together.

A statement that inserts eight records costs little more than one that inserts one: one round
trip, one plan to start, one flush of the log. So while a group is being committed, what
arrives meanwhile gathers, and the next group takes it all. Nobody waits for company: a record
that finds no group in the making is committed at once, alone.

Each record is answered after the commit of its own group. When a group fails for a reason that
may be one record's, each is tried again by itself, so that none suffers for another.
"""

from collections import deque
from collections.abc import Callable, Mapping
from threading import Lock

from telemetry.connection_pool import CONNECT_SECONDS, MAX_WAITING
from telemetry.database import ANSWER_SECONDS, DatabaseUnavailable, Row

# Of one group: more records, or longer ones, would keep the first waiting for the last.
MOST_RECORDS = 100
MOST_CHARACTERS = 65_536

# The group before may be waiting for a lock, which is not the business of those behind it: then
# they begin another one.
SOON_SECONDS = 0.05

# Longer than a group can take that has got its connection at the last moment.
PATIENCE_SECONDS = 2 * (CONNECT_SECONDS + ANSWER_SECONDS)


class GroupCommit:
    """Passes the records that several threads or greenlets submit to ``insert``, in groups."""

    def __init__(self, insert: Callable[[str], Mapping[str, Row]], *, most_groups: int) -> None:
        """``insert`` takes a JSON array of records that have different keys.

        It inserts those that are not there, all of them or none, and returns what it inserted
        by key. ``most_groups`` are in the making at the same time.
        """
        self._insert = insert
        self._most_groups = most_groups
        self._lock = Lock()
        self._queue: deque[_Place] = deque()
        self._groups = 0

    def submit(self, key: str, record: str) -> Row | None:
        """Insert the record, a JSON object; return its row, or None when its key was there.

        Raises what ``insert`` raises, and DatabaseUnavailable when its turn does not come
        within CONNECT_SECONDS.
        """
        if len(record) > MOST_CHARACTERS:
            return self._insert(f"[{record}]").get(key)
        place = _Place(key, record)
        with self._lock:
            if self._groups == 0:
                self._groups = 1
                place.leads = True
            elif len(self._queue) < MAX_WAITING:
                self._queue.append(place)
                place.queued = True
            else:
                raise DatabaseUnavailable("too many requests wait for the database")
        if not place.leads:
            self._await(place)
        if place.leads:
            self._lead(place)
        if place.alone:
            return self._insert(f"[{record}]").get(key)
        if place.error is not None:
            raise place.error
        return place.row

    def _await(self, place: "_Place") -> None:
        """Wait for what became of the record, or for its turn to lead a group."""
        if place.woken.acquire(timeout=SOON_SECONDS):
            return
        with self._lock:
            if place.queued and self._groups < self._most_groups:
                self._groups += 1
                self._queue.remove(place)
                place.queued, place.leads = False, True
                return
        if place.woken.acquire(timeout=CONNECT_SECONDS):
            return
        with self._lock:
            if place.queued:
                self._queue.remove(place)
                raise DatabaseUnavailable("the records before this one take too long")
        if not place.woken.acquire(timeout=PATIENCE_SECONDS):
            raise DatabaseUnavailable("the record's group takes too long")

    def _lead(self, leader: "_Place") -> None:
        """Commit the record with those that wait; the next of the queue leads after that."""
        with self._lock:
            group = [leader, *self._take(MOST_RECORDS - 1)]
        try:
            self._insert_group(group)
        finally:
            with self._lock:
                follower = self._take(1)
                self._groups -= not follower
            for place in follower:
                place.leads = True
            for place in [*follower, *group[1:]]:
                place.woken.release()

    def _take(self, most: int) -> "list[_Place]":
        taken = [self._queue.popleft() for _ in range(min(most, len(self._queue)))]
        for place in taken:
            place.queued = False
        return taken

    def _insert_group(self, group: "list[_Place]") -> None:
        first: dict[str, _Place] = {}
        for place in group:
            first.setdefault(place.key, place)
        records = ",".join(place.record for place in first.values())
        try:
            rows = self._insert(f"[{records}]")
        except DatabaseUnavailable as error:
            for place in group:
                place.error = error
        except Exception as error:
            for place in group:
                place.error, place.alone = error, len(group) > 1
        except BaseException:
            for place in group:
                place.error = DatabaseUnavailable("the process is ending")
            raise
        else:
            for key, place in first.items():
                place.row = rows.get(key)


class _Place:
    """A record's place in the queue, and what became of it."""

    __slots__ = ("alone", "error", "key", "leads", "queued", "record", "row", "woken")

    def __init__(self, key: str, record: str) -> None:
        self.key = key
        self.record = record
        self.queued = False
        self.leads = False
        self.alone = False
        self.error: Exception | None = None
        self.row: Row | None = None
        self.woken = Lock()
        self.woken.acquire()
