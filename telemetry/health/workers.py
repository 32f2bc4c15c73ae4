"""The workers of a distributed database, as this role reaches them."""

import json
from typing import NamedTuple

from telemetry.database import statements
from telemetry.database.connection import Connection

LIMIT_WORKER_WAIT = statements.load("health/limit_worker_wait")
WORKERS = statements.load("scale_out/health/workers")


class Workers(NamedTuple):
    """What is wrong with the workers.

    ``unreachable`` has a line for each that does not serve this role, and ``causes`` names its
    host. ``unguarded`` are the triggers of shards that keep the ledger append-only and are missing,
    disabled or altered. ``unguarded_ids`` has a line for each thing that a shard lacks to store an
    id of a runtime event once.
    """

    unreachable: list[str]
    unguarded: list[str]
    unguarded_ids: list[str]
    causes: list[str]


def check_workers(connection: Connection) -> Workers:
    """Ask every worker; none where nothing is distributed. Raises psycopg.Error."""
    found = Workers([], [], [], [])
    if not connection.is_distributed:
        return found
    with connection.transaction(force_rollback=True):
        connection.execute(LIMIT_WORKER_WAIT, prepare=False)
        rows = connection.execute(WORKERS, prepare=False).fetchall()
    for row in rows:
        name = f"worker {row['worker']}"
        if not row["success"]:
            found.unreachable.append(f"{name} does not respond to this role")
            found.causes.append(f"{name} is {row['place']}: {' '.join(row['result'].split())}")
        else:
            lacking = json.loads(row["result"])
            found.unguarded.extend(lacking["triggers"])
            found.unguarded_ids.extend(lacking["ids"])
    return found
