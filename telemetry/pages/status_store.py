"""What the page of the status shows of the database."""

from datetime import UTC, datetime, timedelta

from telemetry.database import statements
from telemetry.database.database import Row
from telemetry.pages.reader import Reader
from telemetry.timestamps import clock_difference, parse_utc

DATABASE = statements.load("pages/database")
LAST_VERIFY = statements.load("pages/last_verify")
SIZES = statements.load("pages/sizes")
WRITE_RATES = statements.load("pages/write_rates")


# A smaller difference of the clocks is not shown.
CLOCKS_AGREE = timedelta(seconds=2)


class StatusPages:
    """Reads about the database. Every method raises what Reader.fetch_all raises."""

    def __init__(self, database: Reader) -> None:
        self._database = database

    def database(self) -> Row:
        """Return version, size, connections, migrations, archiving, analysts, and its clock.

        ``ahead`` is in seconds, and 0 when the clocks agree as far as can be known.
        """
        before = datetime.now(UTC)
        row = self._database.fetch_all(DATABASE, prepare=False)[0]
        ahead, uncertainty = clock_difference(parse_utc(row["clock"]), before, datetime.now(UTC))
        agrees = abs(ahead) - uncertainty < CLOCKS_AGREE
        return {**row, "ahead": 0 if agrees else round(ahead.total_seconds())}

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
