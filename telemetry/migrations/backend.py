"""The backend with which yoyo uses a connection of this service."""

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

from telemetry.database.connection import Connection
from telemetry.database.database import BEGIN
from telemetry.database.unlimited import connect_without_time_limit


class Backend(PostgresqlPsycopgBackend):  # type: ignore[misc]  # yoyo has no types
    """A yoyo backend for every URL that libpq accepts. yoyo's own parser accepts fewer."""

    def __init__(self, url: str) -> None:
        self._url = url
        super().__init__(DatabaseURI("", "", "", "", None, "", {}), "_yoyo_migration")

    def connect(self, _: DatabaseURI) -> Connection:
        """Open yoyo's connection. A migration limits itself how long it waits for locks."""
        return connect_without_time_limit(self._url)

    def cursor(self) -> Cursor[TupleRow]:
        """Return a cursor whose rows are tuples, as yoyo expects."""
        return self.connection.cursor(row_factory=tuple_row)  # type: ignore[no-any-return]

    def begin(self) -> None:
        """Begin a READ COMMITTED transaction. yoyo would use the database's default level."""
        self._in_transaction = True
        self.connection.execute(BEGIN)

    def prepare(self) -> None:
        """Create yoyo's tables where they are missing. The caller holds the migrators' lock.

        So a row in yoyo's lock table was left by a migrator that died, and is removed. Raises
        psycopg.Error, which yoyo's own create_lock_table suppresses.
        """
        if self.lock_table not in self.list_tables():
            with self.transaction():
                self.execute(self.format_sql(self.create_lock_table_sql))
        self.break_lock()
        self.ensure_internal_schema_updated()

    def get_log_data(self, migration: Any = None, operation: str = "apply") -> dict[str, Any]:
        """Return the log row. yoyo's own asks DNS, and fails for a user without a name."""
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
