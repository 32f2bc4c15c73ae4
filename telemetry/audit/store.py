"""The audit trail in the database."""

from typing import Any

from telemetry.database import statements
from telemetry.database.database import Database
from telemetry.paging import Page

LIST = statements.load("audit/list")
LIST_DEVICE = statements.load("audit/list_device")


class AuditStore:
    """Reads the audit trail of one tenant. Raises what Database.fetch_all raises."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list(self, page: dict[str, Any], limit: int) -> Page[Any]:
        """Return the first of the tenant's audit rows."""
        return self._database.fetch_page(LIST, page, limit=limit)

    def list_device(self, page: dict[str, Any], limit: int) -> Page[Any]:
        """Return a page of the device's audit rows, oldest first."""
        return self._database.fetch_page(LIST_DEVICE, page, limit=limit)
