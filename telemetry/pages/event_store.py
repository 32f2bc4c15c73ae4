"""What the pages show of runtime events, in the database."""

from collections.abc import Sequence
from typing import Any

from telemetry.database import statements
from telemetry.database.database import Database, Row

ENDPOINTS = statements.load("pages/endpoints")


class EventPages:
    """Reads runtime events for pages. Every method raises what Database.fetch_all raises."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def endpoints(self, window: dict[str, Any], row_limit: int) -> Sequence[Row]:
        """Return the endpoints of a window, those with the most errors first."""
        return self._all(ENDPOINTS, {"source": None, **window, "row_limit": row_limit})

    def _all(self, statement: bytes, parameters: dict[str, Any]) -> Sequence[Row]:
        return self._database.fetch_all(statement, parameters, prepare=False)
