"""The statements that store runs, each as a function over a connection.

A run is stored in two steps. An insert decides whether it is new. A record of a run that exists is
settled: it completes the run when the run is running and the record has ended, and is compared
with the run otherwise.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from psycopg.rows import scalar_row

from telemetry.database import statements
from telemetry.database.connection import Connection
from telemetry.database.copy import CopyRow, copy_rows
from telemetry.database.database import Row
from telemetry.database.errors import DatabaseUnavailable
from telemetry.database.values import Keyed, json_array

COPY = statements.load("runs/copy")
CREATE = statements.load("runs/create")
COMPLETE = statements.load("runs/complete")
FIND_DIFFERING = statements.load("runs/find_differing")
FIND_RUNNING = statements.load("runs/find_running")
DRAW_NUMBER = statements.load("runs/draw_number")


class Existing(NamedTuple):
    """The records of a run that exists. ``closing`` may complete it, and each is compared."""

    event_id: str
    closing: Keyed | None
    records: Sequence[Keyed]


class Settled(NamedTuple):
    """What the records of a run that exists did to it, and in which fields they differ from it."""

    fields_updated: Sequence[str] | None
    """None: they did not complete the run."""

    differs: Sequence[str]

    is_foreign: bool = False
    """The run is of another agent than those given. Nothing was done to it."""


# The agents whose runs a token may touch; None: all.
Agents = list[str] | None


def insert(connection: Connection, runs: Sequence[Keyed]) -> list[bool]:
    """Insert the runs that are new; return for each whether it was."""
    cursor = connection.cursor(row_factory=scalar_row)
    new = {*cursor.execute(CREATE, {"runs": json_array(runs)})}
    return [run.key in new for run in runs]


def copy(connection: Connection, runs: Sequence[CopyRow]) -> None:
    """Copy the runs, all of them new."""
    copy_rows(connection, COPY, runs)


def draw_number(connection: Connection) -> None:
    """Draw the number of the transaction's next change where no trigger can."""
    if connection.is_distributed:
        connection.execute(DRAW_NUMBER)


def settle(
    connection: Connection, runs: Sequence[Existing], *, agents: Agents = None
) -> list[Settled]:
    """Settle the records of runs that exist; those of other agents are foreign.

    Raises DatabaseUnavailable when one was deleted.
    """
    return send_settle(connection, runs, agents=agents)()


def send_settle(
    connection: Connection, runs: Sequence[Existing], *, agents: Agents = None
) -> Callable[[], list[Settled]]:
    """Send the statements of settle; the function returned reads their results.

    In a pipeline the caller can send the COMMIT in between, which saves a round trip.
    """
    records = [record for run in runs for record in run.records]
    completing = _send_complete(connection, [it.closing for it in runs if it.closing], agents)
    # One run is on one shard.
    event_id = runs[0].event_id if connection.is_distributed and len(runs) == 1 else None
    compared = connection.execute(
        FIND_DIFFERING, {"runs": json_array(records), "agents": agents, "event_id": event_id}
    )

    def read() -> list[Settled]:
        updated = {row["event_id"]: row["fields_updated"] for it in completing for row in it}
        found = {row["event_id"]: row for row in compared}
        if missing := {run.event_id for run in runs} - found.keys():
            raise DatabaseUnavailable(f"run {min(missing)!r} was deleted during the request")
        return [
            Settled(None, [], is_foreign=True)
            if found[it.event_id]["is_foreign"]
            else Settled(updated.get(it.event_id), found[it.event_id]["differs"])
            for it in runs
        ]

    return read


def _send_complete(
    connection: Connection, closing: Sequence[Keyed], agents: Agents
) -> list[Iterable[Row]]:
    """Send the statements that complete runs; return the cursors of their rows."""
    if not closing:
        return []
    if not connection.is_distributed:
        return [connection.execute(COMPLETE, {"runs": json_array(closing), "agents": agents})]
    # A lock is taken on one shard at a time, so only for the runs that need it.
    cursors: list[Iterable[Row]] = []
    found = connection.execute(FIND_RUNNING, {"ids": [run.key for run in closing]})
    running = {row["event_id"] for row in found}
    for run in closing:
        if run.key in running:
            draw_number(connection)
            sent = {"runs": json_array([run]), "agents": agents, "event_id": run.key}
            cursors.append(connection.execute(COMPLETE, sent))
    return cursors
