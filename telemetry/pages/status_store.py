"""What the page of the status shows of the database."""

from telemetry.database import statements
from telemetry.database.database import Row
from telemetry.pages.reader import Reader

DATABASE = statements.load("pages/database")
LAST_VERIFY = statements.load("pages/last_verify")
SIZES = statements.load("pages/sizes")
WRITE_RATES = statements.load("pages/write_rates")


class StatusPages:
    """Reads about the database. Every method raises what Reader.fetch_all raises."""

    def __init__(self, database: Reader) -> None:
        self._database = database

    def database(self) -> Row:
        """Return version, size, connections, migrations, archiving and analysts."""
        return self._database.fetch_all(DATABASE, prepare=False)[0]

    def sizes(self) -> list[Row]:
        """Return each table that grows, with its bytes and those of its ``indexes``."""
        tables: dict[str, Row] = {}
        for row in self._database.fetch_all(SIZES, prepare=False):
            if row["index_name"] is None:
                tables[row["table_name"]] = {**row, "indexes": 0}
            else:
                tables[row["table_name"]]["indexes"] += row["bytes"]
        return [*tables.values()]

    def rates(self) -> Row:
        """Return how many runs the last hour has."""
        return self._database.fetch_all(WRITE_RATES, prepare=False)[0]

    def last_verify(self) -> Row | None:
        """Return when the whole ledger was last verified, and the findings; None for never."""
        return self._database.fetch_one(LAST_VERIFY, prepare=False)

    def pool(self) -> dict[str, int]:
        """Return the statistics of this process's pool; empty before it opens."""
        return self._database.pool_statistics()
