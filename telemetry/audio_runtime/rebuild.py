"""Rebuilding the projection from the ledger while writers write."""

from collections.abc import Callable, Iterator
from functools import partial
from time import monotonic
from typing import Any, NamedTuple, TypeVar

from telemetry.audio_runtime.devices import Scope, by_tenant, name_of, named, pages
from telemetry.audio_runtime.finding import Finding
from telemetry.audio_runtime.projection import Projected, lock_heads, project
from telemetry.database import statements
from telemetry.database.connection import Connection
from telemetry.database.database import Row, Transact
from telemetry.database.errors import IntegrityViolation

LOCK_FREE_HEADS = statements.load("audio_runtime/lock_free_heads")

# Devices per transaction; their writers wait for it.
PAGE = 500

T = TypeVar("T")


class Rebuilt(NamedTuple):
    """The result of a rebuild; ``differed`` counts the devices whose projection was wrong."""

    devices: int
    differed: int
    duration_ms: float


class LedgerContradiction(Exception):
    """The ledger contradicts itself about some devices; ``first`` is the first finding.

    They are not changed. All others have been ``rebuilt``.
    """

    def __init__(self, first: Finding, count: int, rebuilt: Rebuilt) -> None:
        super().__init__(
            f"the ledger contradicts itself about {count} device(s), which were not changed;"
            " run verify"
        )
        self.first = first
        self.rebuilt = rebuilt


class _Outcome(NamedTuple):
    projected: Projected
    busy: list[Row]


def rebuild(
    transact: Transact,
    scope: Scope,
    *,
    say: Callable[[str], None] = lambda _: None,
    refuse: Callable[[Finding], None] = lambda _: None,
) -> Rebuilt:
    """Rebuild the projection of the devices in the scope. Rows that are right are not touched.

    Each page of devices is a transaction, so an error does not undo the pages before it. ``say``
    is called with the progress, ``refuse`` with each device about which the ledger contradicts
    itself. If there is such a device, LedgerContradiction is raised after all others are rebuilt.
    Raises what ``transact`` raises.
    """
    started = monotonic()
    devices = differed = refused = 0
    first: Finding | None = None
    for projected in _projected(transact, scope, say):
        devices += projected.devices
        differed += projected.differed
        for finding in projected.contradictions:
            first = first or finding
            refused += 1
            refuse(finding)
        say(f"{devices:,} devices, {differed:,} differed")
    rebuilt = Rebuilt(devices, differed, round((monotonic() - started) * 1000, 1))
    if first:
        raise LedgerContradiction(first, refused, rebuilt)
    return rebuilt


def _projected(transact: Transact, scope: Scope, say: Callable[[str], None]) -> Iterator[Projected]:
    busy: list[Row] = []

    def fetch(statement: bytes, parameters: dict[str, Any]) -> list[Row]:
        return transact(lambda it: it.execute(statement, parameters, prepare=False).fetchall())

    for page in pages(fetch, scope, PAGE):
        try:
            outcome = transact(partial(_rebuild_free, page))
        except IntegrityViolation:
            # A constraint refuses the row of one of them; only that device is left out.
            for device in page:
                yield _rebuild_one(transact, device)
        else:
            busy += outcome.busy
            yield outcome.projected
    # The devices that writers had locked come last, so a stuck writer delays no other device.
    if busy:
        say(f"coming back to {len(busy):,} devices that were being written")
    for device in busy:
        yield _rebuild_one(transact, device)


def _rebuild_free(page: list[Row], connection: Connection) -> _Outcome:
    free = [
        row
        for tenant_id, devices in by_tenant(connection, page)
        for row in connection.execute(LOCK_FREE_HEADS, {**named(devices), "tenant_id": tenant_id})
    ]
    names = {name_of(row) for row in free}
    busy = [row for row in page if name_of(row) not in names]
    return _Outcome(project(connection, free), busy)


def _rebuild_one(transact: Transact, device: Row) -> Projected:
    def work(connection: Connection) -> Projected:
        lock_heads(connection, [device])
        return project(connection, [device])

    try:
        return transact(work)
    except IntegrityViolation as error:
        problem = f"refused_by_{error.constraint}"
        return Projected(0, 0, [Finding(*name_of(device), None, problem)])
