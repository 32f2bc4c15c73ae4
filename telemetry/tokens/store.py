"""Tokens in PostgreSQL, as the service reads them. Commands create and revoke them."""

from collections.abc import Sequence
from time import monotonic
from typing import NamedTuple

from telemetry.database import statements
from telemetry.database.connection import Connection
from telemetry.database.database import Database, Row
from telemetry.time_limits import TOKENS_SECONDS, ending_within

LIST_VALID = statements.load("tokens/list_valid")
NOTE_USE = statements.load("tokens/note_use")
OVERVIEW = statements.load("tokens/overview")

# A token's last use is stored at most this often.
NOTE_SECONDS = 300

# A token that expires within this time is named on the page of the status.
SOON = "14 days"
MOST_NAMED = 20


class Read(NamedTuple):
    """Every valid token at a moment, and those that ended last.

    ``asked_at`` is not after it, on ``time.monotonic``.
    """

    asked_at: float
    rows: Sequence[Row]


class TokenStore:
    """Reads tokens. Every method raises what Database.fetch_all raises."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list_valid(self) -> Read:
        """Return the tokens that are valid, and those that ended last."""

        def work(connection: Connection) -> Read:
            # After the wait for the connection: from here on the rows are not older than this.
            asked_at = monotonic()
            return Read(asked_at, connection.execute(LIST_VALID).fetchall())

        with ending_within(TOKENS_SECONDS):
            return self._database.transact(work, one_statement=True)

    def note_use(self, names: Sequence[str]) -> None:
        """Store that the tokens are in use, where the last note is not recent."""
        with ending_within(TOKENS_SECONDS):
            parameters = {"names": [*names], "apart": f"{NOTE_SECONDS} seconds"}
            self._database.fetch_all(NOTE_USE, parameters)

    def overview(self) -> Row | None:
        """Return how many tokens are valid, and which expire soon."""
        return self._database.fetch_one(OVERVIEW, {"soon": SOON, "row_limit": MOST_NAMED})
