"""The sequences that are behind their tables, as after a logical failover or a load of data."""

from telemetry.database.connection import Connection
from telemetry.database.database import LIMIT_LOCK_WAIT
from telemetry.database.sequences import SEQUENCES_BEHIND


def sequences_behind(connection: Connection, *, lock_timeout: str) -> list[str]:
    """Return a line for each sequence that would give a value of the past.

    Raises psycopg.Error: LockNotAvailable when a table stays locked for ``lock_timeout``.
    """
    with connection.transaction(force_rollback=True):
        connection.execute(LIMIT_LOCK_WAIT, {"lock_timeout": lock_timeout}, prepare=False)
        return [
            f"sequence {row['sequence']} is behind its table: it gave {row['given']} last,"
            f" and the table has {row['highest']}"
            for row in connection.execute(SEQUENCES_BEHIND, prepare=False)
        ]
