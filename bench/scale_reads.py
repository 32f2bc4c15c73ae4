"""The reads whose cost may not grow with the tables: statements of ``sql/``, as they are sent."""

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
    """A read: ``parameters`` draws others each time; ``target_ms`` is the p99 promised, if any."""

    name: str
    statement: str
    target_ms: float
    parameters: Callable[["Draw"], Parameters]

    def explained(self, options: str) -> bytes:
        """Return the statement behind ``EXPLAIN`` with these options."""
        return f"EXPLAIN ({options}) ".encode() + statements.load(self.statement)


class Draw:
    """Draws what is asked for; the same things in every run of the benchmark."""

    def __init__(self, connection: psycopg.Connection[Any], rows: int) -> None:
        self._connection = connection
        self._rows = rows
        self._random = random.Random(rows)

    def key(self) -> str:
        """Return the key of a run or an event, anywhere in the table."""
        number = self._random.randint(1, self._rows)
        return hashlib.md5(str(number).encode(), usedforsecurity=False).hexdigest()

    def name(self, kind: str, names: int, skew: int) -> str:
        """Return one of the names, the frequent ones more often, as the rows have them."""
        return f"{kind}-{int(names * self._random.random() ** skew)}"

    def status(self) -> str:
        """Return any status, rare ones as often as frequent ones."""
        return self._random.choice(STATUSES)

    def source(self) -> str:
        """Return any source."""
        return self._random.choice(("api", "web", "web_api", "worker"))

    def hour(self) -> int:
        """Return the seconds since an hour before the newest event: filling takes its time."""
        row = self._connection.execute(SINCE_NEWEST).fetchone()
        return 3600 + int(row["seconds"])

    def cursor(self) -> Parameters:
        """Return a cursor to anywhere in the table."""
        row = self._connection.execute(BY_KEY, [self.key()]).fetchone()
        return {"cursor_created_at": row["created_at"], "cursor_event_id": row["event_id"]}


def agent(draw: Draw) -> Parameters:
    """Return the filter by one agent."""
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
        "the same of one source",
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
        math.inf,  # nothing orders a prefix by time
        lambda draw: ANY_EVENT | {"endpoint_prefix": "/api/v1/" + draw.name("resource", 300, 3)},
    ),
    Read("/metrics", "runs/metrics", 50, lambda _: {}),
    Read("metadata", "runs/metadata", 10, lambda _: {}),
    Read("one run", "runs/get", 10, lambda draw: {"event_id": draw.key()}),
    Read("runs, first page", LIST, 10, lambda _: ANY_RUN),
    Read("runs, a page deep inside", LIST, 10, lambda draw: ANY_RUN | draw.cursor()),
    Read("runs of a status", LIST, 10, lambda draw: ANY_RUN | {"status": draw.status()}),
    Read(
        "runs of a status, deep inside",
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
    Read("runs of an agent, deep inside", LIST, 10, lambda draw: agent(draw) | draw.cursor()),
    Read(
        "runs of an agent and a status",
        LIST,
        10,
        lambda draw: agent(draw) | {"status": draw.status()},
    ),
]
