"""Bringing the projection to what the ledger gives, beside live writers."""

from collections.abc import Callable
from functools import partial
from time import monotonic
from typing import NamedTuple

from telemetry import sql
from telemetry.audio_runtime.devices import Scope, pages
from telemetry.audio_runtime.store import LOCK_HEADS, PROJECT
from telemetry.database import Connection, Database, Row
from telemetry.database_values import as_json

CONTRADICTIONS = sql.load("audio_runtime/contradictions")
CLEAR_CURRENT = sql.load("audio_runtime/clear_current")

# Devices of one transaction: their writers wait while it runs.
PAGE = 500


class Rebuilt(NamedTuple):
    """What a rebuild did: ``differed`` counts the devices whose projection was not right."""

    devices: int
    differed: int
    duration_ms: float


class LedgerContradiction(Exception):
    """The ledger contradicts itself about a device, so nothing can be rebuilt from it."""

    def __init__(self, row: Row) -> None:
        super().__init__(
            f"tenant_id={row['tenant_id']} device_id={row['device_id']}"
            f" event_id={row['event_id']}: head, newest event and device do not fit together"
        )
        self.device = row


def rebuild(
    database: Database, scope: Scope, *, say: Callable[[str], None] = lambda _: None
) -> Rebuilt:
    """Rebuild the projection of the devices in the scope; rows that are right stay.

    Pages are transactions of their own: what was rebuilt before an error stays. ``say`` is
    told of the progress. Raises LedgerContradiction, or what Database.transact raises.
    """
    started = monotonic()
    devices = differed = 0

    def fetch(statement: bytes, parameters: dict[str, str | int | None]) -> list[Row]:
        return database.fetch_all(statement, parameters, prepare=False)

    for page in pages(fetch, scope, PAGE):
        differed += database.transact(partial(_rebuild, page))
        devices += len(page)
        say(f"{devices:,} devices, {differed:,} differed")
    return Rebuilt(devices, differed, round((monotonic() - started) * 1000, 1))


def _rebuild(page: list[Row], connection: Connection) -> int:
    devices = {"devices": as_json(page)}
    connection.execute(LOCK_HEADS, devices)
    contradiction = connection.execute(CONTRADICTIONS, devices).fetchone()
    if contradiction:
        raise LedgerContradiction(contradiction)
    cleared = connection.execute(CLEAR_CURRENT, devices).fetchall()
    return len(cleared) + len(connection.execute(PROJECT, devices).fetchall())
