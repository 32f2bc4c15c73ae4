"""Retention in a web process: one of all workers, on all hosts, prunes once a day.

Each worker has a thread, which gevent makes a greenlet. Now and then it asks the database whether
a pass is due, and the first one to ask begins it (``sql/retention/claim.sql``). When that worker is
killed, its lease ends and another one goes on.

Where runtime events are partitioned, it also adds the partitions of the next days, with a retention
or without one.
"""

import logging
import random
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from threading import Event, Thread

import psycopg

from telemetry.config import Config
from telemetry.failures import Unavailable
from telemetry.persistence import Persistence
from telemetry.retention.kinds import EVENTS, KINDS, Kind
from telemetry.retention.partitions import DAYS_AHEAD, add_ahead, days_ahead, read_partitions
from telemetry.retention.prune import Batches, Pass, reason
from telemetry.retention.store import Failed, RetentionStore
from telemetry.spans import span_text

logger = logging.getLogger(__name__)

# The first question comes soon after the start, so that an operator sees that it works.
FIRST_SECONDS = 2.0
ASK_SECONDS = 300.0

# A batch takes one of the connections that requests use for some 50 ms, then leaves it to them for
# nine times as long.
ROWS = 1000
LONGEST_PAUSE = 5.0

# Of what fails, beside the kinds.
PARTITIONS = "partitions"


class DailyRetention:
    """The thread of a process that serves."""

    def __init__(self, config: Config, persistence: Persistence, store: RetentionStore) -> None:
        self._stale_after = config.stale_after
        self._store = store
        self._ages = [
            (kind, age)
            for kind in KINDS
            if (age := kind.older_than(config)) and kind.refusal(persistence) is None
        ]
        self._has_events = EVENTS.refusal(persistence) is None
        self._stopping = Event()
        for kind in KINDS:
            if kind.older_than(config) and (refusal := kind.refusal(persistence)):
                logger.warning("%s has no effect: %s", kind.variable, refusal)

    def start(self) -> None:
        """Start the thread, when there is something to do. Not before the fork."""
        if self._ages or self._has_events:
            Thread(target=self._loop, name="retention", daemon=True).start()

    def stop(self) -> None:
        """Let the thread end after its current batch, without waiting for it."""
        self._stopping.set()

    def _loop(self) -> None:
        wait = FIRST_SECONDS
        # Workers ask at different moments.
        while not self._stopping.wait(wait * random.uniform(0.5, 1.5)):
            if self._has_events:
                self._add_partitions()
            for kind, age in self._ages:
                self._attempt(kind, age)
            wait = ASK_SECONDS

    def _add_partitions(self) -> None:
        """Add the partitions of the next days. Raises nothing: the next attempt may succeed."""
        transact = self._store.database(EVENTS).transact
        try:
            partitions = read_partitions(transact)
        except (Unavailable, psycopg.Error):
            return  # requests report it, and most deployments have no partitions
        try:
            if partitions and days_ahead(partitions) < DAYS_AHEAD:
                for name in add_ahead(transact, self._stopping.wait):
                    logger.info("Added the partition %s", name)
            self._store.failed.pop(PARTITIONS, None)
        except Exception as error:
            self._report(PARTITIONS, "Adding partitions of runtime events", error)

    def _attempt(self, kind: Kind, age: timedelta) -> None:
        """Prune when it is due. Raises nothing: the next attempt may succeed."""
        work = Pass(self._store.database(kind).transact, kind, age, self._stale_after)
        is_begun = False
        try:
            is_begun = work.claim(is_command=False)
            if is_begun:
                self._prune(work, kind, age)
            self._store.failed.pop(kind.name, None)
        except Exception as error:
            self._report(kind.name, f"Retention of {kind.noun}", error)
            if is_begun:
                with suppress(Unavailable, psycopg.Error):
                    work.end(reason(error), pause=timedelta(seconds=ASK_SECONDS))

    def _prune(self, work: Pass, kind: Kind, age: timedelta) -> None:
        logger.info("Retention deletes %s older than %s", kind.noun, span_text(age))
        is_complete = work.run(Batches(ROWS, _pause, self._stopping.wait))
        work.end(is_complete=is_complete)
        logger.info(
            "Retention deleted %d %s older than %s%s",
            work.deleted,
            kind.noun,
            span_text(age),
            "" if is_complete else ", and stopped before the end",
        )

    def _report(self, name: str, what: str, error: Exception) -> None:
        """Keep a failure for the reports, and log it when it begins, not at every attempt."""
        before, text = self._store.failed.get(name), reason(error)
        self._store.failed[name] = Failed(datetime.now(UTC), text)
        if self._stopping.is_set() or (before and before.reason == text):
            return
        known = isinstance(error, (Unavailable, psycopg.Error))
        message = "%s failed, and is tried again: %s"
        logger.error(message, what, text, exc_info=None if known else error)


def _pause(seconds: float) -> float:
    return min(9 * seconds, LONGEST_PAUSE)
