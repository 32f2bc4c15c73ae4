"""What a database holds, for commands that must not touch anyone's data."""

from telemetry.database import statements
from telemetry.database.connection import Connection

IN_USE = statements.load("migrations/in_use")
TRY_DEMO_LOCK = statements.load("migrations/try_demo_lock")


def tables_in_use(connection: Connection) -> list[str]:
    """Return the names of the relations that hold something, of the service or of others.

    The migrations must be applied. Raises psycopg.Error.
    """
    return [row["name"] for row in connection.execute(IN_USE)]


def takes_demo_lock(connection: Connection) -> bool:
    """Take the lock of demo data until the transaction ends; return whether that succeeded."""
    row = connection.execute(TRY_DEMO_LOCK).fetchone()
    return bool(row and row["locked"])
