"""The devices that rebuild and verify go through, page by page."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from telemetry import sql
from telemetry.database import Row

LIST_DEVICES = sql.load("audio_runtime/list_devices")


class Scope(NamedTuple):
    """The devices meant: those of a tenant, the one of a name, or all."""

    tenant_id: str | None = None
    device_id: str | None = None


Fetch = Callable[[bytes, dict[str, Any]], list[Row]]


def pages(fetch: Fetch, scope: Scope, size: int) -> Iterator[list[Row]]:
    """Yield pages of ``tenant_id`` and ``device_id``, of at most ``size`` devices each.

    They hold every device in the scope that any table speaks of.
    """
    last = {"tenant_id": "", "device_id": ""}
    while page := fetch(
        LIST_DEVICES,
        {
            "tenant_id": scope.tenant_id,
            "device_id": scope.device_id,
            "after_tenant": last["tenant_id"],
            "after_device": last["device_id"],
            "row_limit": size,
        },
    ):
        yield page
        if len(page) < size:
            return
        last = page[-1]
