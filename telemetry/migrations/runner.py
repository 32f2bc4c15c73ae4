"""Applying and rolling back migrations, each completely or not at all."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psycopg import errors
from yoyo import read_migrations

from telemetry.database import statements
from telemetry.database.connection import Connection, connect
from telemetry.database.unlimited import set_up_without_time_limit
from telemetry.migrations import older_events, surroundings
from telemetry.migrations.backend import Backend
from telemetry.migrations.files import (
    DIRECTORY,
    checksum,
    is_edited,
    known_migrations,
    names_in,
)
from telemetry.migrations.surroundings import MigrationError

APPLIED = statements.load("migrations/applied")
TRY_LOCK = statements.load("migrations/try_lock")
LIFT_TIME_LIMIT = statements.load("migrations/lift_time_limit")
RESET_SESSION = statements.load("migrations/reset_session")
RECORD_CHECKSUM = statements.load("migrations/record_checksum")
FORGET_CHECKSUM = statements.load("migrations/forget_checksum")
TABLES = statements.load("migrations/tables")
HOLDING_ROWS = statements.load("migrations/holding_rows")

# Only databases made before the first release have it; no file of this name may be added again.
UNRELEASED = "0001_migrations_create"

# Another migrator is waited for this long: a release that builds an index may take minutes.
LOCK_SECONDS = 600.0

Say = Callable[[str], None]


@dataclass(frozen=True)
class Status:
    """The migrations of one database. ``edited`` are applied ones whose file has changed."""

    applied: list[str]
    pending: list[str]
    edited: list[str]


def status(url: str) -> Status:
    """Return what is applied and what is not; changes nothing.

    Raises MigrationError when the role may not read that, or when the database was made before
    the first release.
    """
    applied: dict[str, str | None] = {}
    with connect(url) as connection:
        try:
            applied = {row["migration_id"]: row["checksum"] for row in connection.execute(APPLIED)}
        except errors.UndefinedTable:
            surroundings.check_visible(connection)
        except errors.InsufficientPrivilege as error:
            raise surroundings.unreadable(connection) from error
    if UNRELEASED in applied:
        raise MigrationError(
            "refused: an unreleased version made this database, and it cannot be upgraded; if it"
            " is the local one in .data/, move that folder away and run the command again; else"
            " export its data, create a new database and migrate that one"
        )
    return _status(applied)


def migrate(url: str, say: Say, directory: Path = DIRECTORY) -> Status:
    """Apply every pending migration, each in one transaction with the record that it is applied.

    A file that says ``-- transactional: false`` runs without a transaction, and is recorded at its
    end. Raises MigrationError or psycopg.Error; the migrations before the error stay applied.
    """
    with _sole_migrator(url, say) as (backend, before):
        older = surroundings.check(backend.connection, {*before.applied}, directory)
        backend.prepare()
        for migration in backend.to_apply(read_migrations(str(directory))):
            say(f"applying {migration.id}")
            moves = older and _creates(older_events.TABLE, migration.id, directory)
            try:
                _apply_one(backend, migration, say, moves_older_events=moves)
            except errors.LockNotAvailable as error:
                raise MigrationError(
                    f"{migration.id}: another transaction has had a table that it changes for too"
                    " long; migrate can be run again"
                ) from error
    return status(url)


def _apply_one(backend: Backend, migration: Any, say: Say, *, moves_older_events: bool) -> None:
    migration.load()
    if migration.use_transactions:
        with _transaction(backend):
            if moves_older_events:
                older_events.move_aside(backend.connection)
            migration.process_steps(backend, "apply")
            _note_applied(backend, migration)
    else:
        _apply_without_transaction(backend, migration)
        _note_applied(backend, migration)
    if moves_older_events:
        say(
            f"{older_events.TABLE} of an older service is now {older_events.ASIDE}, with all its"
            f" rows; import-events --table {older_events.ASIDE} takes them over"
        )


def _apply_without_transaction(backend: Backend, migration: Any) -> None:
    """Run the statements one by one, as CREATE INDEX CONCURRENTLY requires.

    What an interrupted attempt did stays, because the file can be run again. yoyo would undo it
    with the rollback file, whose locks are only meant for a short transaction.
    """
    backend.connection.execute(LIFT_TIME_LIMIT)
    try:
        for step in migration.steps:
            step.apply(backend)
    finally:
        if not backend.connection.closed:
            backend.connection.execute(RESET_SESSION)


def rollback(
    url: str, count: int, *, destroy_data: bool, say: Say, directory: Path = DIRECTORY
) -> list[str]:
    """Roll back the last ``count`` applied migrations, all of them in one transaction.

    Raises MigrationError and changes nothing when it would drop a table that holds rows and
    ``destroy_data`` is false, or when a newer release has applied migrations.
    """
    with _sole_migrator(url, say) as (backend, before):
        backend.prepare()
        known = read_migrations(str(directory))
        if unknown := {*before.applied} - {migration.id for migration in known}:
            raise MigrationError(
                f"refused: {max(unknown)} was applied by a newer release, which has to roll it back"
            )
        last = [*backend.to_rollback(known)][:count]
        for migration in last:
            migration.load()
            # A rollback is always in the transaction: dropping what was built outside is quick.
            migration.use_transactions = True
        with _transaction(backend):
            if not destroy_data:
                _refuse_to_lose_rows(backend, last)
            for migration in last:
                _roll_back_one(backend, migration, say)
        return [migration.id for migration in last]


def _roll_back_one(backend: Backend, migration: Any, say: Say) -> None:
    say(f"rolling back {migration.id}")
    with suppress(errors.UndefinedTable), backend.transaction():
        backend.connection.execute(FORGET_CHECKSUM, {"migration_id": migration.id})
    migration.process_steps(backend, "rollback")
    backend.unmark_one(migration)


def _creates(table: str, migration: str, directory: Path) -> bool:
    return table in names_in([migration], directory).relations


@contextmanager
def _sole_migrator(url: str, say: Say) -> Iterator[tuple[Backend, Status]]:
    """Hold the lock of the migrators; yield a backend, not prepared yet, and the status."""
    with connect(url) as keeper:
        surroundings.check_server(keeper)
        # CREATE INDEX CONCURRENTLY waits for every transaction that has a snapshot. This one is
        # READ COMMITTED and runs nothing but the lock, so it keeps none.
        with keeper.transaction():
            _wait_for_lock(keeper, say)
            before = status(url)  # which refuses an unreleased database
            with Backend(url) as backend:
                yield backend, before


def _wait_for_lock(keeper: Connection, say: Say) -> None:
    deadline = time.monotonic() + LOCK_SECONDS
    waiting = False
    while not keeper.execute(TRY_LOCK).fetchone()["locked"]:  # type: ignore[index]
        if time.monotonic() > deadline:
            raise MigrationError(f"another migrate did not end in {LOCK_SECONDS:.0f} s")
        if not waiting:
            say("waiting for another migrate to end")
        waiting = True
        time.sleep(0.2)


@contextmanager
def _transaction(backend: Backend) -> Iterator[None]:
    with backend.transaction():
        set_up_without_time_limit(backend.connection)
        yield


def _note_applied(backend: Backend, migration: Any) -> None:
    backend.mark_one(migration)
    backend.connection.execute(
        RECORD_CHECKSUM, {"migration_id": migration.id, "checksum": checksum(migration.path)}
    )


def _refuse_to_lose_rows(backend: Backend, migrations: list[Any]) -> None:
    """Raise MigrationError when the rollback would drop a table that holds rows.

    A first rollback in a savepoint shows which tables it drops.
    """
    before = _tables(backend)
    with backend.transaction(rollback_on_exit=True):
        for migration in migrations:
            migration.process_steps(backend, "rollback")
        dropped = before - _tables(backend)
    if not dropped:
        return
    full = backend.connection.execute(HOLDING_ROWS, {"tables": sorted(dropped)}).fetchall()
    if full:
        names = ", ".join(row["name"] for row in full)
        raise MigrationError(
            f"refused: it would drop {names}, which hold(s) rows; --destroy-data does it anyway"
        )


def _tables(backend: Backend) -> set[str]:
    return {row["name"] for row in backend.connection.execute(TABLES)}


def _status(applied: dict[str, str | None]) -> Status:
    known = known_migrations()
    return Status(
        applied=sorted(applied),
        pending=[name for name in known if name not in applied],
        edited=[
            name
            for name in known
            if (seen := applied.get(name)) and is_edited(DIRECTORY / f"{name}.sql", seen)
        ],
    )
