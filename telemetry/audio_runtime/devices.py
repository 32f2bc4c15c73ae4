"""Devices by name: as a parameter of a statement, and page by page for rebuild and verify."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

from telemetry.database import statements
from telemetry.database.connection import Connection
from telemetry.database.database import Row
from telemetry.database.values import Json, as_json

LIST_DEVICES = statements.load("audio_runtime/list_devices")
LIST_DEVICE_TENANTS = statements.load("audio_runtime/list_device_tenants")

# Returns the tenant and the device that a row or an event names.
name_of: Callable[[Mapping[str, Any]], tuple[str, str]] = itemgetter("tenant_id", "device_id")


def named(rows: Iterable[Mapping[str, Any]]) -> dict[str, Json]:
    """Return the ``devices`` parameter of a statement: the devices that the rows name."""
    names = {name_of(row) for row in rows}
    return {"devices": as_json([{"tenant_id": tenant, "device_id": it} for tenant, it in names])}


def by_tenant(
    connection: Connection, rows: Sequence[Mapping[str, Any]]
) -> Iterator[tuple[str | None, list[Any]]]:
    """Yield the rows for each run of a statement, with its ``tenant_id`` parameter.

    One run with None takes all rows. Where the ledger is distributed, each tenant has its run, so
    that the statement goes to the tenant's shard.
    """
    if not connection.is_distributed:
        yield None, [*rows]
        return
    tenants: dict[str, list[Any]] = {}
    for row in rows:
        tenants.setdefault(row["tenant_id"], []).append(row)
    yield from sorted(tenants.items())


class Scope(NamedTuple):
    """Which devices: those of a tenant, one device, or all."""

    tenant_id: str | None = None
    device_id: str | None = None

    def __str__(self) -> str:
        """Return the scope as a phrase."""
        device = f"device {self.device_id}" if self.device_id else "device"
        return f"{device} of tenant {self.tenant_id}" if self.tenant_id else device

    def includes(self, tenant_id: str, device_id: str) -> bool:
        """Return whether the device is in the scope."""
        return self.tenant_id in (None, tenant_id) and self.device_id in (None, device_id)


# Runs a statement that lists rows.
Fetch = Callable[[bytes, dict[str, Any]], list[Row]]


def fetch_on(connection: Connection) -> Fetch:
    """Return a Fetch that uses the connection."""

    def fetch(statement: bytes, parameters: dict[str, Any]) -> list[Row]:
        return connection.execute(statement, parameters, prepare=False).fetchall()

    return fetch


def pages_by_name(
    fetch: Fetch, statement: bytes, tenant_id: str | None, size: int
) -> Iterator[list[Row]]:
    """Yield the pages of a statement that lists a row per device, of at most ``size`` rows each.

    The statement takes ``tenant_id`` (None for all), ``row_limit``, and the name of the last
    device of the page before as ``after_tenant`` and ``after_device``.
    """
    last = {"tenant_id": tenant_id or "", "device_id": ""}
    while page := fetch(
        statement,
        {
            "tenant_id": tenant_id,
            "after_tenant": last["tenant_id"],
            "after_device": last["device_id"],
            "row_limit": size,
        },
    ):
        yield page
        if len(page) < size:
            return
        last = page[-1]


def pages(fetch: Fetch, scope: Scope, size: int) -> Iterator[list[Row]]:
    """Yield pages of ``tenant_id`` and ``device_id``, of at most ``size`` devices each.

    They hold every device in the scope that is named in any table.
    """
    if scope.device_id is not None:
        if page := fetch(LIST_DEVICE_TENANTS, scope._asdict()):
            yield page
        return
    yield from pages_by_name(fetch, LIST_DEVICES, scope.tenant_id, size)
