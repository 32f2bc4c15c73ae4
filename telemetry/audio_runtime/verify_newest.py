"""Checking the newest events of one device within a request, as verify does for a command."""

from collections import Counter
from typing import NamedTuple

import psycopg

from telemetry import time_limits
from telemetry.audio_runtime.check import Wanted, check, use_snapshots
from telemetry.audio_runtime.finding import Finding
from telemetry.audio_runtime.proof.canonical import FIRST_HASH
from telemetry.audio_runtime.proof.device import MAX_FINDINGS
from telemetry.database import statements
from telemetry.database.connection import Connection, connect, find_distributed
from telemetry.database.errors import DatabaseUnavailable
from telemetry.database.unlimited import set_up_without_time_limit

VERIFY_START = statements.load("audio_runtime/verify_start")

# The proof computes in Python. These take a fifth of a second, in which no other request of the
# process gets its turn.
EVENTS = 5000


class Checked(NamedTuple):
    """What a check found, and the event after which it began; None: at the first one.

    ``is_cut``: there may be more findings. The check reports the first ones of each problem.
    """

    after: int | None
    findings: list[Finding]
    is_cut: bool


def verify_newest(url: str, tenant_id: str, device_id: str) -> Checked:
    """Check the newest EVENTS of a device, its head, their audit rows and its projection.

    Raises DatabaseUnavailable when the database does not answer in time.
    """
    try:
        with connect(url) as connection:
            connection.deadline = time_limits.deadline()
            find_distributed(connection)
            return _verify(connection, tenant_id, device_id)
    except psycopg.Error as error:
        raise DatabaseUnavailable(" ".join(str(error).split())) from error


def _verify(connection: Connection, tenant_id: str, device_id: str) -> Checked:
    name = {"tenant_id": tenant_id, "device_id": device_id}
    with connection.transaction():
        set_up_without_time_limit(connection)
        start = connection.execute(VERIFY_START, {**name, "newest": EVENTS}).fetchone()
    after = start["event_id"] if start else None
    row_hash = start["row_hash"] if start else FIRST_HASH.hex()
    wanted: Wanted = {
        **name,
        "after": after,
        "row_hash": row_hash,
        "kept_event_id": after,
        "kept_row_hash": row_hash if start else None,
    }
    use_snapshots(connection)
    findings = check(connection, [wanted])
    largest = max(Counter(it.problem for it in findings).values(), default=0)
    return Checked(after, findings, largest >= MAX_FINDINGS)
