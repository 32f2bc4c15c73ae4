"""Group commit: records that arrive together share one commit.

To commit eight records costs little more than to commit one: one round trip, one plan to start,
one flush to the disk. So a record that arrives while a group is being committed waits in a
queue, and the next group takes the whole queue. A record that finds no group in progress is
committed at once.

There is no thread for this: the threads (or greenlets) that submit records do the work. One of
them leads. It takes the queue, commits the group and wakes the others; then the first record
that is still queued leads the next group.

When a group fails for a reason that may lie in one of its records, each record is committed
again by itself, so that no record fails because of another.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock
from time import sleep
from typing import Generic, TypeVar

from telemetry.time_limits import CONNECT_SECONDS, GROUP_SECONDS

Record = TypeVar("Record")
Outcome = TypeVar("Outcome")


@dataclass(frozen=True)
class Limits:
    """How many groups, how large they get, and how long a record waits."""

    groups: int
    """Groups in progress at the same time."""

    records: int = 100
    """Records in one group: with more, the first would wait long for the last."""

    record_bytes: int = 65_536
    """A larger record does not join a group: it would hold up the others."""

    waiting: int = 1000
    """Records in the queue; one more is refused."""

    join_seconds: float = 0.0
    """How long a leader waits for others to join its group."""

    overtake_seconds: float = 0.05
    """A group that takes longer is probably waiting for a lock; the next one starts beside it."""

    turn_seconds: float = CONNECT_SECONDS
    """How long a record waits in the queue after overtake_seconds."""


class GroupCommit(Generic[Record, Outcome]):
    """Commits the records that several threads or greenlets submit, in groups."""

    def __init__(
        self,
        commit: Callable[[Sequence[Record]], Sequence[Outcome]],
        limits: Limits,
        *,
        unavailable: type[Exception],
        observe: Callable[[int], None] = lambda _: None,
    ) -> None:
        """Take the function that commits a group.

        ``commit`` writes all its records or none, and returns the outcome of each, in order.
        It must be idempotent: a record may be passed to it twice. It raises ``unavailable``
        when no record can be written at the moment. ``observe`` is called with the size of each
        group that is committed.
        """
        self._commit = commit
        self._limits = limits
        self._unavailable = unavailable
        self._observe = observe
        self._lock = Lock()  # guards the queue and the number of groups
        self._queue: deque[_Submission[Record, Outcome]] = deque()
        self._groups = 0

    @property
    def waiting(self) -> int:
        """How many records are in the queue."""
        return len(self._queue)

    def submit(self, record: Record, size: int = 0) -> Outcome:
        """Commit the record, of ``size`` bytes, and return its outcome.

        Raises what ``commit`` raises, and ``unavailable`` when too many records wait, or this
        one waits too long.
        """
        if size > self._limits.record_bytes:
            return self._commit_alone(record)
        mine: _Submission[Record, Outcome] = _Submission(record)
        with self._lock:
            if self._groups == 0:
                self._groups = 1
                mine.leads = True
            elif self.waiting < self._limits.waiting:
                mine.join(self._queue)
            else:
                raise self._unavailable("too many requests are waiting to write")
        if not mine.leads:
            self._wait(mine)
        if mine.leads:
            self._lead(mine)
        if mine.retries_alone:
            return self._commit_alone(record)
        if mine.error is not None:
            raise mine.error
        return mine.outcome

    def _wait(self, mine: "_Submission[Record, Outcome]") -> None:
        """Wait until the record is committed, or until it leads a group."""
        if mine.is_woken_within(self._limits.overtake_seconds) or self._starts_another_group(mine):
            return
        if mine.is_woken_within(self._limits.turn_seconds):
            return
        with self._lock:
            if mine.queued:
                self._queue.remove(mine)
                raise self._unavailable("the requests before this one take too long")
        if not mine.is_woken_within(GROUP_SECONDS):
            raise self._unavailable("the group of this request takes too long")

    def _starts_another_group(self, mine: "_Submission[Record, Outcome]") -> bool:
        with self._lock:
            if not mine.queued or self._groups == self._limits.groups:
                return False
            self._groups += 1
            self._queue.remove(mine)
            mine.queued, mine.leads = False, True
            return True

    def _lead(self, mine: "_Submission[Record, Outcome]") -> None:
        """Commit the record together with those in the queue, then pass the lead on."""
        group = [mine]
        try:
            # Even sleep(0) lets other greenlets run, read a request and join this group.
            sleep(self._limits.join_seconds)
            with self._lock:
                group += self._take_from_queue(self._limits.records - 1)
            self._commit_group(group)
        finally:
            with self._lock:
                next_leader = self._take_from_queue(1)
                if not next_leader:
                    self._groups -= 1
            for submission in next_leader:
                submission.leads = True
            for submission in [*next_leader, *group[1:]]:
                submission.wake()

    def _take_from_queue(self, limit: int) -> "list[_Submission[Record, Outcome]]":
        taken = [self._queue.popleft() for _ in range(min(limit, len(self._queue)))]
        for submission in taken:
            submission.queued = False
        return taken

    def _commit_alone(self, record: Record) -> Outcome:
        outcome = self._commit([record])[0]
        self._observe(1)
        return outcome

    def _commit_group(self, group: "list[_Submission[Record, Outcome]]") -> None:
        try:
            outcomes = self._commit([submission.record for submission in group])
        except self._unavailable as error:
            for submission in group:
                submission.error = error
        except Exception as error:
            for submission in group:
                submission.error, submission.retries_alone = error, len(group) > 1
        except BaseException:
            for submission in group:
                submission.error = self._unavailable("the process is ending")
            raise
        else:
            self._observe(len(group))
            for submission, outcome in zip(group, outcomes, strict=True):
                submission.outcome = outcome


class _Submission(Generic[Record, Outcome]):
    """A record, where it stands, and its outcome once it is committed."""

    # One per record, so it has no __dict__, and gets a lock only when it waits.
    __slots__ = ("_asleep", "error", "leads", "outcome", "queued", "record", "retries_alone")

    outcome: Outcome
    _asleep: Lock

    def __init__(self, record: Record) -> None:
        self.record = record
        self.queued = False
        self.leads = False
        self.retries_alone = False
        self.error: Exception | None = None

    def join(self, queue: "deque[_Submission[Record, Outcome]]") -> None:
        """Stand at the end of the queue, to be woken by the leader of a group."""
        self._asleep = Lock()
        self._asleep.acquire()
        queue.append(self)
        self.queued = True

    def is_woken_within(self, seconds: float) -> bool:
        return self._asleep.acquire(timeout=seconds)

    def wake(self) -> None:
        self._asleep.release()
