"""Runs in PostgreSQL."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Literal, NamedTuple

from telemetry.counters import GROUPS
from telemetry.database import statements
from telemetry.database.batch_insert import insert_group
from telemetry.database.connection import Connection
from telemetry.database.copy import CopyRow
from telemetry.database.database import ATTEMPTS, Database, Row
from telemetry.database.errors import DatabaseUnavailable
from telemetry.database.lanes import Feed, FeedPage, Follower, Unnumbered
from telemetry.database.values import Keyed, as_json, text_array
from telemetry.group_commit import GroupCommit, Limits
from telemetry.paging import Page
from telemetry.runs.batch import BatchCreated, RunBatch
from telemetry.runs.writes import CREATE, Agents, Existing, draw_number, send_settle

# The fields of a run that its view fills.
COMPUTED = ("commit_url", "repo_url")

FIND_ANY = statements.load("runs/find_any")
GET = statements.load("runs/get")
LIST = statements.load("runs/list")
UPDATE = statements.load("runs/update")
ASSOCIATE_COMMIT = statements.load("runs/associate_commit")
METADATA = statements.load("runs/metadata")
METRICS = statements.load("runs/metrics")
FEED = Feed(
    numbered=statements.load("runs/feed"),
    now=statements.load("runs/feed_now"),
    column="change_number",
    unnumbered=Unnumbered(statements.load("runs/feed_unnumbered"), key="event_id", before_all=""),
    computed=COMPUTED,
)

Run = dict[str, Any]


class Created(NamedTuple):
    """The outcome of a create.

    It is foreign when the run exists and is of another agent; then nothing is done.
    ``fields`` names the fields that a completed run got, or those in which a duplicate differs.
    """

    outcome: Literal["created", "completed", "duplicate", "foreign"]
    fields: Sequence[str]


class RunHasEnded(Exception):
    """The run has ended and is not running again."""

    def __init__(self, status: str) -> None:
        super().__init__(status)
        self.status = status


class RunStore:
    """Creates, updates and reads runs. Every method raises what Database.fetch_all raises.

    A method that takes ``agents`` touches only runs of these; None: of all. Any other run looks
    like one that does not exist.
    """

    def __init__(self, database: Database, *, stale_after: timedelta) -> None:
        """A running run is read as stale when nothing was received about it for this long."""
        self._database = database
        self._stale_after = {"stale_after": stale_after}
        self._group_commit = GroupCommit(
            self._create_group,
            Limits(groups=database.pool_size),
            unavailable=DatabaseUnavailable,
            observe=GROUPS.observer("agent_runs"),
        )

    def create(self, run: Keyed, *, agents: Agents = None) -> Created:
        """Create the run, or complete it. Runs that arrive together share a commit."""
        if self._group_commit.submit(run, len(run.json)):
            return Created("created", [])
        existing = [Existing(run.key, run, [run])]
        read = self._database.transact_pipelined(
            lambda it: send_settle(it, existing, agents=agents)
        )
        (settled,) = read()
        if settled.is_foreign:
            return Created("foreign", [])
        if settled.fields_updated is not None:
            return Created("completed", settled.fields_updated)
        return Created("duplicate", settled.differs)

    def create_batch(self, runs: dict[int, CopyRow], *, agents: Agents = None) -> BatchCreated:
        """Create or complete the runs in one transaction. ``runs`` is by index in the batch."""
        if not runs:
            return BatchCreated(0, 0, 0, [], {})
        batch = RunBatch(runs, agents=agents)
        copied = None if self._any_exists(batch.event_ids) else batch.copy(self._database)
        return copied or batch.insert(self._database)

    def get(self, event_id: str, *, agents: Agents = None) -> Row | None:
        """Return the run, or None."""
        parameters = {"event_id": event_id, "agents": agents, **self._stale_after}
        return self._database.fetch_one(GET, parameters)

    def list(self, filters: dict[str, Any], limit: int) -> Page[Any]:
        """Return a page of runs as objects, newest first. The view fills their link fields.

        ``filters`` holds every other parameter of list.sql, None where it was not given.
        """
        parameters = {**filters, **self._stale_after}
        return self._database.fetch_page(LIST, parameters, limit=limit, computed=COMPUTED)

    def feed(self, follower: Follower) -> FeedPage:
        """Return the page of changed runs that a follower asks for. The view fills their links."""
        return FEED.page(self._database, follower, self._stale_after)

    def update(
        self, event_id: str, changes: Run, *, reopen: bool = False, agents: Agents = None
    ) -> Sequence[str] | None:
        """Change the fields that were sent; return the fields updated, or None without the run.

        Raises RunHasEnded when the run would be running again, unless it is to ``reopen``.
        """
        parameters = {
            "event_id": event_id,
            "changes": as_json(changes),
            "reopen": reopen,
            "agents": agents,
        }
        for _ in range(ATTEMPTS):
            if updated := self._change(UPDATE, parameters):
                return [*changes, "end_time"] if updated["reopened"] else [*changes]
            run = self.get(event_id, agents=agents)
            if run is None:
                return None
            if run["status"] != "running":
                raise RunHasEnded(run["status"])
        raise DatabaseUnavailable("the run ends and is reopened again and again")

    def associate_commit(
        self, event_id: str, commit: dict[str, Any], *, agents: Agents = None
    ) -> str | None:
        """Record the run's git commit; return its run_id, or None when the run does not exist."""
        absent = {"commit_author": None, "commit_timestamp": None, "agents": agents}
        found = self._change(ASSOCIATE_COMMIT, {"event_id": event_id, **absent, **commit})
        return found["run_id"] if found else None

    def metadata(self) -> Row:
        """Return the sorted ``agent_names`` and ``job_types``."""
        row = self._database.fetch_one(METADATA)
        return row or {"agent_names": [], "job_types": []}

    def metrics(self) -> Sequence[Row]:
        """Return ``agent_name``, ``total_runs`` and ``recent_24h`` of every agent."""
        return self._database.fetch_all(METRICS)

    def _change(self, statement: bytes, parameters: dict[str, Any]) -> Row | None:
        def work(connection: Connection) -> Row | None:
            with connection.transaction_if_distributed():
                draw_number(connection)
                return connection.execute(statement, parameters).fetchone()

        return self._database.transact(work, one_statement=True)

    def _create_group(self, runs: Sequence[Keyed]) -> Sequence[Row | None]:
        return insert_group(self._database, CREATE, "runs", runs, key="event_id")

    def _any_exists(self, event_ids: Sequence[str]) -> bool:
        found = self._database.fetch_one(FIND_ANY, {"ids": text_array(event_ids)})
        return found is not None
