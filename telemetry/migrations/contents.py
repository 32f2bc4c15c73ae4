"""What a database holds, for commands that must not touch anyone's data."""

from telemetry.database import statements
from telemetry.database.connection import Connection

IN_USE = statements.load("migrations/in_use")


def tables_in_use(connection: Connection) -> list[str]:
    """Return the names of the tables that hold something, of the service or of others.

    The migrations must be applied. Raises psycopg.Error.
    """
    return [row["name"] for row in connection.execute(IN_USE)]
