"""The reads whose cost must not grow with the tables: the statements of ``sql/``, unchanged."""

import hashlib
import math
import random
from collections.abc import Callable
from typing import Any, NamedTuple

import psycopg

from telemetry.database import statements
from telemetry.runs.schema import STATUSES, ListSchema

Parameters = dict[str, Any]

NO_FILTER: Parameters = dict.fromkeys(set(ListSchema().fields) - {"limit", "offset", "cursor"})
ANY_RUN = NO_FILTER | {
    "cursor_created_at": None,
    "cursor_event_id": None,
    "row_limit": 101,
    "row_offset": 0,
}
ANY_EVENT = {
    "source": None,
    "endpoint_prefix": None,
    "since": None,
    "row_limit": 101,
    "row_offset": 0,
}
SINCE_NEWEST = "SELECT extract(epoch FROM now() - max(recorded_at)) AS seconds FROM runtime_events"
BY_KEY = "SELECT event_id, created_at FROM agent_runs WHERE event_id = %s"


class Read(NamedTuple):
    """A read with random ``parameters``; ``target_ms`` is its p99 target (infinite: none)."""

    name: str
    statement: str
    target_ms: float
    parameters: Callable[["Draw"], Parameters]

    def explained(self, options: str) -> bytes:
        """Return the statement with ``EXPLAIN`` and these options in front."""
        return f"EXPLAIN ({options}) ".encode() + statements.load(self.statement)


class Draw:
    """Draws random parameters, the same in every run of the benchmark."""

    def __init__(self, connection: psycopg.Connection[Any], rows: int) -> None:
        self._connection = connection
        self._rows = rows
        self._random = random.Random(rows)

    def key(self) -> str:
        """Return the key of a random run or event."""
        number = self._random.randint(1, self._rows)
        return hashlib.md5(str(number).encode(), usedforsecurity=False).hexdigest()

    def name(self, kind: str, names: int, skew: int) -> str:
        """Return a random name, as often as it occurs in the rows."""
        return f"{kind}-{int(names * self._random.random() ** skew)}"

    def status(self) -> str:
        """Return a random status, each equally often."""
        return self._random.choice(STATUSES)

    def source(self) -> str:
        """Return a random source, each equally often."""
        return self._random.choice(("api", "web", "web_api", "worker"))

    def hour(self) -> int:
        """Return the seconds since an hour before the newest event."""
        row = self._connection.execute(SINCE_NEWEST).fetchone()
        return 3600 + int(row["seconds"])

    def cursor(self) -> Parameters:
        """Return the cursor of a random run."""
        row = self._connection.execute(BY_KEY, [self.key()]).fetchone()
        return {"cursor_created_at": row["created_at"], "cursor_event_id": row["event_id"]}


def agent(draw: Draw) -> Parameters:
    """Return a filter by one agent."""
    return ANY_RUN | {"agent_name": draw.name("agent", 100, 2)}


LIST, EVENTS = "runs/list", "runtime_events/list"

READS = [
    Read(
        "endpoint summary of an hour",
        "runtime_events/summary",
        50,
        lambda draw: {"seconds": draw.hour(), "source": None, "row_limit": 200},
    ),
    Read(
        "endpoint summary of an hour, one source",
        "runtime_events/summary",
        50,
        lambda draw: {"seconds": draw.hour(), "source": draw.source(), "row_limit": 200},
    ),
    Read("change token", "runtime_events/change_token", 10, lambda _: {}),
    Read("one event", "runtime_events/get", 10, lambda draw: {"id": draw.key()}),
    Read("events, first page", EVENTS, 10, lambda _: ANY_EVENT),
    Read("events of a source", EVENTS, 10, lambda draw: ANY_EVENT | {"source": draw.source()}),
    Read(
        "events of an endpoint",
        EVENTS,
        math.inf,  # no index orders the events of a prefix by time
        lambda draw: ANY_EVENT | {"endpoint_prefix": "/api/v1/" + draw.name("resource", 300, 3)},
    ),
    Read("/metrics", "runs/metrics", 50, lambda _: {}),
    Read("metadata", "runs/metadata", 10, lambda _: {}),
    Read("one run", "runs/get", 10, lambda draw: {"event_id": draw.key(), "agents": None}),
    Read("runs, first page", LIST, 10, lambda _: ANY_RUN),
    Read("runs, a later page", LIST, 10, lambda draw: ANY_RUN | draw.cursor()),
    Read("runs of a status", LIST, 10, lambda draw: ANY_RUN | {"status": draw.status()}),
    Read(
        "runs of a status, a later page",
        LIST,
        10,
        lambda draw: ANY_RUN | {"status": draw.status()} | draw.cursor(),
    ),
    Read(
        "runs of a job type",
        LIST,
        10,
        lambda draw: ANY_RUN | {"job_type": draw.name("job", 20, 2)},
    ),
    Read("runs of an agent", LIST, 10, agent),
    Read("runs of an agent, a later page", LIST, 10, lambda draw: agent(draw) | draw.cursor()),
    Read(
        "runs of an agent and a status",
        LIST,
        10,
        lambda draw: agent(draw) | {"status": draw.status()},
    ),
]
