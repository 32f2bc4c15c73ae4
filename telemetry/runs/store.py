"""Runs in PostgreSQL."""

from collections.abc import Sequence
from operator import attrgetter
from typing import Any, NamedTuple

from psycopg.rows import scalar_row

from telemetry.database import statements
from telemetry.database.batch_insert import copy_new, in_parts, insert_new
from telemetry.database.connection import Connection
from telemetry.database.copy import CopyRow, copy_rows
from telemetry.database.database import Database, Row
from telemetry.database.errors import DatabaseUnavailable
from telemetry.database.values import Keyed, as_json, json_array
from telemetry.group_commit import GroupCommit, Limits
from telemetry.runs.rows import ROWS

COPY = statements.load("runs/copy")
CREATE = statements.load("runs/create")
FIND_ANY = statements.load("runs/find_any")
FIND_DIFFERING = statements.load("runs/find_differing")
GET = statements.load("runs/get")
LIST = statements.load("runs/list")
UPDATE = statements.load("runs/update")
ASSOCIATE_COMMIT = statements.load("runs/associate_commit")
METADATA = statements.load("runs/metadata")
METRICS = statements.load("runs/metrics")

Run = dict[str, Any]


class Created(NamedTuple):
    """The outcome of a create. ``differs`` names the fields in which a duplicate differs."""

    created: bool
    differs: Sequence[str]


class BatchCreated(NamedTuple):
    """The outcome of a batch. ``refused`` holds, by index, the constraint that refused a run."""

    inserted: int
    duplicates: int
    duplicate_differs: Sequence[str]
    refused: dict[int, str]


class RunStore:
    """Creates, changes and finds runs. Every method raises what Database.fetch_all raises."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._group_commit = GroupCommit(
            self._create_group, Limits(groups=database.pool_size), unavailable=DatabaseUnavailable
        )

    def create(self, run: Keyed) -> Created:
        """Create the run unless its event_id exists. Runs that arrive together share a commit."""
        if self._group_commit.submit(run, len(run.json)):
            return Created(created=True, differs=[])
        differing = self._database.fetch_one(FIND_DIFFERING, {"runs": json_array([run])})
        return Created(created=False, differs=differing["differs"] if differing else [])

    def create_batch(self, runs: dict[int, CopyRow]) -> BatchCreated:
        """Create the new runs in one transaction. ``runs`` is by index in the batch."""
        if not runs:
            return BatchCreated(0, 0, [], {})
        key = attrgetter("key")
        new = None if self._any_exists(runs) else copy_new(self._database, runs, key, _copy)
        if new is not None and len(new) == len(runs):
            return BatchCreated(len(new), 0, [], {})
        sent = {index: ROWS.keyed(run) for index, run in runs.items()}
        refused: dict[int, str] = {}
        if new is None:
            new, refused = insert_new(self._database, sent, key, _insert)
        repeated = [run for index, run in sent.items() if index not in new and index not in refused]
        return BatchCreated(len(new), len(repeated), self._differing(repeated), refused)

    def get(self, event_id: str) -> Row | None:
        """Return the run, or None."""
        return self._database.fetch_one(GET, {"event_id": event_id})

    def list(self, filters: dict[str, Any]) -> Sequence[Any]:
        """Return a page of runs as objects, newest first, with fields for their links.

        ``filters`` holds every parameter of list.sql.
        """
        return self._database.fetch_objects(LIST, filters, computed=("commit_url", "repo_url"))

    def update(self, event_id: str, changes: Run) -> bool:
        """Change the fields that were sent; return whether the run exists."""
        found = self._database.fetch_one(
            UPDATE, {"event_id": event_id, "changes": as_json(changes)}
        )
        return found is not None

    def associate_commit(self, event_id: str, commit: dict[str, Any]) -> str | None:
        """Record the run's git commit; return its run_id, or None when the run does not exist."""
        absent = {"commit_author": None, "commit_timestamp": None}
        found = self._database.fetch_one(
            ASSOCIATE_COMMIT, {"event_id": event_id, **absent, **commit}
        )
        return found["run_id"] if found else None

    def metadata(self) -> Row:
        """Return the sorted ``agent_names`` and ``job_types``."""
        row = self._database.fetch_one(METADATA)
        return row or {"agent_names": [], "job_types": []}

    def metrics(self) -> Sequence[Row]:
        """Return ``agent_name``, ``total_runs`` and ``recent_24h`` of every agent."""
        return self._database.fetch_all(METRICS)

    def _create_group(self, runs: Sequence[Keyed]) -> Sequence[Row | None]:
        """Create the runs that are new; return the row of each, None for a duplicate.

        Of several runs with one event_id the first is created, and so the first takes the row.
        """
        first = {run.key: run for run in reversed(runs)}
        sent = json_array(first.values())
        rows = self._database.fetch_all(CREATE, {"runs": sent}, prepare=True)
        created = {row["event_id"]: row for row in rows}
        return [created.pop(run.key, None) for run in runs]

    def _any_exists(self, runs: dict[int, CopyRow]) -> bool:
        event_ids = as_json([run.key for run in runs.values()])
        return self._database.fetch_one(FIND_ANY, {"event_ids": event_ids}) is not None

    def _differing(self, runs: Sequence[Keyed]) -> Sequence[str]:
        if not runs:
            return []
        parts = in_parts(runs)
        rows = self._database.transact(
            lambda it: [row for part in parts for row in _find_differing(it, part)],
            one_statement=len(parts) == 1,
        )
        return sorted(row["event_id"] for row in rows)


def _find_differing(connection: Connection, runs: Sequence[Keyed]) -> Sequence[Row]:
    return connection.execute(FIND_DIFFERING, {"runs": json_array(runs)}).fetchall()


def _copy(connection: Connection, runs: Sequence[CopyRow]) -> None:
    copy_rows(connection, COPY, runs)


def _insert(connection: Connection, runs: Sequence[Keyed]) -> set[str]:
    cursor = connection.cursor(row_factory=scalar_row)
    return {*cursor.execute(CREATE, {"runs": json_array(runs)})}
