"""The sequences that are behind their tables, as after a logical failover or a load of data."""

from telemetry.database import statements
from telemetry.database.connection import Connection

SEQUENCES_BEHIND = statements.load("health/sequences_behind")


def sequences_behind(connection: Connection) -> list[str]:
    """Return a line for each sequence that would give a value of the past. Raises psycopg.Error."""
    return [
        f"sequence {row['sequence']} is behind its table: it gave {row['given']} last,"
        f" and the table has {row['highest']}"
        for row in connection.execute(SEQUENCES_BEHIND, prepare=False)
    ]
