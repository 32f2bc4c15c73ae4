"""What the pages show of devices, in the database."""

from collections.abc import Sequence
from typing import Any

from telemetry.database import statements
from telemetry.database.database import Database, Row

ATTENTION = statements.load("pages/attention")


class DevicePages:
    """Reads devices for pages. Every method raises what Database.fetch_all raises."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def attention(self, row_limit: int) -> Sequence[Row]:
        """Return the devices that are not healthy."""
        return self._all(ATTENTION, {"row_limit": row_limit})

    def _all(self, statement: bytes, parameters: dict[str, Any]) -> Sequence[Row]:
        return self._database.fetch_all(statement, parameters, prepare=False)
