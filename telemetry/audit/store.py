"""The audit trail in the database."""

from typing import Any

from telemetry import sql
from telemetry.database import Database, Row

QUERY = sql.load("audit/query")


class AuditStore:
    """Reads the audit trail of one tenant."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def query(self, page: dict[str, Any]) -> list[Row]:
        """Return a page of audit rows, oldest first. Raises what Database.fetch_all raises."""
        return self._database.fetch_all(QUERY, page, prepare=False)
