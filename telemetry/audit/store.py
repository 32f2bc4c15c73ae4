"""The audit trail in the database."""

from typing import Any

from telemetry import sql
from telemetry.database import Database, Row

QUERY = sql.load("audit/query")
QUERY_DEVICE = sql.load("audit/query_device")


class AuditStore:
    """Reads the audit trail of one tenant. Raises what Database.fetch_all raises."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def query(self, page: dict[str, Any]) -> list[Row]:
        """Return the first of the tenant's audit rows."""
        return self._database.fetch_all(QUERY, page, prepare=False)

    def query_device(self, page: dict[str, Any]) -> list[Row]:
        """Return a page of the device's audit rows, oldest first."""
        return self._database.fetch_all(QUERY_DEVICE, page, prepare=False)
