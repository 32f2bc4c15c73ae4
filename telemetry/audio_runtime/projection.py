"""Bringing the projection of devices to what their ledger gives, within a transaction."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from telemetry.audio_runtime.devices import name_of, named
from telemetry.audio_runtime.finding import Finding
from telemetry.database import statements
from telemetry.database.connection import Connection

LOCK_HEADS = statements.load("audio_runtime/lock_heads")
CONTRADICTIONS = statements.load("audio_runtime/contradictions")
CLEAR_CURRENT = statements.load("audio_runtime/clear_current")
PROJECT = statements.load("audio_runtime/project")


class Projected(NamedTuple):
    """What became of some devices: ``differed`` counts those whose row was not right."""

    devices: int
    differed: int
    contradictions: list[Finding]


def project(connection: Connection, devices: Sequence[Mapping[str, Any]]) -> Projected:
    """Project the devices, which the rows name, and whose heads the transaction has locked.

    Those about which the ledger contradicts itself stay as they are. Raises IntegrityError for
    what a constraint refuses.
    """
    rows = connection.execute(CONTRADICTIONS, named(devices))
    found = sorted(Finding(**row) for row in rows)
    contradictory = {finding[:2] for finding in found}
    sound = [row for row in devices if name_of(row) not in contradictory]
    parameters = named(sound)
    cleared = connection.execute(CLEAR_CURRENT, parameters).fetchall()
    projected = connection.execute(PROJECT, parameters).fetchall()
    return Projected(len(sound), len(cleared) + len(projected), found)
