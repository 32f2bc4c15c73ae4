"""Committing together what arrives together.

A statement that inserts eight records costs little more than one that inserts one: one round
trip, one plan to start, one flush of the log. So while a group is being committed, what
arrives meanwhile gathers, and the next group takes it all. Nobody waits for company: a record
that finds no group in the making is committed at once, alone.

Each record is answered after the commit of its own group. When a group fails for a reason that
may be one record's, each is tried again by itself, so that none suffers for another.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from time import sleep
from typing import Generic, TypeVar

from telemetry.database.database import Row
from telemetry.database.errors import DatabaseUnavailable
from telemetry.database.pool import MAX_WAITING
from telemetry.database.values import Json, Keyed, json_array
from telemetry.time_limits import CONNECT_SECONDS, GROUP_SECONDS

# Of one group: more records, or longer ones, would keep the first waiting for the last.
MAX_RECORDS = 100
MAX_BYTES = 65_536

# The group before may be waiting for a lock, which is not the business of those behind it: then
# they begin another one.
SOON_SECONDS = 0.05


Record = TypeVar("Record")
Outcome = TypeVar("Outcome")


def insert_keyed(
    insert: Callable[[Json], Mapping[str, Row]], records: Sequence[Keyed]
) -> list[Row | None]:
    """Return the row of each record; None when its key was there, or came before in the group.

    ``insert`` takes a JSON array of records that have different keys, and returns by key the
    rows of those that it inserted.
    """
    first: dict[str, Keyed] = {}
    for record in records:
        first.setdefault(record.key, record)
    rows = insert(json_array(first.values()))
    return [rows.get(record.key) if record is first[record.key] else None for record in records]


class GroupCommit(Generic[Record, Outcome]):
    """Passes the records that several threads or greenlets submit to ``commit``, in groups."""

    def __init__(
        self, commit: Callable[[Sequence[Record]], Sequence[Outcome]], *, max_groups: int
    ) -> None:
        """``commit`` writes all the records that it is given or none, and returns the outcomes.

        It has to bear a record again. ``max_groups`` are in the making at the same time.
        """
        self._commit = commit
        self._most_groups = max_groups
        self._lock = Lock()
        self._queue: deque[_Place[Record, Outcome]] = deque()
        self._groups = 0

    def submit(self, record: Record, size: int = 0) -> Outcome:
        """Commit the record, of ``size`` bytes, and return its outcome.

        Raises what ``commit`` raises, and DatabaseUnavailable when its turn does not come
        within CONNECT_SECONDS.
        """
        if size > MAX_BYTES:
            return self._commit([record])[0]
        place: _Place[Record, Outcome] = _Place(record)
        with self._lock:
            if self._groups == 0:
                self._groups = 1
                place.leads = True
            elif len(self._queue) < MAX_WAITING:
                place.wait_in(self._queue)
            else:
                raise DatabaseUnavailable("too many requests wait for the database")
        if not place.leads:
            self._await(place)
        if place.leads:
            self._lead(place)
        if place.alone:
            return self._commit([record])[0]
        if place.error is not None:
            raise place.error
        return place.outcome

    def _await(self, place: "_Place[Record, Outcome]") -> None:
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
        if not place.woken.acquire(timeout=GROUP_SECONDS):
            raise DatabaseUnavailable("the record's group takes too long")

    def _lead(self, leader: "_Place[Record, Outcome]") -> None:
        """Commit the record with those that wait; the next of the queue leads after that."""
        # Lets what has arrived meanwhile, and only lies in the sockets yet, join the group.
        sleep(0)
        with self._lock:
            group = [leader, *self._take(MAX_RECORDS - 1)]
        try:
            self._commit_group(group)
        finally:
            with self._lock:
                follower = self._take(1)
                self._groups -= not follower
            for place in follower:
                place.leads = True
            for place in [*follower, *group[1:]]:
                place.woken.release()

    def _take(self, limit: int) -> "list[_Place[Record, Outcome]]":
        taken = [self._queue.popleft() for _ in range(min(limit, len(self._queue)))]
        for place in taken:
            place.queued = False
        return taken

    def _commit_group(self, group: "list[_Place[Record, Outcome]]") -> None:
        try:
            outcomes = self._commit([place.record for place in group])
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
            for place, outcome in zip(group, outcomes, strict=True):
                place.outcome = outcome


class _Place(Generic[Record, Outcome]):
    """A record's place in the queue, and what became of it."""

    # Without a dictionary: one is made for each record.
    __slots__ = ("alone", "error", "leads", "outcome", "queued", "record", "woken")

    outcome: Outcome
    woken: Lock

    def __init__(self, record: Record) -> None:
        self.record = record
        self.queued = False
        self.leads = False
        self.alone = False
        self.error: Exception | None = None

    def wait_in(self, queue: "deque[_Place[Record, Outcome]]") -> None:
        self.woken = Lock()
        self.woken.acquire()
        queue.append(self)
        self.queued = True
