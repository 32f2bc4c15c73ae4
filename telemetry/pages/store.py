"""What the pages show of runs, in the database. Pages only read."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from telemetry.database import statements
from telemetry.database.database import Row
from telemetry.database.values import as_json
from telemetry.pages.reader import Reader

STATES_OVER_TIME = statements.load("pages/states_over_time")
RUNNING = statements.load("pages/running")
AGENTS = statements.load("pages/agents")
AGENTS_IN_ENVIRONMENT = statements.load("pages/agents_in_environment")
LATEST_RUNS = statements.load("pages/latest_runs")
FAILURES = statements.load("pages/failures")
LIST_RUNS = statements.load("pages/list_runs")
LIST_NEWER_RUNS = statements.load("pages/list_newer_runs")
GET_RUNS = statements.load("pages/get_runs")
GET_RUN = statements.load("pages/get_run")
FAMILY = statements.load("pages/family")
DURATIONS = statements.load("pages/durations")
SAME_ERROR = statements.load("pages/same_error")
RUNS_TOKEN = statements.load("pages/runs_token")

# An export lists this many runs in a statement, and has this many whole ones in memory.
EXPORT_ROWS = 500
WHOLE_ROWS = 100

# The metrics in which agents report what a run cost; the first that is a number counts.
COSTS = ("cost_usd", "cost", "total_cost_usd", "total_cost")

# Fields of the API that are not columns; the export fills them.
LINKS = ("commit_url", "repo_url")

Parameters = dict[str, Any]


class RunPages:
    """Reads runs for pages. Every method raises what Reader.fetch_all raises."""

    def __init__(self, database: Reader, *, stale_after: timedelta) -> None:
        """A running run is shown as stale when nothing was received about it for this long."""
        self._database = database
        self._stale_after = {"stale_after": stale_after}

    def token(self) -> str:
        """Return a text that is the same only while all runs are."""
        return str(self._database.fetch_all(RUNS_TOKEN)[0]["token"])

    def states_over_time(self, window: Parameters) -> Sequence[Row]:
        """Return the runs of a window and of the one before it, by state and time."""
        return self._all(STATES_OVER_TIME, window)

    def running(self, window: Parameters) -> Row:
        """Return the one row of running.sql."""
        return self._all(RUNNING, {**window, **self._stale_after})[0]

    def agents(self, window: Parameters, row_limit: int) -> Sequence[Row]:
        """Return the agents of a window, those with few successes first, then the busiest."""
        statement = AGENTS if window["environment"] is None else AGENTS_IN_ENVIRONMENT
        return self._all(statement, {**window, "row_limit": row_limit})

    def latest_runs(
        self, agent_names: list[str], environment: str | None, row_limit: int
    ) -> Sequence[Row]:
        """Return the latest runs of each agent, newest first."""
        parameters = {"agent_names": agent_names, "environment": environment, **self._stale_after}
        return self._all(LATEST_RUNS, {**parameters, "row_limit": row_limit})

    def failures(self, window: Parameters, row_limit: int) -> Sequence[Row]:
        """Return the failures of a window, grouped by error."""
        return self._all(FAILURES, {**window, "row_limit": row_limit})

    def with_search(self, filters: Parameters) -> Parameters:
        """Return the filters, with ``id`` as a part of ids where it is not a whole one."""
        if filters["id"] is None:
            return filters
        anywhere = {**filters, "cursor_created_at": None, "cursor_event_id": None}
        is_whole = bool(self.list(anywhere, 1))
        return filters if is_whole else {**filters, "id": None, "part": filters["id"]}

    def list(self, filters: Parameters, row_limit: int) -> Sequence[Row]:
        """Return a page of the table, newest first."""
        return self._all(LIST_RUNS, self._table(filters, row_limit))

    def list_newer(self, filters: Parameters, row_limit: int) -> Sequence[Row]:
        """Return the rows of the table just before the cursor, newest first."""
        return [*reversed(self._all(LIST_NEWER_RUNS, self._table(filters, row_limit)))]

    def export(self, filters: Parameters) -> Iterator[Any]:
        """Yield all runs that fit, as objects with the fields of the API, newest first.

        Each page is a statement of its own, so a slow client holds no connection and no snapshot.
        """
        while page := self.list(filters, EXPORT_ROWS):
            names = [row["event_id"] for row in page]
            while names:
                wanted = names[:WHOLE_ROWS]
                runs, more = self._database.fetch_page(
                    GET_RUNS,
                    {"event_ids": as_json(wanted), **self._stale_after},
                    limit=WHOLE_ROWS,
                    computed=LINKS,
                )
                yield from runs
                # A page ends early when its runs are large.
                done = names.index(runs[-1].event_id) + 1 if more else len(wanted)
                names = names[done:]
            if len(page) < EXPORT_ROWS:
                return
            last = page[-1]
            filters = {
                **filters,
                "cursor_created_at": last["created_at"],
                "cursor_event_id": last["event_id"],
            }

    def get(self, event_id: str) -> Row | None:
        """Return a run, or None."""
        rows = self._all(GET_RUN, {"event_id": event_id, **self._stale_after})
        return rows[0] if rows else None

    def family(self, run: Row, row_limit: int) -> Sequence[Row]:
        """Return the parent, the siblings and the children of a run."""
        names = {name: run[name] for name in ("event_id", "run_id", "parent_run_id")}
        parameters = {**names, **self._stale_after, "row_limit": row_limit}
        return self._all(FAMILY, parameters)

    def durations(self, run: Row, row_limit: int) -> Sequence[Row]:
        """Return the last runs of the run's agent and job, newest first; the run is among them.

        When it is older than all of them, they are those up to the run.
        """
        parameters = {name: run[name] for name in ("event_id", "agent_name", "job_type")}
        for until in (None, run["created_at"]):
            rows = self._all(
                DURATIONS, {**parameters, "created_until": until, "row_limit": row_limit}
            )
            if any(row["event_id"] == run["event_id"] for row in rows):
                return rows
        return rows

    def same_error(
        self, error: str, created_from: datetime | None, created_until: datetime | None
    ) -> Row:
        """Return how many runs failed with this error. A bound may be None."""
        window = {
            "created_from": created_from or "-infinity",
            "created_until": created_until or "infinity",
        }
        return self._all(SAME_ERROR, {"error": error, **window})[0]

    def _table(self, filters: Parameters, row_limit: int) -> Parameters:
        return {
            **filters,
            **self._stale_after,
            "cost_names": [*COSTS],
            "row_limit": row_limit,
        }

    def _all(self, statement: bytes, parameters: Parameters) -> Sequence[Row]:
        return self._database.fetch_all(statement, parameters, prepare=False)
