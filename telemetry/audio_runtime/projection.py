"""Making the projection of some devices equal to the replay of their ledger."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from telemetry.audio_runtime.devices import by_tenant, name_of, named
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
    found: list[Finding] = []
    sound_devices = differed = 0
    for tenant_id, of_tenant in by_tenant(connection, devices):
        given = {"tenant_id": tenant_id}
        rows = connection.execute(CONTRADICTIONS, {**named(of_tenant), **given})
        contradictions = [Finding(**row) for row in rows]
        contradictory = {finding[:2] for finding in contradictions}
        sound = [row for row in of_tenant if name_of(row) not in contradictory]
        parameters = {**named(sound), **given}
        differed += len(connection.execute(CLEAR_CURRENT, parameters).fetchall())
        differed += len(connection.execute(PROJECT, parameters).fetchall())
        found += contradictions
        sound_devices += len(sound)
    return Projected(sound_devices, differed, sorted(found))


def lock_heads(
    connection: Connection, devices: Sequence[Mapping[str, Any]], *, prepare: bool | None = None
) -> None:
    """Wait for the writers of the devices, and keep new ones out until the transaction ends."""
    for tenant_id, of_tenant in by_tenant(connection, devices):
        parameters = {**named(of_tenant), "tenant_id": tenant_id}
        connection.execute(LOCK_HEADS, parameters, prepare=prepare)
