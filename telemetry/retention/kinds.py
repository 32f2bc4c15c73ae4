"""The two kinds of rows that retention deletes, and how each is walked from the oldest on."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from telemetry.config import Config
from telemetry.database import statements
from telemetry.database.database import Row
from telemetry.persistence import Backend, Persistence

# The parameters of a statement. Those that begin with "after_" say where the walk is.
Walk = dict[str, Any]


@dataclass(frozen=True)
class Kind:
    """A table that retention prunes.

    ``walks`` returns the ranges of the table that can hold old rows, of a pass that has a
    ``cutoff`` and a time ``started_at``. ``lock_key`` is the second key of the advisory lock 7310.
    """

    name: str
    noun: str
    variable: str
    lock_key: int
    prune: bytes
    count: bytes
    walks: Callable[[Row, timedelta], list[Walk]]

    def older_than(self, config: Config) -> timedelta | None:
        """Return the age that is configured."""
        return config.retention_runs if self is RUNS else config.retention_events

    def backend(self, persistence: Persistence) -> Backend:
        """Return where the rows are kept."""
        return persistence.backends[self.name]

    def refusal(self, persistence: Persistence) -> str | None:
        """Return why retention can't prune the rows, or None when it can."""
        backend = self.backend(persistence)
        if backend.kind == "json_file":
            return (
                f"{self.noun} are in a JSON file, which retention does not prune:"
                " rotate the file, or move it into a database"
            )
        return backend.note if backend.kind == "none" else None


def after(row: Row, walk: Walk) -> Walk:
    """Return the walk with the position that a batch has reached."""
    reached = {name: row[f"last_{name[6:]}"] for name in walk if name.startswith("after_")}
    return {**walk, **reached}


def _walks_of_runs(started: Row, stale_after: timedelta) -> list[Walk]:
    common = {"cutoff": started["cutoff"], "stale_after": stale_after, "after_event_id": ""}
    return [
        {**common, "after_created_at": "-infinity", "created_until": started["cutoff"]},
        # The clocks of their agents are ahead.
        {**common, "after_created_at": started["started_at"], "created_until": "infinity"},
    ]


def _walks_of_events(started: Row, _: timedelta) -> list[Walk]:
    return [{"cutoff": started["cutoff"], "after_recorded_at": "-infinity"}]


RUNS = Kind(
    "agent_runs",
    "runs",
    "TELEMETRY_RETENTION_RUNS",
    1,
    statements.load("retention/prune_agent_runs"),
    statements.load("retention/count_agent_runs"),
    _walks_of_runs,
)
EVENTS = Kind(
    "runtime_events",
    "runtime events",
    "TELEMETRY_RETENTION_EVENTS",
    2,
    statements.load("retention/prune_runtime_events"),
    statements.load("retention/count_runtime_events"),
    _walks_of_events,
)
KINDS = (RUNS, EVENTS)
