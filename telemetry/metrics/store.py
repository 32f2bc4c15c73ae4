"""What the databases know for a scrape."""

from typing import NamedTuple

from telemetry.database import statements
from telemetry.database.database import Database, Row
from telemetry.database.errors import DatabaseNotConfigured, DatabaseUnavailable

DATABASE_UP = statements.load("metrics/database_up")
LAST_VERIFY = statements.load("metrics/last_verify")

# A scraper gives up after 10 s, and there may be two databases.
SECONDS = 2.0


class State(NamedTuple):
    """Whether each configured database can be used, and the last verify of the ledger."""

    up: dict[str, bool]
    last_verify: Row | None


class MetricStore:
    """Asks each database once. It raises nothing, because a scrape must succeed."""

    def __init__(self, records: Database, events: Database) -> None:
        self._databases = {"records": records}
        if events is not records:
            self._databases["runtime_events"] = events

    def state(self) -> State:
        """Return the state. The verify is that of the database of records, which has the ledger."""
        up, rows = {}, {}
        for name, database in self._databases.items():
            statement = LAST_VERIFY if name == "records" else DATABASE_UP
            try:
                rows[name] = database.fetch_one(statement, within=SECONDS)
                up[name] = True
            except DatabaseNotConfigured:
                continue
            except DatabaseUnavailable:
                up[name] = False
        return State(up, rows.get("records"))
