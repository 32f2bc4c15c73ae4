"""What others have put on tables, and a command that makes these tables again can't carry over."""

from collections.abc import Sequence

from telemetry.database import statements
from telemetry.database.connection import Connection

OBSTACLES = statements.load("scale_out/distribute/obstacles")


def obstacles(connection: Connection, tables: Sequence[str]) -> list[str]:
    """Return the triggers, rules and policies on the tables, and row-level security, as text."""
    rows = connection.execute(OBSTACLES, {"tables": list(tables)}, prepare=False).fetchall()
    return [row["obstacle"] for row in rows]
