"""yoyo's view of a database, over the connection that the service itself would open."""

import socket
import uuid
from contextlib import suppress
from datetime import UTC, datetime
from getpass import getuser
from typing import Any

from psycopg import Cursor
from psycopg.rows import TupleRow, tuple_row
from yoyo.backends.core.postgresql import PostgresqlPsycopgBackend
from yoyo.connections import DatabaseURI

from telemetry.database.connection import Connection, connect
from telemetry.database.database import BEGIN

# A migration's own lock_timeout bounds its waits; its work may take long.
ANSWER_SECONDS = 24 * 3600.0


class Backend(PostgresqlPsycopgBackend):  # type: ignore[misc]  # yoyo has no types
    """A yoyo backend for any URL that libpq takes: yoyo's own parser knows fewer."""

    def __init__(self, url: str) -> None:
        self._url = url
        super().__init__(DatabaseURI("", "", "", "", None, "", {}), "_yoyo_migration")

    def connect(self, _: DatabaseURI) -> Connection:
        """Open yoyo's connection."""
        connection = connect(self._url)
        connection.answer_seconds = ANSWER_SECONDS
        return connection

    def cursor(self) -> Cursor[TupleRow]:
        """Return a cursor as yoyo expects it, whose rows are tuples."""
        return self.connection.cursor(row_factory=tuple_row)  # type: ignore[no-any-return]

    def begin(self) -> None:
        """Begin a transaction; yoyo's own would have the database's default isolation level."""
        self._in_transaction = True
        self.connection.execute(BEGIN)

    def prepare(self) -> None:
        """Create yoyo's tables where they are missing; call under the migrators' lock.

        A lock row of yoyo's can only be a dead migrator's then, so it goes. Raises psycopg.Error,
        which yoyo's own create_lock_table would keep to itself.
        """
        if self.lock_table not in self.list_tables():
            with self.transaction():
                self.execute(self.format_sql(self.create_lock_table_sql))
        self.break_lock()
        self.ensure_internal_schema_updated()

    def get_log_data(self, migration: Any = None, operation: str = "apply") -> dict[str, Any]:
        """yoyo's own would look up DNS, and fail for users without a name, as containers have."""
        user = "unknown"
        with suppress(OSError, KeyError):
            user = getuser()
        return {
            "id": str(uuid.uuid4()),
            "migration_id": migration.id,
            "migration_hash": migration.hash,
            "username": user,
            "hostname": socket.gethostname(),
            "created_at_utc": datetime.now(UTC).replace(tzinfo=None),
            "operation": operation,
        }
