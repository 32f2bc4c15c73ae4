"""Checking the ledger: its chains, its heads, its audit rows and its projection."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from psycopg import IsolationLevel

from telemetry import sql
from telemetry.audio_runtime.devices import Scope, pages
from telemetry.audio_runtime.kept_heads import Head, Heads
from telemetry.database import SET_UP_TRANSACTION, Connection, Row
from telemetry.database_values import as_json

CHECKS = (
    sql.load("audio_runtime/verify_events"),
    sql.load("audio_runtime/verify_heads"),
    sql.load("audio_runtime/verify_sessions"),
    sql.load("audio_runtime/verify_current"),
)

# Devices looked at in one snapshot.
PAGE = 100

# A device rewritten from one end to the other need not be told row by row.
MOST_FINDINGS = 20

FIRST_HASH = "00" * 32


class Finding(NamedTuple):
    """Something that is not as it should be; ``event_id`` is None where no event is concerned."""

    tenant_id: str
    device_id: str
    event_id: int | None
    problem: str

    def __str__(self) -> str:
        """Return the line that the command prints."""
        event_id = "-" if self.event_id is None else self.event_id
        return (
            f"tenant_id={self.tenant_id} device_id={self.device_id}"
            f" event_id={event_id} problem={self.problem}"
        )


def verify(
    connection: Connection,
    scope: Scope,
    *,
    kept: Heads,
    since: Heads,
    say: Callable[[str], None] = lambda _: None,
) -> Iterator[Finding]:
    """Yield what is wrong with the devices in the scope; by device, first event first.

    ``kept`` are heads to compare with; of a device in ``since`` only what came after that head
    is checked, and the head itself. Each page of devices is one snapshot, so writers do not
    disturb it. ``say`` is told of the progress. Raises psycopg.Error.
    """
    connection.isolation_level = IsolationLevel.REPEATABLE_READ
    connection.read_only = True
    missing = {*kept, *since}
    checked = 0

    def fetch(statement: bytes, parameters: dict[str, Any]) -> list[Row]:
        return connection.execute(statement, parameters, prepare=False).fetchall()

    for page in pages(fetch, scope, PAGE):
        names = [(row["tenant_id"], row["device_id"]) for row in page]
        missing.difference_update(names)
        yield from _verify(connection, [_wanted(name, kept, since) for name in names])
        checked += len(page)
        say(f"{checked:,} devices checked")
    for tenant, device in sorted(missing):
        if scope.tenant_id in (None, tenant) and scope.device_id in (None, device):
            head = kept.get((tenant, device)) or since[tenant, device]
            yield Finding(tenant, device, head.event_id, "kept_event_missing")


def _verify(connection: Connection, wanted: list[dict[str, Any]]) -> list[Finding]:
    parameters = {"devices": as_json(wanted), "findings": MOST_FINDINGS}
    with connection.transaction():
        connection.execute(SET_UP_TRANSACTION, {"time_limit": "0"})
        found = [
            Finding(**row)
            for check in CHECKS
            for row in connection.execute(check, parameters, prepare=False)
        ]
    return sorted(found, key=_order)


def _order(finding: Finding) -> tuple[Any, ...]:
    """By device and event; what is derived from the ledger after the ledger itself.

    A projection that differs names the newest event, in which nothing need be wrong; and of one
    event, what its own row says comes first.
    """
    return (
        finding.tenant_id,
        finding.device_id,
        finding.problem.startswith("projection_"),
        finding.event_id is not None,
        finding.event_id or 0,
        finding.problem != "row_hash_wrong",
    )


def _wanted(name: tuple[str, str], kept: Heads, since: Heads) -> dict[str, Any]:
    start = since.get(name) or Head(None, FIRST_HASH)
    compare = kept.get(name) or since.get(name) or Head(None, None)
    return {
        "tenant_id": name[0],
        "device_id": name[1],
        "after": start.event_id,
        "row_hash": start.row_hash,
        "kept_event_id": compare.event_id,
        "kept_row_hash": compare.row_hash,
    }
