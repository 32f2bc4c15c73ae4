"""What the pages show of devices and of the database itself, in the database."""

from collections.abc import Sequence
from typing import Any

from telemetry.database import statements
from telemetry.database.database import Row
from telemetry.pages.reader import Reader

ATTENTION = statements.load("pages/attention")
DEVICES = statements.load("pages/devices")
DEVICE = statements.load("pages/device")
DEVICE_EVENTS = statements.load("pages/device_events")
DEVICE_AUDIT = statements.load("pages/device_audit")
DEVICE_TOKEN = statements.load("pages/device_token")
DEVICES_TOKEN = statements.load("pages/devices_token")

Name = tuple[str, str]


class DevicePages:
    """Reads devices for pages. Every method raises what Reader.fetch_all raises."""

    def __init__(self, database: Reader) -> None:
        self._database = database

    def all_token(self) -> str:
        """Return a text that is the same only while all devices and their states are."""
        return str(self._database.fetch_all(DEVICES_TOKEN)[0]["token"])

    def attention(self, row_limit: int) -> Sequence[Row]:
        """Return the devices that are not healthy, or one row without a device."""
        return self._all(ATTENTION, {"row_limit": row_limit})

    def list(
        self, tenant_id: str | None, after: Name | None, row_limit: int, *, attention: bool
    ) -> Sequence[Row]:
        """Return a page of devices after the one named ``after``."""
        after_tenant, after_device = after or (None, None)
        return self._all(
            DEVICES,
            {
                "tenant_id": tenant_id,
                "attention": attention,
                "after_tenant": after_tenant,
                "after_device": after_device,
                "row_limit": row_limit,
            },
        )

    def get(self, tenant_id: str, device_id: str) -> Row | None:
        """Return a device with its current state and its head, or None."""
        rows = self._all(DEVICE, {"tenant_id": tenant_id, "device_id": device_id})
        return rows[0] if rows else None

    def token(self, tenant_id: str, device_id: str) -> str:
        """Return a text that is the same only while what its page shows is; empty without it."""
        rows = self._all(DEVICE_TOKEN, {"tenant_id": tenant_id, "device_id": device_id})
        return str(rows[0]["token"]) if rows else ""

    def events(self, device: Row, before: int | None, row_limit: int) -> Sequence[Row]:
        """Return events of a device, newest first."""
        return self._all(DEVICE_EVENTS, {**_name(device), "before": before, "row_limit": row_limit})

    def audit(self, device: Row, before: int | None, row_limit: int) -> Sequence[Row]:
        """Return audit rows of a device, newest first."""
        return self._all(DEVICE_AUDIT, {**_name(device), "before": before, "row_limit": row_limit})

    def _all(self, statement: bytes, parameters: dict[str, Any]) -> Sequence[Row]:
        return self._database.fetch_all(statement, parameters, prepare=False)


def _name(device: Row) -> dict[str, Any]:
    return {"tenant_id": device["tenant_id"], "device_id": device["device_id"]}
