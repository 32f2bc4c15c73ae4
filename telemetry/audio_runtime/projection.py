"""Making the projection of some devices equal to the replay of their ledger."""

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
    """The outcome for some devices; ``differed`` counts those whose row was wrong."""

    devices: int
    differed: int
    contradictions: list[Finding]


def project(connection: Connection, devices: Sequence[Mapping[str, Any]]) -> Projected:
    """Project the devices that the rows name. The transaction must have locked their heads.

    A device about which the ledger contradicts itself is not changed. Raises IntegrityError when
    a constraint refuses a row.
    """
    rows = connection.execute(CONTRADICTIONS, named(devices))
    found = sorted(Finding(**row) for row in rows)
    contradictory = {finding[:2] for finding in found}
    sound = [row for row in devices if name_of(row) not in contradictory]
    parameters = named(sound)
    cleared = connection.execute(CLEAR_CURRENT, parameters).fetchall()
    projected = connection.execute(PROJECT, parameters).fetchall()
    return Projected(len(sound), len(cleared) + len(projected), found)
