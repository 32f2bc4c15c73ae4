"""How many shards each statement goes to, from EXPLAIN: one, unless the table gives a reason."""

import json
import re
from collections.abc import Iterator

import pytest
from psycopg import ClientCursor

from telemetry.cli import statement_files
from telemetry.database import statements
from telemetry.database.connection import Connection
from telemetry.database.scale_out import LIMITS_PER_SHARD, variants
from telemetry.database.unlimited import connect_without_time_limit
from tests.support.citus import Cluster
from tests.support.statements import EVENTS, VALUES

NEWEST = "the newest records may be on any shard: each returns its own, the coordinator merges them"
OLDEST = "the oldest records may be on any shard"
SUMS = "it adds up records of all shards"
LANES = "a lane has its numbers on all shards"
SEVERAL = "its records are on several shards, and a list in JSON is unknown while it is planned"

# The statements that go to every shard, and why they must.
FANS_OUT = {
    "database/sequences_behind": LANES,
    "pages/agents": SUMS,
    "pages/agents_in_environment": SUMS,
    "pages/attention": NEWEST,
    "pages/devices_token": LANES,
    "pages/durations": SUMS,
    "pages/endpoint": SUMS,
    "pages/endpoint_over_time": SUMS,
    "pages/endpoints": SUMS,
    "pages/event_rates": SUMS,
    "pages/failures": SUMS,
    "pages/family": SUMS,
    "pages/get_runs": SEVERAL,
    "pages/ideas": SUMS,
    "pages/latest_runs": NEWEST,
    "pages/list_newer_runs": NEWEST,
    "pages/list_runs": NEWEST,
    "pages/running": NEWEST,
    "pages/runs_token": LANES,
    "pages/same_error": NEWEST,
    "pages/states_over_time": SUMS,
    "pages/write_rates": SUMS,
    "retention/count_agent_runs": SUMS,
    "retention/count_runtime_events": SUMS,
    "retention/prune_agent_runs": OLDEST,
    "retention/prune_runtime_events": OLDEST,
    "runs/backdate": SEVERAL,
    "runs/feed": LANES,
    "runs/feed_now": LANES,
    "runs/feed_unnumbered": LANES,
    "runs/list": NEWEST,
    "runs/metadata": SUMS,
    "runs/metrics": SUMS,
    "runtime_events/change_token": LANES,
    "runtime_events/feed": LANES,
    "runtime_events/feed_now": LANES,
    "runtime_events/ideas_summary": SUMS,
    "runtime_events/list": NEWEST,
    "runtime_events/summary": SUMS,
}

# They touch no table that is distributed, or run before tables are.
LEFT_OUT = ("database/", "doctor/", "migrations/")

TASKS = re.compile(r"Task Count: (\d+)")


@pytest.fixture(scope="module")
def connection(citus: Cluster) -> Iterator[Connection]:
    with connect_without_time_limit(citus.url) as opened:
        yield opened


def planned() -> list[str]:
    """Return the statements that requests, pages and commands send to the tables."""
    names = statement_files.names()
    asked = [name for name in names if name in FANS_OUT or not name.startswith(LEFT_OUT)]
    return [name for name in asked if statement_files.read(name).has_plan]


def sent(name: str, text: bytes) -> dict[str, object]:
    """Return a value for each parameter; the lists have one member, as a single record has."""
    values: dict[str, object] = {**VALUES, "events": EVENTS.get(name.split("/", maxsplit=1)[0])}
    found = {}
    for parameter in re.findall(r"%\((\w+)\)s", text.decode()):
        found[parameter] = value = "{event-1}" if parameter == "ids" else values[parameter]
        if isinstance(value, str) and value.startswith("["):
            one = json.loads(value)[:1]
            is_array = f"%({parameter})s::text[]".encode() in text
            found[parameter] = one if is_array else json.dumps(one)
    return found


def most_tasks(connection: Connection, name: str) -> int:
    """Return the number of shards that the widest part of a statement goes to; 0: none."""
    variant = variants().get(statements.load(name))
    text = variant.statement if variant else statements.load(name)
    with connection.transaction(force_rollback=True):
        if variant and variant.limits_per_shard:
            connection.execute(LIMITS_PER_SHARD, {"state": "on"})
        # Citus plans a statement with its values in place; EXPLAIN does so for literals alone.
        with ClientCursor(connection) as cursor:
            plan = cursor.execute(b"EXPLAIN (COSTS OFF) " + text, sent(name, text)).fetchall()
    return max(map(int, TASKS.findall(str(plan))), default=0)


@pytest.mark.parametrize("name", planned())
def test_a_statement_goes_to_one_shard(connection: Connection, name: str) -> None:
    assert (most_tasks(connection, name) > 1) == (name in FANS_OUT)


def test_the_table_names_statements() -> None:
    assert FANS_OUT.keys() <= {*planned()}
