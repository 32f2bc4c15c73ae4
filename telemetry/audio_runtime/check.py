"""Checking some devices in one snapshot: by the proof, or by functions of the database."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from psycopg import IsolationLevel

from telemetry.audio_runtime.devices import by_tenant
from telemetry.audio_runtime.finding import Finding
from telemetry.audio_runtime.kept_heads import Head
from telemetry.audio_runtime.proof.device import MAX_FINDINGS, Start, check_device, order
from telemetry.audio_runtime.rows import read_rows
from telemetry.database import statements
from telemetry.database.connection import Connection
from telemetry.database.unlimited import transaction_without_time_limit
from telemetry.database.values import as_json

SET_UP = statements.load("audio_runtime/verify_set_up")
FAST_CHECKS = (
    statements.load("audio_runtime/verify_events"),
    statements.load("audio_runtime/verify_heads"),
    statements.load("audio_runtime/verify_sessions"),
    statements.load("audio_runtime/verify_current"),
)

# A device to check, as the statements take it: tenant_id, device_id, where to begin (after, an
# event_id, and the row_hash that it has, in hex) and a kept head (kept_event_id, kept_row_hash).
Wanted = dict[str, Any]

# Returns what is wrong with the devices, in the order of the proof; one snapshot for all of them.
Check = Callable[[Connection, list[Wanted]], list[Finding]]


def use_snapshots(connection: Connection) -> None:
    """Let each transaction of the connection see one state of the database, and change nothing."""
    connection.isolation_level = IsolationLevel.REPEATABLE_READ
    connection.read_only = True


@contextmanager
def snapshot(connection: Connection) -> Iterator[None]:
    """Hold a transaction open that is set up for verify, without a time limit."""
    with transaction_without_time_limit(connection):
        connection.execute(SET_UP)
        yield


def check(connection: Connection, wanted: list[Wanted]) -> list[Finding]:
    """Check plain rows by the proof. Raises psycopg.Error, and ValueError for rows it can't use."""
    found = []
    with snapshot(connection):
        for tenant_id, devices in by_tenant(connection, wanted):
            rows = read_rows(connection, devices, tenant_id)
            for device, it in zip(rows, devices, strict=True):
                start = Start(it["after"], bytes.fromhex(it["row_hash"]), device.earlier)
                kept = Head(it["kept_event_id"], it["kept_row_hash"])
                found += check_device(device.device, device.links, start, kept)
    return sorted(found, key=order)


def check_fast(connection: Connection, wanted: list[Wanted]) -> list[Finding]:
    """Check by the functions that the database has stored. Raises psycopg.Error."""
    with snapshot(connection):
        found = [
            Finding(**row)
            for tenant_id, devices in by_tenant(connection, wanted)
            for statement in FAST_CHECKS
            for row in connection.execute(
                statement,
                {
                    "devices": as_json(devices),
                    "findings": MAX_FINDINGS,
                    "tenant_id": tenant_id,
                },
                prepare=False,
            )
        ]
    return sorted(found, key=order)
