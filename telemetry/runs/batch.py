"""Storing the runs of a batch, which may report a run several times.

The transaction has two stages: it inserts the new runs, then settles the others. No batch waits
in its first stage for a lock that another one takes in its second. In each stage the locks are
taken in the order of event_id. So two batches never deadlock.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from operator import attrgetter
from typing import NamedTuple

from telemetry.database.batch_insert import Refusal, WriteParts, copy_new, transact_in_parts
from telemetry.database.connection import Connection
from telemetry.database.copy import CopyRow
from telemetry.database.database import Database
from telemetry.runs.rows import ROWS, has_ended, merge
from telemetry.runs.writes import Agents, Existing, copy, insert, settle


class BatchCreated(NamedTuple):
    """The outcome of a batch.

    ``refused`` holds, by index, the constraint that refused a run. ``foreign`` has the indexes of
    the records whose run is of another agent.
    """

    inserted: int
    completed: int
    duplicates: int
    duplicate_differs: Sequence[str]
    refused: dict[int, str]
    foreign: Sequence[int] = ()


class RunBatch:
    """The valid records of a batch, by index."""

    def __init__(self, records: Mapping[int, CopyRow], *, agents: Agents = None) -> None:
        """Only existing runs of the ``agents`` are touched; None: of all."""
        self._records = records
        self._write_settle = partial(settle, agents=agents)
        self._indexes: dict[str, list[int]] = {}
        for index, record in records.items():
            self._indexes.setdefault(record.key, []).append(index)
        self._repeated = [key for key, found in self._indexes.items() if len(found) > 1]
        # Only of the runs that the batch reports several times: most batches do not.
        self._ended = {
            key: [index for index in self._indexes[key] if has_ended(records[index])]
            for key in self._repeated
        }
        self._runs = {record.key: record for record in records.values()}
        self._runs |= {key: self._merged(key) for key in self._repeated}

    @property
    def event_ids(self) -> Sequence[str]:
        """The event_ids, each once."""
        return [*self._runs]

    def copy(self, database: Database) -> BatchCreated | None:
        """Store the batch with COPY when all of its runs are new; else return None."""
        runs = {self._indexes[key][0]: run for key, run in self._runs.items()}
        if copy_new(database, runs, attrgetter("key"), copy) is None:
            return None
        if not self._repeated:
            return BatchCreated(len(runs), 0, 0, [], {})
        return transact_in_parts(database, partial(self._settle, new={*self._runs}, refused={}))

    def insert(self, database: Database) -> BatchCreated:
        """Store the batch, whatever exists. Raises what Database.transact raises."""
        return transact_in_parts(database, self._insert)

    def _insert(self, connection: Connection, write: WriteParts) -> BatchCreated:
        new, refused = self._inserted(connection, write, self._runs)
        # The end of a run may be refused where its start is not.
        starts = {
            key: self._records[running[0]]
            for key in refused
            if (running := self._running(key)) and self._ended.get(key)
        }
        started, refused_starts = self._inserted(connection, write, starts)
        new |= started
        of_records = {
            index: constraint
            for key, constraint in refused.items()
            for index in self._indexes[key]
            if key not in starts or key in refused_starts or index in self._ended[key]
        }
        return self._settle(connection, write, new=new, refused=of_records)

    @staticmethod
    def _inserted(
        connection: Connection, write: WriteParts, runs: Mapping[str, CopyRow]
    ) -> tuple[set[str], dict[str, str]]:
        """Insert the runs that are new; return their keys, and the constraints by refused key."""
        keys = sorted(runs)
        outcomes = write(connection, [ROWS.keyed(runs[key]) for key in keys], insert)
        by_key = dict(zip(keys, outcomes, strict=True))
        return (
            {key for key, it in by_key.items() if it is True},
            {key: it.constraint for key, it in by_key.items() if isinstance(it, Refusal)},
        )

    def _settle(
        self, connection: Connection, write: WriteParts, *, new: set[str], refused: dict[int, str]
    ) -> BatchCreated:
        """Settle the records that did not create a run. ``new`` are the runs just created."""
        runs = []
        for key in sorted(self._runs):
            if key in new and key not in self._ended:
                continue
            indexes = [index for index in self._indexes[key] if index not in refused]
            if existing := self._existing(key, indexes, new=key in new):
                runs.append(existing)
        completed, differing, refused = 0, [], dict(refused)
        foreign: list[int] = []
        for run, outcome in zip(runs, write(connection, runs, self._write_settle), strict=True):
            if isinstance(outcome, Refusal):
                ended = self._ended.get(run.event_id) or self._indexes[run.event_id]
                refused.update(dict.fromkeys(ended, outcome.constraint))
            elif outcome.is_foreign:
                foreign += [it for it in self._indexes[run.event_id] if it not in refused]
            else:
                completed += outcome.fields_updated is not None
                differing += [run.event_id] if outcome.differs else []
        others = len(new) + completed + len(refused) + len(foreign)
        duplicates = len(self._records) - others
        return BatchCreated(len(new), completed, duplicates, differing, refused, foreign)

    def _running(self, key: str) -> Sequence[int]:
        return [index for index in self._indexes[key] if index not in self._ended.get(key, ())]

    def _merged(self, key: str) -> CopyRow:
        """Return the run that the records make together: the end over the start."""
        ended, running = self._ended[key], self._running(key)
        if ended and running:
            return merge(self._records[running[0]], self._records[ended[0]])
        return self._records[(ended or running)[0]]

    def _existing(self, key: str, indexes: Sequence[int], *, new: bool) -> Existing | None:
        """Return the records to settle with the run; None without any.

        ``indexes`` are the records that were not refused. One of them made a ``new`` run.
        """
        ended = [index for index in indexes if index in self._ended.get(key, indexes)]
        decisive = (ended or indexes)[:1]
        others = [index for index in indexes if not new or index not in decisive]
        records = {index: ROWS.keyed(self._records[index]) for index in others}
        closes = not new and bool(decisive) and has_ended(self._records[decisive[0]])
        closing = records[decisive[0]] if closes else None
        return Existing(key, closing, [*records.values()]) if records else None
